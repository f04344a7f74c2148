//! Interfaces as libvirt knows them: many at once, of every form that ends on a bridge of ours.

use super::tenants::{OTHER_BRIDGE, OTHER_NETWORK, TENANT};
use super::{BRIDGE, CONFIG, FORWARDED, host, part, port};
use crate::support::{DomainSpec, Lab, Nic};

fn mac(number: usize) -> String {
    format!("fa:16:3e:00:08:{number:02x}")
}

fn address(number: usize) -> String {
    format!("192.168.101.{}", 80 + number)
}

/// The ports of eight interfaces.
fn ports() -> String {
    let of = |number| port(&format!("eth{number}"), &mac(number), &address(number));
    (0..8).map(of).collect()
}

/// Eight interfaces, each in another form. The last two are on the other network.
fn eight() -> [Nic; 8] {
    let group = "<source network='grouped' portgroup='customers'/>";
    [
        Nic::on_bridge(BRIDGE, &mac(0)).mtu(1450),
        Nic::on_bridge(BRIDGE, &mac(1)).target("tapx%d").mtu(1450),
        Nic::on_network("plain", &mac(2)).mtu(1450),
        Nic::of("network", &mac(3)).with(group).mtu(1450),
        Nic::on_bridge(BRIDGE, &mac(4))
            .with("<port isolated='yes'/>")
            .mtu(1450),
        Nic::on_bridge(BRIDGE, &mac(5)).target("tap-without-mtu"),
        Nic::on_bridge(OTHER_BRIDGE, &mac(6))
            .target("tap-link-down")
            .with("<link state='down'/>"),
        Nic::on_bridge(OTHER_BRIDGE, &mac(7))
            .target("vnet7")
            .mtu(1450),
    ]
}

/// The names of their taps, in order. libvirt throws a given `vnetN` away, and counts on for `tapx%d`.
const TAPS: [&str; 8] = [
    "vnet0",
    "tapx1",
    "vnet2",
    "vnet3",
    "vnet4",
    "tap-without-mtu",
    "tap-link-down",
    "vnet5",
];

fn on_network(number: usize) -> &'static str {
    if number < 6 { "peer" } else { "tenant" }
}

#[test]
fn a_guest_has_eight_interfaces_of_every_form_on_two_networks() {
    let lab = host(&format!("{CONFIG}{OTHER_NETWORK}{}", ports()));
    lab.ok(TENANT);
    lab.define_network("plain", FORWARDED);
    let grouped = format!("{FORWARDED}<portgroup name='customers'/>");
    lab.define_network("grouped", &grouped);
    let before = lab.dump();

    let spec = DomainSpec::new("eight");
    let mut guest = lab.define(&eight().into_iter().fold(spec, DomainSpec::nic));
    guest.boot();
    for number in 0..8 {
        guest
            .sh(&part(&format!("eth{number}"), &address(number)))
            .ok();
    }
    assert_taps(&lab);
    lab.command(&["vmhook", "inspect", "eight"]).ok();
    for number in (0..8).filter(|number| *number != 6) {
        let there = lab.other_host(on_network(number));
        assert!(there.pings(&address(number)), "eth{number}\n{}", lab.dump());
    }

    let there = lab.other_host("tenant");
    assert!(!there.pings(&address(6)), "its cable is not plugged in");
    lab.virsh(&["domif-setlink", "eight", TAPS[6], "up"]).ok();
    assert!(
        there.pings_at_last(&address(6)),
        "now it is\n{}",
        lab.dump()
    );
    guest.destroy();
    lab.assert_unchanged_since(&before);
}

/// Each interface has its tap, on its bridge, with the network's MTU, also where it names none.
#[track_caller]
fn assert_taps(lab: &Lab) {
    let links = lab.ok(
        "virsh --quiet domiflist eight | while read -r tap rest; do \
        ip -d -o link show $tap | sed -E 's/.*: ([^:]+): .* mtu ([0-9]+) .* master ([^ ]+) .* \
        isolated ([onf]+) .*/\\1 \\2 \\3 \\4/'; done",
    );
    let expected = TAPS.iter().enumerate().map(|(number, tap)| {
        let bridge = if number < 6 { BRIDGE } else { OTHER_BRIDGE };
        let isolated = if number == 4 { "on" } else { "off" };
        format!("{tap} 1450 {bridge} {isolated}")
    });
    assert_eq!(
        links.lines().collect::<Vec<_>>(),
        expected.collect::<Vec<_>>()
    );
}
