//! The records that a transaction starts from and ends with.

use std::collections::{BTreeMap, BTreeSet};

use crate::compile::compile_skeleton;
use crate::facts::Epoch;
use crate::firewall::ipset::Sets;
use crate::model::{DomainUuid, IfName, NetworkId};
use crate::record::{Basis, DomainRecord, HostRecord, Index, NetworkRecord, Phase, Want};
use crate::state::HostState;

/// The records that a transaction starts from and ends with.
#[derive(Debug, Clone, PartialEq)]
pub struct Records {
    /// This boot and network namespace.
    pub epoch: Epoch,
    /// What is there once; `None` while nothing is.
    pub host: Option<HostRecord>,
    /// All networks.
    pub networks: BTreeMap<NetworkId, NetworkRecord>,
    /// The domains concerned, or all.
    pub domains: BTreeMap<DomainUuid, DomainRecord>,
    /// One line for each port of every domain, concerned or not.
    pub index: Index,
}

impl Records {
    /// The records of a host on which nothing was ever done.
    pub fn empty(epoch: Epoch) -> Self {
        let (networks, domains) = (BTreeMap::new(), BTreeMap::new());
        Self {
            epoch,
            host: None,
            networks,
            domains,
            index: Index::default(),
        }
    }

    /// What the kernel has by these records: of the networks, and of the domains that are loaded.
    pub fn state(&self) -> HostState {
        let skeleton = self.skeleton();
        let networks = self.networks.values().map(|record| &record.applied);
        let domains = self.domains.values().map(|record| &record.applied);
        HostState::of(std::iter::once(&skeleton).chain(networks).chain(domains))
    }

    /// The ports of the networks' bridges that are no machine's, ours and the host's.
    pub fn ways_out(&self) -> BTreeSet<IfName> {
        let networks = self.networks.values();
        let ways_out = networks.flat_map(|record| record.network.ways_out());
        ways_out.cloned().collect()
    }

    /// What is there once, chains and sets: nothing before a network serves a port.
    pub fn skeleton(&self) -> HostState {
        let Some(host) = self.serving() else {
            return HostState::default();
        };
        let mut skeleton = compile_skeleton(&host.options);
        skeleton.sets = self.sets();
        skeleton
    }

    /// The sets that rules name, with their members.
    pub fn sets(&self) -> Sets {
        let writes_sets = |host: &&HostRecord| host.options.ipset;
        let sets = self.serving().filter(writes_sets);
        sets.map_or_else(Sets::default, |_| super::membership::sets(&self.index))
    }

    /// The host's record, once a network serves a port.
    fn serving(&self) -> Option<&HostRecord> {
        let serving = self.networks.values().any(|network| network.serving);
        self.host.as_ref().filter(|_| serving)
    }

    /// Puts a want in the place of the domain's last one, and adds its networks. What they compile
    /// to comes later, when all wants are in.
    pub fn add(&mut self, want: &Want) {
        if want.phase == Phase::Gone || want.ports.is_empty() {
            self.domains.remove(&want.uuid);
            self.index.remove(&want.uuid);
            return;
        }
        let record = DomainRecord {
            want: Want {
                basis: Basis::default(),
                ..want.clone()
            },
            applied: HostState::default(),
        };
        self.index.replace(&record);
        self.domains.insert(want.uuid.clone(), record);
        super::networks::add(self, &want.networks);
    }
}
