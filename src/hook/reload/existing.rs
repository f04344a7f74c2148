//! What a reload changes of a network on a bridge of the host's, for people.

use std::collections::BTreeSet;

use super::rewritten::words;
use crate::facts::HostFacts;
use crate::model::{ExistingBridge, IfName, Network};

/// The ports that are named, whether the host is on the bridge itself, and the bridge's MTU.
pub(super) fn renewed(
    (before, had): (&Network, &ExistingBridge),
    (now, has): (&Network, &ExistingBridge),
) -> Vec<String> {
    let names = |ports: &BTreeSet<IfName>| {
        let names: Vec<String> = ports.iter().map(IfName::to_string).collect();
        words(&names)
    };
    let whats = [
        ("uplinks", names(&had.uplinks), names(&has.uplinks)),
        (
            "trusted_ports",
            names(&had.trusted_ports),
            names(&has.trusted_ports),
        ),
        (
            "host_unfiltered",
            had.host_unfiltered.to_string(),
            has.host_unfiltered.to_string(),
        ),
        ("MTU", before.mtu.to_string(), now.mtu.to_string()),
    ];
    let other = whats.into_iter().filter(|(_, had, has)| had != has);
    other
        .map(|(what, had, has)| format!("{what} {had} -> {has}"))
        .collect()
}

/// Ports that were named, are named no more, and are on the bridge still: from now on they are closed.
pub(super) fn closed(before: &Network, now: &Network, facts: &HostFacts) -> Vec<String> {
    let bridge = facts.link(&now.bridge).filter(|_| now.existing().is_some());
    let ports = bridge.into_iter().flat_map(|it| facts.ports_of(it.index));
    let lost = ports.filter(|port| before.has_way_out(&port.name) && !now.has_way_out(&port.name));
    lost.map(|port| {
        format!(
            "{} on {} is not named any more: it is closed, unless it is the tap of a machine",
            port.name, now.bridge
        )
    })
    .collect()
}
