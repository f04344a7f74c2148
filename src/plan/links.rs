//! The difference of two sets of links.

use crate::model::{FdbEntry, IfName};
use crate::plan::link::LinkChange;
use crate::state::{HostState, OwnLink};

/// The changes of links from one state to another: what goes, then what comes.
pub(super) fn changes(have: &HostState, want: &HostState) -> Vec<LinkChange> {
    let mut changes = removed(have, want);
    changes.extend(added(have, want));
    changes
}

/// Whether a link that is there can stay: a tunnel's identity cannot be changed while it lives, a
/// bridge can be brought back to anything in place. A link of another network never stays: the
/// alias tells whose it is, and nobody takes over what is another's.
fn stays(name: &IfName, have: &HostState, want: &HostState) -> bool {
    match (have.links.get(name), want.links.get(name)) {
        (Some(OwnLink::Vxlan(ours)), Some(OwnLink::Vxlan(wanted))) => {
            (&ours.tunnel, &ours.network) == (&wanted.tunnel, &wanted.network)
        }
        (Some(OwnLink::Bridge(ours)), Some(OwnLink::Bridge(wanted))) => {
            ours.network == wanted.network
        }
        (Some(OwnLink::Altered), Some(OwnLink::Bridge(_))) => true,
        _ => false,
    }
}

/// A device before its bridge: deleting the bridge first would leave the device forwarding to
/// nobody for the length of a grace period.
fn removed(have: &HostState, want: &HostState) -> Vec<LinkChange> {
    let gone = |name: &&IfName| !stays(name, have, want);
    let has_ports = |name: &IfName| have.enslaved.values().any(|bridge| bridge == name);
    let is_bridge =
        |name: &&IfName| has_ports(name) || matches!(have.links[*name], OwnLink::Bridge(_));
    let (bridges, devices): (Vec<_>, Vec<_>) = have.links.keys().filter(gone).partition(is_bridge);
    let on_kept = |entry: &&FdbEntry| stays(&entry.device, have, want);
    let entries = have.fdb.difference(&want.fdb).filter(on_kept);
    entries
        .map(|entry| LinkChange::RemoveFdb(entry.clone()))
        .chain(
            devices
                .into_iter()
                .chain(bridges)
                .map(|name| LinkChange::Delete(name.clone())),
        )
        .collect()
}

