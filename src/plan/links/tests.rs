//! The changes, as the commands that they amount to.

use std::net::IpAddr;

use super::*;
use crate::model::{Mtu, OuterHeader, Tos, Tunnel, TunnelOptions, Vni, Vtep};
use crate::plan::link::Bridge;

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
            options: TunnelOptions::default(),
        },
        outer: OuterHeader::default(),
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
        let count = match words[..3] {
            ["bridge", ..] => 8,
            ["ip", "link", "set"] => 5,
            _ => 4,
        };
        words[..words.len().min(count)].join(" ")
    };
    changes(have, want).iter().map(first).collect()
}

/// Each change of a link by its first words, with the master it gets.
fn commands(have: &HostState, want: &HostState) -> Vec<String> {
    let first = |change: &LinkChange| {
        let text = change.to_string();
        let words = text.split_whitespace();
        let count = if text.contains(" master ") { 6 } else { 5 };
        let words: Vec<&str> = words.take(count).collect();
        match words[..] {
            [ip, link, add @ ("add" | "del"), name, ..] => [ip, link, add, name].join(" "),
            _ => words.join(" "),
        }
    };
    changes(have, want).iter().map(first).collect()
}

const ADD_FDB: [&str; 2] = [
    "bridge fdb append 00:00:00:00:00:00 dev vxlan-267 dst 172.16.0.32",
    "bridge fdb append 00:00:00:00:00:00 dev vxlan-267 dst 172.16.0.33",
];

/// Never up outside of its bridge.
const JOIN: [&str; 2] = ["ip link set vxlan-267 master", "ip link set vxlan-267 up"];

#[test]
fn a_device_joins_its_bridge_last() {
    let mut expected = vec!["ip link add brqlab", "ip link add vxlan-267"];
    expected.extend(ADD_FDB);
    expected.extend(JOIN);
    assert_eq!(words(&HostState::default(), &lab()), expected);
}

/// The network `lab` on a device of the host.
fn flat() -> HostState {
    HostState {
        links: [(name("brqlab"), bridge("lab"))].into(),
        enslaved: [(name("eth1"), name("brqlab"))].into(),
        ..HostState::default()
    }
}

#[test]
fn a_device_of_the_host_joins_last_and_leaves_first_and_is_never_made_nor_deleted() {
    let (nothing, flat) = (HostState::default(), flat());
    let coming = ["ip link add brqlab", "ip link set eth1 master brqlab"];
    let going = ["ip link set eth1 nomaster", "ip link del brqlab"];
    assert_eq!(commands(&nothing, &flat), coming);
    assert_eq!(commands(&flat, &nothing), going);
    assert!(changes(&flat, &flat).is_empty());
    let mut apart = flat.clone();
    apart.enslaved.clear();
    assert_eq!(commands(&apart, &flat), coming[1..]);
    assert_eq!(commands(&flat, &apart), going[..1]);
}

#[test]
fn a_device_of_the_host_joins_again_where_its_bridge_is_made_anew() {
    let mut other = flat();
    other.links.insert(name("brqlab"), bridge("office"));
    let expected = [
        "ip link set eth1 nomaster",
        "ip link del brqlab",
        "ip link add brqlab",
        "ip link set eth1 master brqlab",
    ];
    assert_eq!(commands(&other, &flat()), expected);
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
fn an_outer_header_changes_under_a_device_that_stays() {
    let OwnLink::Vxlan(mut other) = device("lab", 8472, 1450) else {
        panic!("a VXLAN device");
    };
    other.outer.tos = Tos::Inherit;
    let other = with("vxlan-267", OwnLink::Vxlan(other));
    let text: Vec<String> = changes(&other, &lab())
        .iter()
        .map(LinkChange::to_string)
        .collect();
    assert_eq!(
        text,
        ["ip link set vxlan-267 type vxlan id 267 ttl auto tos 0x0\n"]
    );
}

#[test]
fn a_tunnel_that_differs_is_made_anew_with_all_that_it_had() {
    let mut expected = vec!["ip link del vxlan-267", "ip link add vxlan-267"];
    expected.extend(ADD_FDB);
    expected.extend(JOIN);
    for other in [device("lab", 4789, 1450), OwnLink::Altered] {
        assert_eq!(words(&with("vxlan-267", other), &lab()), expected);
    }
}

#[test]
fn a_link_of_another_network_is_made_anew() {
    let other = with("brqlab", bridge("office"));
    let expected = ["ip link del brqlab", "ip link add brqlab", JOIN[0], JOIN[1]];
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
    assert_eq!(words(&apart, &lab()), JOIN);
}
