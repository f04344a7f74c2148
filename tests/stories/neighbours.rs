//! Interfaces of other kinds beside ours: vmhook leaves them alone, and they open nothing.

use std::time::Duration;

use super::endpoints::Cable;
use super::reference::{assert_filter_tables_are_neutrons_beside, rules_of_both_families};
use super::{ADDRESS, BRIDGE, CONFIG, DEVICE, MAC, TAP, host};
use crate::support::{DomainSpec, Nic, frames};

const OWN_MAC: &str = "fa:16:3e:00:09:01";

/// What the other kinds stand on: a link, a way for a group, and the bridge of libvirt's own network,
/// which does not change any more when a guest uses it.
const MAKE_LINKS: &str = "set -e
    ip link add port0 type veth peer name port1
    ip link set port1 up
    ip link set port0 up
    until grep -q up /sys/class/net/port0/operstate; do :; done
    ip route add 230.0.0.1 dev eth0
    ip tuntap add dev first mode tap
    ip link set first master virbr7
    ip link delete first";
/// An operator's own tap, made as QEMU wants it.
const MAKE_OWN: &str = "ip tuntap add dev own0 mode tap vnet_hdr; ip link set own0 mtu 1450 up";
/// The operator's own hook puts it on our bridge, and leaves it there.
const PLUG_OWN: &str = "#!/bin/sh
[ \"$2\" != start ] || ip link set own0 master brqc08e7dcd-4a";

/// One interface of each kind that is none of ours; the guest calls them eth1 and so on.
fn others() -> [Nic; 7] {
    let socket = |kind: &str, source: &str, number: u8| {
        Nic::of(kind, &format!("fa:16:3e:00:09:{number:02x}")).with(source)
    };
    [
        socket("ethernet", "<target dev='own0' managed='no'/>", 1),
        socket("ethernet", "<target dev='tap-ethernet'/>", 2),
        socket("user", "", 3),
        socket("direct", "<source dev='port0' mode='bridge'/>", 4),
        socket("mcast", "<source address='230.0.0.1' port='5558'/>", 5),
        socket(
            "udp",
            "<source address='127.0.0.1' port='5556'><local address='127.0.0.1' port='5557'/></source>",
            6,
        ),
        socket("network", "<source network='isolated'/>", 7),
    ]
}

/// A filter of libvirt's own, for an interface of ours.
const LIBVIRTS_FILTER: &str = "<filter name='own-address' chain='mac'>\
    <rule action='drop' direction='out'><mac match='no' srcmacaddr='$MAC'/></rule></filter>";

/// A libvirt network of the kind whose bridge and rules libvirt makes itself.
const ISOLATED: &str = "<bridge name='virbr7' stp='off'/>";

#[test]
fn interfaces_of_other_kinds_live_beside_ours_and_none_of_them_gets_in() {
    let lab = host(CONFIG);
    lab.install_script("qemu.d/60-own", PLUG_OWN);
    lab.write("/run/filter.xml", LIBVIRTS_FILTER);
    lab.virsh(&["nwfilter-define", "/run/filter.xml"]).ok();
    lab.define_network("isolated", ISOLATED);
    lab.ok(MAKE_LINKS);
    let before = lab.dump();
    lab.ok(MAKE_OWN);
    let theirs = rules_of_both_families(&lab);
    let peer = lab.peer();

    let ours = Nic::on_bridge(BRIDGE, MAC).target(TAP).mtu(1450);
    let ours = ours
        .with("<filterref filter='own-address'/>")
        .address("192.168.101.88/24");
    let spec = DomainSpec::new("web1").nic(ours);
    let spec = others().into_iter().fold(spec, DomainSpec::nic);
    let mut web1 = lab.define(&spec);
    web1.boot();
    assert_filter_tables_are_neutrons_beside(&lab, &theirs);
    lab.command(&["vmhook", "inspect", "web1"]).ok();
    assert!(peer.pings(ADDRESS), "{}", lab.dump());
    lab.ok(&format!("nft list table bridge nat | grep -q {TAP}"));

    // Its second tap is on our bridge, and nobody opened it.
    lab.ok(&format!("ip link show own0 | grep -q 'master {BRIDGE} '"));
    let mut cable = Cable::between(&lab, "own0", &peer, DEVICE);
    let from_own = |frame: &[u8]| frame[6..12] == frames::mac(OWN_MAC);
    web1.sh("ip address add 192.168.101.89/24 dev eth1; ip link set eth1 up")
        .ok();
    cable.assert_refused(
        &mut web1,
        "a frame of a tap that an operator put there",
        "arping -c 1 -w 1 -U -I eth1 192.168.101.89",
        from_own,
    );
    let tap = lab.packets("own0");
    assert!(peer.pings(ADDRESS), "{}", lab.dump());
    assert!(!peer.pings("192.168.101.89"), "{}", lab.dump());
    let asked = |frame: &[u8]| frame[12..14] == [8, 6] && frame[38..42] == [192, 168, 101, 89];
    assert_eq!(tap.receive(Duration::ZERO, asked), None, "nobody asks it");

    // The operator's tap stays where it is: then so does the bridge, with every port closed.
    web1.destroy();
    lab.ok(&format!("ip link show own0 | grep -q 'master {BRIDGE} '"));
    lab.ok("ip link delete own0; vmhook sync");
    // A bridge that has lost its last port says so a while later.
    lab.ok("until ip link show virbr7 | grep -q NO-CARRIER; do :; done");
    lab.assert_unchanged_since(&before);
}
