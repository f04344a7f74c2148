//! What of a transaction is one domain's, and what is nobody's, for the journal.

use std::collections::BTreeSet;

use super::{Records, Transaction};
use crate::firewall::guard::Tables;
use crate::firewall::ipset::Sets;
use crate::model::{DomainUuid, NetworkId, Port};
use crate::plan::{Forget, Step, Summary};
use crate::record::Want;
use crate::state::HostState;

impl Transaction {
    /// What becomes of the host by this want, which is one of `wants`, from these records.
    ///
    /// A want that is alone has all of it: also what becomes of other domains whose rules name its
    /// groups. Of several each has its own ports and its networks; what two bring together (the
    /// first ports of one network) is told of both.
    pub fn share(&self, before: &Records, want: &Want, wants: &[Want]) -> Summary {
        if let [_] = wants {
            return Summary::between(&before.state().into(), &self.after.state(), self.forgets());
        }
        let networks = networks(before, want);
        let have = part(before, &want.uuid, &networks);
        let has = part(&self.after, &want.uuid, &networks);
        let own = |forget: &Forget| self.is_own(before, forget, (want, &networks));
        let forgets: Vec<Forget> = self.forgets().filter_map(own).collect();
        Summary::between(&have.into(), &has, &forgets)
    }

    /// What becomes of the host by the transaction and is in nobody's [share](Self::share): networks
    /// that no want is on, the sets where several wants change them, and rules of domains that want
    /// nothing.
    pub fn rest(&self, before: &Records, wants: &[Want]) -> Summary {
        if let [_] = wants {
            return Summary::default();
        }
        let told = Told {
            domains: wants.iter().map(|want| &want.uuid).collect(),
            networks: wants
                .iter()
                .flat_map(|want| networks(before, want))
                .collect(),
        };
        let mut parts = [before, &self.after].map(|records| told.others(records));
        let made = parts.iter().any(|part| part.guard.tables == Tables::Made);
        // They come and go with the first network and the last, which are somebody's.
        if made && !wants.is_empty() {
            for part in &mut parts {
                part.guard.tables = Tables::Made;
            }
        }
        let [have, has] = parts;
        let forgets = self.forgets().filter(|_| wants.is_empty());
        Summary::between(&have.into(), &has, forgets)
    }

    fn forgets(&self) -> impl Iterator<Item = &Forget> {
        self.plan.steps.iter().filter_map(|step| match step {
            Step::Connections(forget) => Some(forget),
            _ => None,
        })
    }

    /// What of these connections were the domain's: those of its own addresses, or the whole zone of
    /// a network of its.
    fn is_own(
        &self,
        before: &Records,
        forget: &Forget,
        (want, networks): (&Want, &BTreeSet<NetworkId>),
    ) -> Option<Forget> {
        let zone = |records: &Records, id: &NetworkId| {
            let record = records.networks.get(id);
            record.is_some_and(|record| record.zone == forget.zone)
        };
        let mut ids = networks.iter();
        ids.find(|id| zone(&self.after, id) || zone(before, id))?;
        if forget.addresses.is_empty() {
            return Some(forget.clone());
        }
        let had = before.domains.get(&want.uuid).map(|record| &record.want);
        let ports = had.into_iter().chain([want]).flat_map(|want| &want.ports);
        let own: BTreeSet<_> = ports.flat_map(Port::single_addresses).collect();
        let addresses = forget.addresses.iter().filter(|ip| own.contains(ip));
        let addresses: Vec<_> = addresses.copied().collect();
        (!addresses.is_empty()).then_some(Forget {
            addresses,
            ..forget.clone()
        })
    }
}

/// What is told as some want's share.
struct Told<'a> {
    domains: BTreeSet<&'a DomainUuid>,
    networks: BTreeSet<NetworkId>,
}

impl Told<'_> {
    /// What stands besides.
    fn others(&self, records: &Records) -> HostState {
        let skeleton = records.skeleton();
        let sets = skeleton.sets.clone();
        let skeleton = if self.domains.is_empty() {
            skeleton
        } else {
            HostState {
                sets,
                ..HostState::default()
            }
        };
        let networks = records.networks.iter();
        let networks = networks.filter(|(id, _)| !self.networks.contains(*id));
        let networks = networks.map(|(_, record)| &record.applied);
        let domains = records.domains.iter();
        let domains = domains.filter(|(uuid, _)| !self.domains.contains(*uuid));
        let domains = domains.map(|(_, record)| &record.applied);
        HostState::of([&skeleton].into_iter().chain(networks).chain(domains))
    }
}

/// The networks that the domain has or had.
fn networks(before: &Records, want: &Want) -> BTreeSet<NetworkId> {
    let had = before.domains.get(&want.uuid).map(|record| &record.want);
    let wants = had.into_iter().chain([want]);
    wants
        .flat_map(|want| &want.networks)
        .map(|network| network.id.clone())
        .collect()
}

/// What stands for a domain and these networks, and what stands once; but not the sets, of which
/// nobody could say whose they are.
fn part(records: &Records, uuid: &DomainUuid, networks: &BTreeSet<NetworkId>) -> HostState {
    let skeleton = HostState {
        sets: Sets::default(),
        ..records.skeleton()
    };
    let networks = networks.iter().filter_map(|id| records.networks.get(id));
    let networks = networks.map(|record| &record.applied);
    let domain = records.domains.get(uuid).map(|record| &record.applied);
    HostState::of([&skeleton].into_iter().chain(networks).chain(domain))
}
