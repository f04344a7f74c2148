//! Stories on the real thing: a libvirtd, a guest, another host.

mod support;

use std::time::Duration;

use support::frames::{self, BROADCAST, end};
use support::{DomainSpec, Lab, Nic, host};

const BRIDGE: &str = "brqc08e7dcd-4a";
const MAC: &str = "fa:16:3e:be:71:21";
const TAP: &str = "tap7a8c0a54-75";
const SOON: Duration = Duration::from_secs(5);
const SHORTLY: Duration = Duration::from_millis(300);

/// The network that vmhook would make.
const NETWORK_BY_HAND: &str = "
    ip link add brqc08e7dcd-4a mtu 1450 type bridge mcast_snooping 0
    ip link set brqc08e7dcd-4a up
    ip link add vxlan-267 mtu 1450 type vxlan id 267 local 172.16.0.31 dev eth0 dstport 8472
    bridge fdb append 00:00:00:00:00:00 dev vxlan-267 dst 172.16.0.32
    ip link set vxlan-267 master brqc08e7dcd-4a up";

fn web1() -> DomainSpec {
    let nic = Nic::on_bridge(BRIDGE, MAC).target(TAP).mtu(1450);
    DomainSpec::new("web1").nic(
        nic.address("192.168.101.88/24")
            .address("2001:db8:101::88/64"),
    )
}

#[test]
fn a_guest_answers_the_other_host_through_a_vxlan_made_by_hand() {
    let lab = Lab::new();
    let peer = lab.join_peer();
    lab.ok(NETWORK_BY_HAND);
    lab.start_libvirtd();
    let mut guest = lab.define(&web1());
    guest.boot();

    assert!(peer.pings("192.168.101.88"));
    assert!(peer.pings("2001:db8:101::88"));
    assert_eq!(
        peer.banner("192.168.101.88", 22).as_deref(),
        Some("this is port 22\n")
    );
    assert_eq!(peer.banner("192.168.101.88", 24), None);
    let mtu = guest.sh("cat /sys/class/net/eth0/mtu").ok();
    assert_eq!(mtu, "1450\n", "libvirt tells the guest the network's MTU");
    let refused = guest.sh("echo seen; exit 3");
    assert_eq!((refused.code, refused.out.as_str()), (3, "seen\n"));
    guest.destroy();
    assert_eq!(guest.state(), "shut off");
}

/// What a guest can do, so that a later test's "it did not arrive" is the rules' merit.
#[test]
fn a_guest_forges_whatever_nobody_keeps_it_from() {
    let lab = Lab::new();
    lab.ok("ip link add brqc08e7dcd-4a mtu 1450 type bridge; ip link set brqc08e7dcd-4a up");
    lab.start_libvirtd();
    let mut guest = lab.define(&web1());
    guest.boot();
    let tap = lab.packets(TAP);
    let from = |source: [u8; 6], ethertype: [u8; 2]| {
        move |frame: &[u8]| frame[6..12] == source && frame[12..14] == ethertype
    };
    let own = frames::mac(MAC);

    guest.sh("udhcpc -i eth0 -n -q -t 1 -T 1 -s /bin/true");
    let discover = |frame: &[u8]| from(own, [8, 0])(frame) && frame[34..38] == [0, 68, 0, 67];
    assert!(tap.receive(SOON, discover).is_some(), "DHCP");
    let sender = |frame: &[u8]| from(own, [8, 6])(frame) && frame[28..32] == [192, 168, 101, 1];
    guest.sh("ip address add 192.168.101.1/24 dev eth0; arping -c 1 -w 1 -U -I eth0 192.168.101.1");
    assert!(
        tap.receive(SOON, sender).is_some(),
        "another's address in ARP"
    );
    guest.sh(
        "vconfig add eth0 7; ip address add 10.7.0.1/24 dev eth0.7; ip link set eth0.7 up; \
              arping -c 1 -w 1 -I eth0.7 10.7.0.2",
    );
    let tagged = |frame: &[u8]| from(own, [8, 6])(frame) && frame[38..42] == [10, 7, 0, 2];
    assert!(tap.receive(SOON, tagged).is_some(), "a VLAN tag");
    guest.sh("ip link set eth0 address fa:16:3e:66:66:66; ping -c 1 -W 1 192.168.101.7");
    let other = frames::mac("fa:16:3e:66:66:66");
    assert!(
        tap.receive(SOON, from(other, [8, 6])).is_some(),
        "another MAC"
    );
}

#[test]
fn libvirt_calls_the_stubs_in_its_order_and_stays_unharmed() {
    let lab = Lab::new();
    lab.ok("ip link add br0 type bridge; ip link set br0 up");
    lab.install_hook();
    for kind in ["qemu", "daemon"] {
        let record = format!("#!/bin/sh\necho \"{kind} $*\" >>/run/calls\n");
        lab.install_script(&format!("{kind}.d/60-record"), &record);
    }
    lab.start_libvirtd();
    let mut guest = lab.define(&DomainSpec::new("web1").nic(Nic::on_bridge("br0", MAC)));
    guest.start().ok();
    assert_eq!(guest.state(), "running");
    guest.destroy();

    let calls = lab.read("/run/calls");
    let calls: Vec<_> = calls.lines().collect();
    assert_eq!(
        calls,
        [
            "daemon - start - start",
            "qemu web1 prepare begin -",
            "qemu web1 start begin -",
            "qemu web1 started begin -",
            "qemu web1 stopped end -",
            "qemu web1 release end -",
        ]
    );
}