/// A bridge, its device, the device's entries; the device becomes a port last, when it can carry
/// what it gets. A link that is there in another form is made again in place: making is idempotent.
fn added(have: &HostState, want: &HostState) -> Vec<LinkChange> {
    let new = |name: &&IfName| have.links.get(*name) != want.links.get(*name);
    let names: Vec<&IfName> = want.links.keys().filter(new).collect();
    let make = |name: &&IfName| match &want.links[*name] {
        OwnLink::Bridge(bridge) => Some(LinkChange::AddBridge(bridge.clone())),
        OwnLink::Vxlan(device) => Some(LinkChange::AddVxlan(device.clone())),
        OwnLink::Altered => None,
    };
    let is_bridge = |change: &LinkChange| matches!(change, LinkChange::AddBridge(_));
    let (bridges, devices): (Vec<_>, Vec<_>) = names.iter().filter_map(make).partition(is_bridge);
    let missing =
        |entry: &&FdbEntry| !have.fdb.contains(*entry) || !stays(&entry.device, have, want);
    let entries = want
        .fdb
        .iter()
        .filter(missing)
        .cloned()
        .map(LinkChange::AddFdb);
    let ports = want
        .enslaved
        .iter()
        .filter(|(device, bridge)| {
            let is_port = have.enslaved.get(*device) == Some(*bridge);
            !(is_port && stays(device, have, want) && stays(bridge, have, want))
        })
        .map(|(device, bridge)| LinkChange::Enslave {
            device: device.clone(),
            bridge: bridge.clone(),
        });
    bridges
        .into_iter()
        .chain(devices)
        .chain(entries)
        .chain(ports)
        .collect()
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::*;
    use crate::model::{Mtu, Tunnel, Vni, Vtep};
    use crate::plan::link::{Bridge, VxlanDevice};

    fn name(text: &str) -> IfName {
        text.parse().unwrap()
    }

    fn vtep(text: &str) -> Vtep {
        let address: IpAddr = text.parse().unwrap();
        address.try_into().unwrap()
    }

    fn bridge(network: &str) -> OwnLink {
        OwnLink::Bridge(Bridge {
            name: name("brqlab"),
            mac: "1e:c5:d4:be:d4:71".parse().unwrap(),
            mtu: Mtu::try_from(1450).unwrap(),
            network: network.parse().unwrap(),
        })
    }

    fn device(network: &str, port: u16, mtu: u32) -> OwnLink {
        OwnLink::Vxlan(VxlanDevice {
            tunnel: Tunnel {
                vni: Vni::try_from(267).unwrap(),
                device: name("vxlan-267"),
                local: vtep("172.16.0.31"),
                underlay: name("eth0"),
                port,
            },
            mtu: Mtu::try_from(mtu).unwrap(),
            network: network.parse().unwrap(),
        })
    }

    fn entry(peer: &str) -> FdbEntry {
        FdbEntry {
            device: name("vxlan-267"),
            mac: None,
            vtep: vtep(peer),
        }
    }

    /// The network `lab` with two peers.
    fn lab() -> HostState {
        HostState {
            links: [
                (name("brqlab"), bridge("lab")),
                (name("vxlan-267"), device("lab", 8472, 1450)),
            ]
            .into(),
            enslaved: [(name("vxlan-267"), name("brqlab"))].into(),
            fdb: [entry("172.16.0.32"), entry("172.16.0.33")].into(),
            ..HostState::default()
        }
    }

    fn with(link: &str, changed: OwnLink) -> HostState {
        let mut state = lab();
        state.links.insert(name(link), changed);
        state
    }

    /// Each change by its first words.
    fn words(have: &HostState, want: &HostState) -> Vec<String> {
        let first = |change: &LinkChange| {
            let text = change.to_string();
            let words: Vec<&str> = text.split_whitespace().collect();
            let count = if words[0] == "bridge" { 8 } else { 4 };
            words[..words.len().min(count)].join(" ")
        };
        changes(have, want).iter().map(first).collect()
    }

    const ADD_FDB: [&str; 2] = [
        "bridge fdb append 00:00:00:00:00:00 dev vxlan-267 dst 172.16.0.32",
        "bridge fdb append 00:00:00:00:00:00 dev vxlan-267 dst 172.16.0.33",
    ];

    #[test]
    fn a_device_joins_its_bridge_last() {
        let mut expected = vec!["ip link add brqlab", "ip link add vxlan-267"];
        expected.extend(ADD_FDB);
        expected.push("ip link set vxlan-267");
        assert_eq!(words(&HostState::default(), &lab()), expected);
    }

    #[test]
    fn a_device_goes_before_its_bridge() {
        let expected = ["ip link del vxlan-267", "ip link del brqlab"];
        assert_eq!(words(&lab(), &HostState::default()), expected);
        let altered = with("brqlab", OwnLink::Altered);
        assert_eq!(words(&altered, &HostState::default()), expected);
        let altered = with("vxlan-267", OwnLink::Altered);
        assert_eq!(words(&altered, &HostState::default()), expected);
    }

    #[test]
    fn a_bridge_that_somebody_altered_is_brought_back_in_place() {
        let altered = with("brqlab", OwnLink::Altered);
        assert_eq!(words(&altered, &lab()), ["ip link add brqlab"]);
    }

    #[test]
    fn a_device_is_brought_back_to_its_mtu_in_place() {
        let small = with("vxlan-267", device("lab", 8472, 1400));
        assert_eq!(words(&small, &lab()), ["ip link add vxlan-267"]);
    }

    #[test]
    fn a_tunnel_that_differs_is_made_anew_with_all_that_it_had() {
        let mut expected = vec!["ip link del vxlan-267", "ip link add vxlan-267"];
        expected.extend(ADD_FDB);
        expected.push("ip link set vxlan-267");
        for other in [device("lab", 4789, 1450), OwnLink::Altered] {
            assert_eq!(words(&with("vxlan-267", other), &lab()), expected);
        }
    }

    #[test]
    fn a_link_of_another_network_is_made_anew() {
        let other = with("brqlab", bridge("office"));
        let expected = [
            "ip link del brqlab",
            "ip link add brqlab",
            "ip link set vxlan-267",
        ];
        assert_eq!(words(&other, &lab()), expected);
        let other = with("vxlan-267", device("office", 8472, 1450));
        assert_eq!(words(&other, &lab())[0], "ip link del vxlan-267");
    }

    #[test]
    fn peers_come_and_go_alone() {
        let mut fewer = lab();
        fewer.fdb.pop_first();
        assert_eq!(words(&fewer, &lab()), ADD_FDB[..1]);
        let expected = ["bridge fdb del 00:00:00:00:00:00 dev vxlan-267 dst 172.16.0.32"];
        assert_eq!(words(&lab(), &fewer), expected);
    }

    #[test]
    fn a_device_that_left_its_bridge_comes_back() {
        let mut apart = lab();
        apart.enslaved.clear();
        assert_eq!(words(&apart, &lab()), ["ip link set vxlan-267"]);
    }
}
