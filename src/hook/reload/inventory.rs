//! What a reload changes of the ports on other hosts that a network lists, for people.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use crate::model::{MacAddr, Network, NetworkKind, RemotePort, Vtep};

/// How many ports come, go, move to another host, or have other addresses.
pub(super) fn renewed(before: &Network, now: &Network) -> Option<String> {
    let (before, now) = (places(before), places(now));
    let moved = |had: &Place<'_>, has: &Place<'_>| had.0 != has.0;
    let mut counts = [
        ("new", 0),
        ("gone", 0),
        ("moved", 0),
        ("with other addresses", 0),
    ];
    for (mac, has) in &now {
        match before.get(mac) {
            None => counts[0].1 += 1,
            Some(had) if moved(had, has) => counts[2].1 += 1,
            Some(had) if had != has => counts[3].1 += 1,
            Some(_) => {}
        }
    }
    counts[1].1 = before.keys().filter(|mac| !now.contains_key(mac)).count();
    let some = counts.iter().filter(|(_, count)| *count > 0);
    let words: Vec<String> = some
        .map(|(what, count)| format!("{count} {what}"))
        .collect();
    (!words.is_empty()).then(|| format!("ports on other hosts (hosts): {}", words.join(", ")))
}

/// The host that a port is on, and its addresses.
type Place<'a> = (Vtep, BTreeSet<&'a IpAddr>);

fn places(network: &Network) -> BTreeMap<MacAddr, Place<'_>> {
    let hosts: &[RemotePort] = match &network.kind {
        NetworkKind::Vxlan(vxlan) => &vxlan.hosts,
        _ => &[],
    };
    hosts
        .iter()
        .map(|port| (port.mac, (port.vtep, port.addresses.iter().collect())))
        .collect()
}
