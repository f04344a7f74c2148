//! What is there once a host.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::facts::{Epoch, IptablesBackend};
use crate::firewall::guard::{Capabilities, Guard, Listing, Tables, base_id};
use crate::firewall::iptables::Options;
use crate::model::{BridgeSwitches, IfName};

/// What is there once a host, while any network is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostRecord {
    /// The boot and network namespace it belongs to.
    pub epoch: Epoch,
    /// The kernel's nftables generation after our last act: while it stands, nobody else was
    /// there, and what we noted is what the kernel has. `None`: unknown, read back.
    pub generation: Option<u32>,
    /// What `iptables` speaks to.
    pub backend: IptablesBackend,
    /// What the kernel can do, probed when the tables were made.
    pub capabilities: Capabilities,
    /// How rules are written: one skeleton serves all. Only a reload changes it.
    pub options: Options,
    /// How else rules may stand in the kernel: a change of [`options`](Self::options) was begun, and
    /// nobody has noted its end. So what it made is found, and goes.
    #[serde(default)]
    pub besides: Vec<Options>,
    /// What bridges of the host's had before a network came to them, noted before it is changed.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub lent: BTreeMap<IfName, BridgeSwitches>,
    /// The guard's fixed chains as nft printed them right after they were made.
    pub guard_chains: Vec<String>,
    /// Which fixed chains those were, by [`base_id`]: another version of this program may have
    /// others, and elements for sets that these lack.
    #[serde(default)]
    pub guard_base: u64,
}

impl HostRecord {
    /// The name of the file that holds it.
    pub const FILE: &'static str = "host";

    /// Whether the guard's tables were made as this program makes them.
    pub fn has_our_base(&self) -> bool {
        self.guard_base == base_id(self.capabilities)
    }

    /// The guard in a listing. It counts as ours only while its fixed chains are those that this
    /// program makes, and what nft printed for them then.
    pub fn guard(&self, listing: Listing) -> Guard {
        let Listing { mut guard, chains } = listing;
        let as_made = self.has_our_base() && chains == self.guard_chains;
        if guard.tables == Tables::Made && !as_made {
            guard.tables = Tables::Damaged;
        }
        guard
    }

    /// Every way in which rules may stand in the kernel.
    pub fn writings(&self) -> impl Iterator<Item = &Options> {
        std::iter::once(&self.options).chain(&self.besides)
    }

    /// The record while rules may also stand written like this.
    #[must_use]
    pub fn beside(mut self, options: &Options) -> Self {
        if self.writings().all(|known| known != options) {
            self.besides.push(options.clone());
        }
        self
    }

    /// The record while bridges may also be lent that this other one knows.
    #[must_use]
    pub fn lending_besides(mut self, other: &Self) -> Self {
        for (bridge, before) in &other.lent {
            self.lent.entry(bridge.clone()).or_insert(*before);
        }
        self
    }

    /// Whether nobody can say whether the kernel is as the records say.
    pub fn is_in_doubt(&self) -> bool {
        self.generation.is_none()
    }

    /// The record while nobody can say whether the kernel is as the records say: the next hook
    /// reads it back.
    #[must_use]
    pub fn doubted(&self) -> Self {
        Self {
            generation: None,
            ..self.clone()
        }
    }
}
