//! Links, forwarding entries and neighbours.

use super::check::{Check, Kind, Status};
use super::compare::{Kernel, Scoped};
use super::host_end;
use crate::facts::{BridgeFact, HostFacts, LinkFact, LinkKind, VlanFact, VxlanFact};
use crate::model::{BridgeSwitches, IfName, Mtu, NetworkId};
use crate::plan::link::{VxlanDevice, alias};
use crate::state::OwnLink;

pub(super) fn checks(part: Scoped<'_>, kernel: Kernel<'_>) -> Vec<Check> {
    let mut checks = Vec::new();
    let state = &kernel.observed.state;
    for (name, link) in &part.applied.links {
        let check = Check::new(part.scope, Kind::Link, name);
        checks.push(match kernel.facts.link(name) {
            None => check.is(Status::Missing),
            Some(fact) => check.different(&differences(link, fact, kernel.facts)),
        });
    }
    for (device, bridge) in &part.applied.enslaved {
        let object = format!("{device} on {bridge}");
        let check = Check::new(part.scope, Kind::BridgePort, object);
        let suppressing = state.suppressed.contains(device);
        let wrong = part.applied.suppressed.contains(device) && !suppressing;
        let differs = wrong.then(|| "not \"learning off neigh_suppress on\"".to_owned());
        checks.push(if state.enslaved.get(device) == Some(bridge) {
            check.different(differs.as_slice())
        } else {
            check.is(Status::Missing)
        });
    }
    checks.extend(switches_of(part, kernel));
    for entry in &part.applied.fdb {
        let check = Check::new(part.scope, Kind::FdbEntry, entry);
        checks.push(check.there(state.fdb.contains(entry)));
    }
    checks.extend(neighbours(part, kernel));
    let unknown = state.fdb.difference(&kernel.whole.fdb);
    let own = unknown.filter(|entry| part.devices.contains(&entry.device));
    checks.extend(own.map(|entry| Check::new(part.scope, Kind::FdbEntry, entry).is(Status::Extra)));
    checks
}

/// What is ours of bridges that are the host's.
fn switches_of(part: Scoped<'_>, kernel: Kernel<'_>) -> Vec<Check> {
    let check = |bridge: &IfName| {
        let check = Check::new(part.scope, Kind::Link, bridge);
        let Some(LinkKind::Bridge(found)) = kernel.facts.link(bridge).map(|link| &link.kind) else {
            return check.is(Status::Missing);
        };
        let BridgeSwitches {
            iptables,
            ip6tables,
        } = found.switches();
        let switches = [
            ("nf_call_iptables", iptables),
            ("nf_call_ip6tables", ip6tables),
        ];
        let off = switches.into_iter().filter(|(_, on)| !on);
        let off = off.map(|(name, _)| format!("{name} 0, not 1"));
        let by_vlans = found.vlan_filtering;
        let by_vlans = by_vlans.then(|| "vlan_filtering 1, not 0".to_owned());
        let points: Vec<String> = off.chain(by_vlans).collect();
        check.different(&points)
    };
    part.applied.lent.keys().map(check).collect()
}

fn neighbours(part: Scoped<'_>, kernel: Kernel<'_>) -> Vec<Check> {
    let check = |neighbour| Check::new(part.scope, Kind::Neighbour, neighbour);
    let there = &kernel.observed.state.neighbours;
    let applied = part.applied.neighbours.iter();
    let applied = applied.map(|it| check(it).there(there.contains(it)));
    let unknown = there.difference(&kernel.whole.neighbours);
    let own = unknown.filter(|it| part.devices.contains(&it.device));
    applied
        .chain(own.map(|it| check(it).is(Status::Extra)))
        .collect()
}

