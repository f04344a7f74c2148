//! The host's end of a network, and what somebody changed of it.

use std::collections::BTreeSet;

use ipnet::IpNet;

use crate::facts::{AddressFact, HostFacts, LinkFact};
use crate::plan::host_end::HostEndPair;
use crate::plan::link::alias;

/// What is other on the host's device than it was applied.
pub(super) fn differences(
    pair: &HostEndPair,
    fact: &LinkFact,
    other_end: Option<u32>,
    facts: &HostFacts,
) -> Vec<String> {
    let mut points = Vec::new();
    if fact.mac != Some(pair.mac) {
        points.push(format!("its MAC address is not {}", pair.mac));
    }
    match other_end.and_then(|index| facts.link_by_index(index)) {
        Some(port) if port.name == pair.port.as_str() => points.extend(of_port(pair, port)),
        _ => points.push(format!("its other end is not {}", pair.port)),
    }
    let own = facts.addresses.iter().filter(|it| it.link == fact.index);
    let there: BTreeSet<IpNet> = own.map(AddressFact::with_prefix).collect();
    let missing = pair.addresses.difference(&there);
    points.extend(missing.map(|address| format!("lacks address {address}")));
    let more = there.difference(&pair.addresses);
    points
        .extend(more.map(|address| format!("has address {address}, which is not of host_address")));
    points
}

/// What is other on the port of the bridge.
fn of_port(pair: &HostEndPair, port: &LinkFact) -> Vec<String> {
    let HostEndPair {
        mtu,
        port_mac,
        port: name,
        ..
    } = pair;
    let alias = alias(&pair.network);
    let points = [
        (port.mac != Some(*port_mac))
            .then(|| format!("the MAC address of {name} is not {port_mac}")),
        (port.mtu != u32::from(*mtu)).then(|| format!("{name} has MTU {}, not {mtu}", port.mtu)),
        (port.alias.as_ref() != Some(&alias))
            .then(|| format!("{name} does not bear the alias {alias}")),
    ];
    points.into_iter().flatten().collect()
}