#[test]
fn two_labs_do_not_see_each_other() {
    let (first, second) = (Lab::new(), Lab::new());
    first.start_libvirtd();
    second.start_libvirtd();
    first.ok("ip link add brqc08e7dcd-4a type bridge; ip link set brqc08e7dcd-4a up");
    first.write("/etc/vmhook/vmhook.toml", "# the first lab's\n");
    let mut guest = first.define(&web1());
    guest.start().ok();

    assert_eq!(first.virsh(&["list", "--name"]).ok().trim(), "web1");
    assert_eq!(second.virsh(&["list", "--name", "--all"]).ok().trim(), "");
    assert!(!second.run("ip link show brqc08e7dcd-4a").succeeded());
    assert_eq!(second.read("/etc/vmhook/vmhook.toml"), "");
}

#[test]
fn nothing_of_a_lab_is_left_on_the_host() {
    let before = host::dump();
    let lab = Lab::new();
    lab.join_peer();
    lab.ok(NETWORK_BY_HAND);
    lab.ok("iptables -N left; nft add table inet left; ipset create left hash:ip");
    lab.configure("# left\n");
    lab.start_libvirtd();
    lab.define(&web1()).start().ok();
    let namespace = lab.network_namespace();
    assert_ne!(
        host::processes_in(&namespace),
        [""; 0],
        "libvirtd and QEMU run"
    );
    drop(lab);

    assert_eq!(host::processes_in(&namespace), [""; 0]);
    assert!(before == host::dump(), "the host has changed");
}

#[test]
fn a_dump_shows_what_is_left_and_leaves_out_empty_built_in_chains() {
    let lab = Lab::new();
    let before = lab.dump();
    lab.ok("iptables -L; ip6tables -t raw -L; ebtables -L");
    lab.assert_unchanged_since(&before);

    for (make, unmake) in [
        ("iptables -N one", "iptables -X one"),
        ("iptables -P FORWARD DROP", "iptables -P FORWARD ACCEPT"),
        (
            "iptables-legacy -t raw -N one",
            "iptables-legacy -t raw -X one",
        ),
        ("nft add table bridge one", "nft delete table bridge one"),
        ("ipset create one hash:net", "ipset destroy one"),
        ("ip link add one type bridge", "ip link delete one"),
        (
            "mkdir -p /run/vmhook; echo 1 >/run/vmhook/one",
            "rm /run/vmhook/one",
        ),
        (
            "echo 1 >/proc/sys/net/ipv4/conf/lo/arp_ignore",
            "echo 0 >/proc/sys/net/ipv4/conf/lo/arp_ignore",
        ),
    ] {
        lab.ok(make);
        assert_ne!(lab.dump(), before, "{make}");
        lab.ok(unmake);
        lab.assert_unchanged_since(&before);
    }
}

#[test]
fn frames_cross_a_bridge_between_a_tap_and_the_other_host() {
    let lab = Lab::new();
    let peer = lab.join_peer();
    lab.ok(NETWORK_BY_HAND);
    let tap = lab.tap(TAP);
    lab.ok("ip link set tap7a8c0a54-75 master brqc08e7dcd-4a");
    let there = peer.packets("vxlan-267");
    let guest = end(MAC, "192.168.101.88");
    let other = end("fa:16:3e:00:01:01", "192.168.101.1");

    tap.send(&frames::arp_request(guest.mac, guest, other));
    let is_answer = |frame: &[u8]| frame.starts_with(&guest.mac) && frame[12..14] == [8, 6];
    assert!(
        tap.receive(SOON, is_answer).is_some(),
        "the other host's kernel answers ARP"
    );

    let datagram = frames::udp(other, guest, (5000, 6000), b"hello");
    there.send(&datagram);
    assert!(tap.receive(SOON, |frame| frame == datagram).is_some());
    let forged = frames::of_type(guest.mac, BROADCAST, 0x88b5, b"experimental");
    tap.send(&forged);
    assert!(
        there
            .receive(SOON, |frame| frame.starts_with(&forged))
            .is_some()
    );

    let flood = peer.packets("vxlan-267").flood(datagram.clone());
    assert!(tap.receive(SOON, |frame| frame == datagram).is_some());
    assert!(flood.stop() > 0);
    lab.ok("ip link set tap7a8c0a54-75 nomaster");
    while tap.receive(Duration::ZERO, |_| true).is_some() {}
    there.send(&datagram);
    assert_eq!(tap.receive(SHORTLY, |frame| frame == datagram), None);
}