/// What somebody changed on a link that we made.
fn differences(applied: &OwnLink, fact: &LinkFact, facts: &HostFacts) -> Vec<String> {
    let mut points = Vec::new();
    if !fact.up {
        points.push("is down".to_owned());
    }
    match (applied, &fact.kind) {
        (OwnLink::Bridge(bridge), LinkKind::Bridge(found)) => {
            common(fact, &bridge.network, bridge.mtu, &mut points);
            if fact.mac != Some(bridge.mac) {
                points.push(format!("its MAC address is not {}", bridge.mac));
            }
            points.extend(switches(found));
        }
        (OwnLink::Vxlan(device), LinkKind::Vxlan(found)) => {
            common(fact, &device.network, device.mtu, &mut points);
            let underlay = found.underlay.and_then(|index| facts.link_by_index(index));
            points.extend(tunnel_differences(device, found, underlay));
        }
        (OwnLink::Vlan(device), LinkKind::Vlan(found)) => {
            common(fact, &device.network, device.mtu, &mut points);
            let below = facts.link(&device.vlan.parent).map(|link| link.index);
            let as_made = VlanFact {
                id: Some(device.vlan.id),
                parent: below,
            };
            if *found != as_made || below.is_none() {
                points.push(format!("is not made of {}", device.vlan));
            }
        }
        (OwnLink::HostEnd(pair), LinkKind::Veth(found)) => {
            common(fact, &pair.network, pair.mtu, &mut points);
            points.extend(host_end::differences(pair, fact, *found, facts));
        }
        (OwnLink::HostPort(_), LinkKind::Veth(_)) => {}
        _ => points.push("is a device of another kind".to_owned()),
    }
    points
}

fn tunnel_differences(
    device: &VxlanDevice,
    found: &VxlanFact,
    underlay: Option<&LinkFact>,
) -> Vec<String> {
    let VxlanDevice { tunnel, outer, .. } = device;
    let over = underlay.is_some_and(|link| link.name == tunnel.underlay.as_str());
    let made = VxlanFact::of(tunnel, outer, found.underlay);
    let unlearned = VxlanFact {
        learning: made.learning,
        ttl: made.ttl,
        tos: made.tos,
        ..found.clone()
    };
    let mut points = Vec::new();
    if !over || unlearned != made {
        points.push(format!("is not made of {tunnel}"));
    }
    if (found.ttl, found.tos) != (made.ttl, made.tos) {
        let header = |fact: &VxlanFact| format!("ttl {}, tos {:#x}", fact.ttl, fact.tos);
        points.push(format!("{}, not {}", header(found), header(&made)));
    }
    match (made.learning, found.learning) {
        (true, false) => points.push("does not learn MAC addresses".to_owned()),
        (false, true) => points.push("learns MAC addresses from frames".to_owned()),
        _ => {}
    }
    points
}

fn common(fact: &LinkFact, network: &NetworkId, mtu: Mtu, points: &mut Vec<String>) {
    if fact.mtu != u32::from(mtu) {
        points.push(format!("MTU {}, not {mtu}", fact.mtu));
    }
    let alias = alias(network);
    if fact.alias.as_ref() != Some(&alias) {
        points.push(format!("does not bear the alias {alias}"));
    }
}

fn switches(found: &BridgeFact) -> Vec<String> {
    let ours = BridgeFact::OURS;
    let on = |switch: bool| u32::from(switch);
    [
        ("forward_delay", found.forward_delay, ours.forward_delay),
        ("stp_state", on(found.stp), on(ours.stp)),
        (
            "group_fwd_mask",
            found.group_fwd_mask.into(),
            ours.group_fwd_mask.into(),
        ),
        (
            "mcast_snooping",
            on(found.mcast_snooping),
            on(ours.mcast_snooping),
        ),
        (
            "vlan_filtering",
            on(found.vlan_filtering),
            on(ours.vlan_filtering),
        ),
        (
            "nf_call_iptables",
            on(found.nf_call_iptables),
            on(ours.nf_call_iptables),
        ),
        (
            "nf_call_ip6tables",
            on(found.nf_call_ip6tables),
            on(ours.nf_call_ip6tables),
        ),
    ]
    .into_iter()
    .filter(|(_, found, ours)| found != ours)
    .map(|(name, found, ours)| format!("{name} {found}, not {ours}"))
    .collect()
}

/// What is wrong with a tap: the device of the same index must still have its name, be up, and be
/// on its network's bridge.
pub(super) fn tap_differences(fact: &LinkFact, bridge: &IfName, facts: &HostFacts) -> Vec<String> {
    let mut points = Vec::new();
    if !fact.up {
        points.push("is down".to_owned());
    }
    let master = fact.master.and_then(|index| facts.link_by_index(index));
    let on = master.map_or("no bridge", |link| link.name.as_str());
    if on != bridge.as_str() {
        points.push(format!("is on {on}, not on {bridge}"));
    }
    points
}
