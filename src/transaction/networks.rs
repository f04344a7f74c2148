//! Which networks there are after a transaction, and what each has.

use std::collections::BTreeSet;

use crate::compile::{Serving, compile_network, compile_tracking};
use crate::facts::{HostFacts, LinkFact, LinkKind};
use crate::model::{Lent, Network, NetworkId, Zone};
use crate::record::NetworkRecord;
use crate::state::HostState;
use crate::transaction::{Records, tracking};

/// The lowest zone that no network has; `None` when all 61,439 are taken.
pub(super) fn free_zone(records: &Records) -> Option<Zone> {
    let networks = records.networks.values();
    let taken: BTreeSet<Zone> = networks.map(|network| network.zone).collect();
    let mut zones = std::iter::successors(Some(Zone::FIRST), |zone| zone.next());
    zones.find(|zone| !taken.contains(zone))
}

/// Adds these networks, as far as nobody has them yet.
pub(super) fn add(records: &mut Records, networks: &[Network]) {
    for network in networks {
        if records.networks.contains_key(&network.id) {
            continue;
        }
        let Some(zone) = free_zone(records) else {
            continue;
        };
        let record = NetworkRecord {
            epoch: records.epoch.clone(),
            network: network.clone(),
            zone,
            serving: false,
            applied: HostState::default(),
        };
        records.networks.insert(network.id.clone(), record);
    }
}

/// Adds the networks of recorded domains that have no record: somebody lost it, and their links
/// must not go with it.
pub(super) fn add_lost(records: &mut Records) {
    let domains = records.domains.values();
    let used = domains.flat_map(|record| &record.want.networks);
    let lost = used.filter(|network| !records.networks.contains_key(&network.id));
    let lost: Vec<Network> = lost.cloned().collect();
    add(records, &lost);
}

/// Drops the networks that no domain uses, but for those that are kept, and those with a port on the
/// bridge that is not ours: somebody put it there on purpose, and it keeps its bridge.
pub(super) fn drop_unused(records: &mut Records, facts: &HostFacts) {
    let index = &records.index;
    records.networks.retain(|id, record| {
        let network = &record.network;
        network.keep || index.uses(id) || has_other_ports(network, facts)
    });
}

/// A bridge of the host's loses nothing by it when its network goes. But a tap there is a machine's: one
/// that nobody opened must not be open because the last of the others has stopped.
fn has_other_ports(network: &Network, facts: &HostFacts) -> bool {
    let Some(bridge) = facts.link(&network.bridge) else {
        return false;
    };
    let counts = |port: &&LinkFact| network.existing().is_none() || port.kind == LinkKind::Tun;
    let mut ports = facts.ports_of(bridge.index).filter(counts);
    ports.any(|port| !network.has_port(&port.name))
}

/// The networks on which a loaded domain has an open port, as far as they had none before: they get
/// their zone and nat rules, and keep them until they go.
pub(super) fn begin_serving(records: &mut Records) -> Vec<NetworkId> {
    let Records {
        networks, domains, ..
    } = records;
    let open = domains.values().flat_map(|record| record.want.open_ports());
    let mut begun = Vec::new();
    for (port, _) in open {
        if let Some(record) = networks.get_mut(&port.network)
            && !record.serving
        {
            record.serving = true;
            begun.push(port.network.clone());
        }
    }
    begun
}

/// Compiles what these networks have, and those that have nothing yet.
///
/// Always from the network as it was resolved when it was made.
pub(super) fn compile(records: &mut Records, machine_id: &str, which: impl Fn(&NetworkId) -> bool) {
    let Records {
        host: Some(host),
        networks,
        index,
        ..
    } = records
    else {
        return;
    };
    for (id, record) in networks {
        let is_new = record.applied == HostState::default();
        if !is_new && !which(id) {
            continue;
        }
        let serving = Serving {
            options: &host.options,
            tracking: tracking::of(index, &record.network),
        };
        let serving = record.serving.then_some(&serving);
        record.applied = compile_network(record.placed(), serving, machine_id);
        let before = host.lent.get(&record.network.bridge);
        if let Some(before) = before.filter(|_| record.serving) {
            let lent = Lent {
                before: *before,
                filters: true,
            };
            record.applied.lent = [(record.network.bridge.clone(), lent)].into();
        }
    }
}

/// Writes the rules anew of networks whose ports are not what they were, where that decides what is
/// tracked. Their links stay as they are.
pub(super) fn retrack(before: &Records, after: &mut Records) {
    let Records {
        host: Some(host),
        networks,
        index,
        ..
    } = after
    else {
        return;
    };
    for record in networks.values_mut().filter(|record| record.serving) {
        let tracking = tracking::of(index, &record.network);
        if tracking == tracking::of(&before.index, &record.network) {
            continue;
        }
        let serving = Serving {
            options: &host.options,
            tracking,
        };
        [record.applied.v4, record.applied.v6] = compile_tracking(record.placed(), &serving);
    }
}
