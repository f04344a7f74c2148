//! Bridges of the host's: what they had before, and which taps are on them.
//!
//! A bridge is lent from the moment on in which its first network is admitted. What it had then is in
//! the host's record, which is written before anything is changed: so whoever takes the network down,
//! a hook, a repair or a purge, gives back the very same, also after a death.

use std::collections::{BTreeMap, BTreeSet};

use super::Records;
use crate::model::{BridgeSwitches, IfName};

/// Notes what bridges had to which a network comes, and forgets those that no network is on any more.
pub(super) fn note(records: &mut Records, found: &BTreeMap<IfName, BridgeSwitches>) {
    let networks = records.networks.values().map(|record| &record.network);
    let existing = networks.filter(|network| network.existing().is_some());
    let bridges: BTreeSet<IfName> = existing.map(|network| network.bridge.clone()).collect();
    let Some(host) = &mut records.host else {
        return;
    };
    host.lent.retain(|bridge, _| bridges.contains(bridge));
    for bridge in bridges {
        if let Some(before) = found.get(&bridge) {
            host.lent.entry(bridge).or_insert(*before);
        }
    }
}

/// Those of these taps that are on bridges of the host's.
pub(super) fn fenced(records: &Records, opening: &[IfName]) -> Vec<IfName> {
    let on_existing = |tap: &&IfName| {
        let mut open = records
            .domains
            .values()
            .flat_map(|record| record.want.open_ports());
        open.any(|(port, of_port)| {
            let network = records.networks.get(&port.network);
            of_port.name == **tap && network.is_some_and(|it| it.network.existing().is_some())
        })
    };
    opening.iter().filter(on_existing).cloned().collect()
}
