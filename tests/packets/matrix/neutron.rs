//! A host as Neutron's Linux bridge agent leaves it: the links that it makes, and the rules that the
//! real agent wrote, from `fixtures/neutron`.
//!
//! That agent wrote them one case at a time, and each case has one guest of one name; those of a port
//! that is not filtered have a filtered one besides, which is left out. So a guest here is a case in
//! which the names, addresses and the zone are replaced, letter by letter, and nothing else; the rules
//! of all guests stand behind one another as the agent puts them, before the line that ends a shared
//! chain.

use std::fs;
use std::sync::Arc;

use super::station::{Network, Station};
use crate::support::{Lab, Tap};
use crate::{BRIDGE, OTHER_BRIDGE};

/// Makes the host and its guests.
pub(crate) fn start(lab: &Lab) -> Vec<(Station, Arc<Tap>)> {
    for (bridge, vni) in [(BRIDGE, 267), (OTHER_BRIDGE, 268)] {
        links(lab, bridge, vni);
    }
    for (program, dump) in [
        ("iptables-restore", "iptables-save"),
        ("ip6tables-restore", "ip6tables-save"),
        ("ebtables-restore", "ebtables"),
    ] {
        let guests = Station::GUESTS.map(|guest| rules(guest, dump));
        let file = format!("/run/lab/{dump}");
        lab.write(&file, &merged(&guests));
        lab.ok(&format!("{program} <{file}"));
    }
    let plugged = Station::GUESTS.map(|guest| {
        let nic = guest.nic();
        let mac = guest.mac().expect("a guest has one");
        (guest, Arc::new(lab.tap_on(nic.bridge(), nic.tap(), mac)))
    });
    plugged.into()
}

/// As in `net-01-vxlan-l2pop`: what Nova and the agent make of a network.
fn links(lab: &Lab, bridge: &str, vni: u32) {
    lab.ok(&format!(
        "ip link add {bridge} type bridge forward_delay 0 stp_state 0 mcast_snooping 0
         ip link add vxlan-{vni} mtu 1450 type vxlan id {vni} local 172.16.0.31 dev eth0 dstport 8472
         bridge fdb append 00:00:00:00:00:00 dev vxlan-{vni} dst 172.16.0.32
         for link in {bridge} vxlan-{vni}; do
             echo 1 >/proc/sys/net/ipv6/conf/$link/disable_ipv6
         done
         ip link set vxlan-{vni} master {bridge} up
         ip link set {bridge} up
         modprobe -q br_netfilter || true
         cd /proc/sys/net/bridge
         for call in arptables iptables ip6tables; do echo 1 >bridge-nf-call-$call; done"
    ));
}

/// The case that a guest is.
fn case(guest: Station, dump: &str) -> &'static str {
    match guest {
        Station::Web2 | Station::Slaac if dump == "ip6tables-save" => "26-v6-only",
        Station::Router => "28-address-pairs",
        Station::Any => "27-no-fixed-ip",
        Station::Gateway => "31-port-security-off",
        Station::Dhcp => "32-trusted-port",
        _ => "01-seed-port",
    }
}

fn dump_of(case: &str, dump: &str) -> String {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/neutron");
    fs::read_to_string(format!("{folder}/{case}/{dump}.txt")).unwrap()
}

/// What the agent would have written for this guest alone.
fn rules(guest: Station, dump: &str) -> String {
    let mut text = dump_of(case(guest, dump), dump);
    match guest {
        Station::Gateway | Station::Dhcp => text = without_neighbour(&text),
        _ if case(guest, dump) == "26-v6-only" => text = with_ping(&text),
        _ => {}
    }
    let nic = guest.nic();
    let (tap, mac) = (nic.tap(), guest.mac().expect("a guest has one"));
    // Chains are named after the tap's letters 4 to 13, comments after its 5 to 14.
    let mut names = vec![
        ("tap7a8c0a54-75", tap),
        ("7a8c0a54-7", &tap[3..13]),
        ("a8c0a54-75", &tap[4..14]),
        ("fa:16:3e:be:71:21", mac),
    ];
    let link_local = format!("fe80::f816:3eff:febe:71{}", &mac[15..]);
    names.push(("fe80::f816:3eff:febe:7121", &link_local));
    for address in guest.addresses() {
        if address.starts_with("2001:") {
            names.push(("2001:db8:1::88", address));
        } else if address.starts_with("192.") {
            names.push(("192.168.101.88", address));
        }
    }
    if guest == Station::Router {
        names.push(("2001:db8:1::200", "2001:db8:101::200"));
    }
    if guest.network() == Network::Other {
        names.extend([("brqc08e7dcd-4a", OTHER_BRIDGE), ("4097", "4098")]);
    }
    names
        .iter()
        .fold(text, |text, (from, to)| text.replace(from, to))
}

/// Without the lines of the filtered port that these cases have beside the one that is meant.
fn without_neighbour(text: &str) -> String {
    let is_neighbours = |line: &&str| line.contains("1b2c3d4e-5") || line.contains("b2c3d4e-5f");
    assert!(text.lines().any(|line| is_neighbours(&line)));
    let lines = text.split_inclusive('\n');
    lines.filter(|line| !is_neighbours(line)).collect()
}

/// One more rule in the guest's group, as the agent writes it in another case.
fn with_ping(text: &str) -> String {
    const PING: &str = "-A neutron-linuxbri-i7a8c0a54-7 -p ipv6-icmp -j RETURN\n";
    const SSH: &str = "-A neutron-linuxbri-i7a8c0a54-7 -p tcp -m tcp --dport 22 -j RETURN\n";
    assert!(dump_of("07-icmp-types", "ip6tables-save").contains(PING));
    assert!(text.contains(SSH));
    text.replace(SSH, &format!("{PING}{SSH}"))
}

/// The guests' rules in one text: each line once, and the line that ends a shared chain last.
fn merged(guests: &[String]) -> String {
    let tables = ["raw", "filter", "nat"].map(|table| {
        let lines = guests.iter().flat_map(|text| table_of(text, table));
        let lines = once(lines);
        let is_end = |line: &&str| *line == "-A neutron-linuxbri-sg-chain -j ACCEPT";
        let (ends, others): (Vec<&str>, Vec<&str>) = lines.into_iter().partition(is_end);
        let (chains, rules): (Vec<&str>, Vec<&str>) =
            others.into_iter().partition(|line| line.starts_with(':'));
        let lines = [chains, rules, ends].concat();
        if lines.is_empty() {
            return String::new(); // of the three ebtables has nat alone
        }
        format!("*{table}\n{}\nCOMMIT\n", lines.join("\n"))
    });
    tables.concat()
}

/// The lines of a table between its name and its end; ebtables-save ends none.
fn table_of<'a>(text: &'a str, table: &str) -> Vec<&'a str> {
    let name = format!("*{table}");
    let lines = text.lines().skip_while(|line| *line != name).skip(1);
    lines
        .take_while(|line| line.starts_with([':', '-']))
        .collect()
}

fn once<'a>(lines: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut kept: Vec<&str> = Vec::new();
    for line in lines {
        if !kept.contains(&line) {
            kept.push(line);
        }
    }
    kept
}
