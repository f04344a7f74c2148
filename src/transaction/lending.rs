//! Bridges of the host's: what they had before, and which taps are on them.
//!
//! A bridge is lent from the moment on in which its first network is admitted. What it had then is in
//! the host's record, which is written before anything is changed: so whoever takes the network down,
//! a hook, a repair or a purge, gives back the very same, also after a death.

use std::collections::{BTreeMap, BTreeSet};

use super::Records;
use crate::facts::HostFacts;
use crate::model::{BridgeSwitches, IfName, Tap};

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

/// The taps on bridges of the host's that are fenced now: those that open; and of `there`, where the kernel
/// was read back, all that are on their bridge. What a port has it loses when it leaves its bridge, also to
/// come back, and nobody reads this of a port.
pub(super) fn fenced(
    records: &Records,
    opening: &[IfName],
    there: Option<&HostFacts>,
) -> Vec<IfName> {
    let domains = records.domains.values();
    let open = domains.flat_map(|record| record.want.open_ports());
    let on_existing = open.filter_map(|(port, tap)| {
        let network = &records.networks.get(&port.network)?.network;
        network.existing().map(|_| (tap, &network.bridge))
    });
    let is_there = |tap: &Tap, bridge: &IfName| {
        let link = there?.link(&tap.name)?;
        let on = there?.link_by_index(link.master?)?;
        Some(link.index == tap.index && on.name == bridge.as_str())
    };
    let fenced = on_existing.filter(|(tap, bridge)| {
        opening.contains(&tap.name) || is_there(tap, bridge).unwrap_or(false)
    });
    fenced.map(|(tap, _)| tap.name.clone()).collect()
}
