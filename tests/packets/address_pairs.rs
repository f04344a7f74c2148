//! Ports that may use more than their fixed addresses: pairs, addresses that they make themselves,
//! any.

use super::*;

/// A frame, in words and as it is sent, and whether it arrives.
type Sent = (&'static str, Vec<u8>, bool);

/// Sends each frame from a machine's tap, and after it a ping that arrives in any case.
fn check(tap: &Tap, tunnel: &Packets, own: End, frames: &[Sent]) {
    let mut wrong = Vec::new();
    for (number, (what, frame, arrives)) in (1..).zip(frames) {
        let ping = frames::numbered_ping(own, peer_v4(), number);
        tap.send(frame);
        tap.send(&ping);
        let seen = std::cell::Cell::new(false);
        let marked = tunnel.receive(SOON, |it| {
            seen.set(seen.get() || it == frame);
            it == ping
        });
        assert!(
            marked.is_some(),
            "{what}: the ping that follows must arrive"
        );
        if seen.get() != *arrives {
            wrong.push(*what);
        }
    }
    assert_eq!(wrong, [""; 0], "these fare otherwise");
}

fn advertisement(from: End, target: &str) -> Vec<u8> {
    frames::icmpv6(from, frames::multicast("ff02::1"), 136, &about(target))
}

const ROUTER: &str = "fa:16:3e:be:71:26";
const VIRTUAL: &str = "00:00:5e:00:01:01";

fn router_nic() -> Nic {
    Nic::new(BRIDGE, "tapa1a1a1a1-26", ROUTER)
}

#[test]
fn a_guest_may_use_its_ipv4_address_pairs_and_no_other_address() {
    let lab = Lab::new();
    let peer = start_host(&lab);
    let tunnel = peer.packets("vxlan-267");
    let (machine, tap) = boot(&lab, "router", router_nic());
    let own = end(ROUTER, "192.168.101.93");
    let ping = |mac, ip| frames::echo_request(end(mac, ip), peer_v4());
    let arp = |mac, ip| frames::arp_request(end(mac, ip).mac, end(mac, ip), peer_v4());
    let sent = [
        ("its address", ping(ROUTER, "192.168.101.93"), true),
        ("an address of its prefix", ping(ROUTER, "10.9.0.7"), true),
        ("the last one of it", ping(ROUTER, "10.9.0.255"), true),
        ("the one after it", ping(ROUTER, "10.9.1.0"), false),
        ("its prefix, virtual MAC", ping(VIRTUAL, "10.9.0.7"), false),
        (
            "the virtual address",
            ping(VIRTUAL, "192.168.101.200"),
            true,
        ),
        (
            "the virtual address, own MAC",
            ping(ROUTER, "192.168.101.200"),
            false,
        ),
        (
            "its address, virtual MAC",
            ping(VIRTUAL, "192.168.101.93"),
            false,
        ),
        ("ARP of its prefix", arp(ROUTER, "10.9.0.7"), true),
        (
            "ARP of the virtual address",
            arp(VIRTUAL, "192.168.101.200"),
            true,
        ),
        (
            "ARP of another address",
            arp(ROUTER, "192.168.101.1"),
            false,
        ),
    ];
    check(&tap, &tunnel, own, &sent);
    let to_virtual = frames::echo_request(peer_v4(), end(VIRTUAL, "192.168.101.200"));
    tunnel.send(&to_virtual);
    assert!(tap.receive(SOON, |it| it == to_virtual).is_some());
    machine.call("stopped");
    let left = lab.ok("nft list table bridge vmhook");
    assert!(!left.contains(router_nic().tap()), "{left}");
}

#[test]
fn a_guest_may_use_and_advertise_its_ipv6_address_pairs_and_no_other_address() {
    let lab = Lab::new();
    let peer = start_host(&lab);
    let tunnel = peer.packets("vxlan-267");
    let (_machine, tap) = boot(&lab, "router", router_nic());
    let ping = |ip| frames::echo_request(end(ROUTER, ip), peer_v6());
    let advertised = |target| advertisement(end(ROUTER, "2001:db8:5::7"), target);
    let last = "2001:db8:5:ffff:ffff:ffff:ffff:ffff";
    let sent = [
        ("its prefix", ping("2001:db8:5::7"), true),
        ("the last address of it", ping(last), true),
        ("the one after it", ping("2001:db8:6::"), false),
        (
            "an advertisement of its prefix",
            advertised("2001:db8:5::7"),
            true,
        ),
        (
            "an advertisement of the last address of it",
            advertised(last),
            true,
        ),
        (
            "an advertisement of the one after it",
            advertised("2001:db8:6::"),
            false,
        ),
        (
            "an advertisement of the one before it",
            advertised("2001:db8:4:ffff::1"),
            false,
        ),
    ];
    check(&tap, &tunnel, end(ROUTER, "192.168.101.93"), &sent);
}

#[test]
fn a_guest_without_fixed_address_may_use_any_with_its_own_mac_address() {
    let lab = Lab::new();
    let peer = start_host(&lab);
    let tunnel = peer.packets("vxlan-267");
    let mac = "fa:16:3e:be:71:27";
    let (_machine, tap) = boot(&lab, "any", Nic::new(BRIDGE, "tapb2b2b2b2-27", mac));
    let own = end(mac, "192.168.101.94");
    let any6 = end(mac, "2001:db8:77::1");
    check(
        &tap,
        &tunnel,
        own,
        &[
            (
                "any address",
                frames::echo_request(end(mac, "203.0.113.9"), peer_v4()),
                true,
            ),
            (
                "another MAC address",
                frames::echo_request(end(STRANGER, "203.0.113.9"), peer_v4()),
                false,
            ),
            (
                "ARP of any address",
                frames::arp_request(own.mac, end(mac, "203.0.113.9"), peer_v4()),
                true,
            ),
            (
                "ARP with another MAC address in it",
                frames::arp_request(own.mac, stranger(), peer_v4()),
                false,
            ),
            (
                "any IPv6 address",
                frames::echo_request(any6, peer_v6()),
                true,
            ),
            (
                "an advertisement of any address",
                advertisement(any6, "2001:db8:77::1"),
                true,
            ),
            (
                "a router advertisement",
                frames::icmpv6(any6, frames::multicast("ff02::1"), 134, &[0; 12]),
                false,
            ),
            (
                "a DHCP offer",
                frames::udp(own, peer_v4(), (67, 68), b"offer"),
                false,
            ),
        ],
    );
    let offer = frames::udp(peer_v4(), own, (67, 68), b"offer");
    tunnel.send(&offer);
    let got = tap.receive(SOON, |it| it == offer);
    assert!(got.is_some(), "a DHCP server answers by unicast");
}

#[test]
fn a_guest_that_configures_itself_may_use_what_it_makes_of_its_prefix() {
    let lab = Lab::new();
    let peer = start_host(&lab);
    let tunnel = peer.packets("vxlan-268");
    let mac = "fa:16:3e:be:71:28";
    let (_machine, tap) = boot(&lab, "slaac", Nic::new(OTHER_BRIDGE, "tapc3c3c3c3-28", mac));
    let ping = |ip| frames::echo_request(end(mac, ip), peer_v6());
    let temporary = "2001:db8:102:0:1ce:cafe:1:2";
    let sent = [
        ("its fixed address", ping("2001:db8:102::95"), true),
        ("a temporary address", ping(temporary), true),
        (
            "an advertisement of it",
            advertisement(end(mac, temporary), temporary),
            true,
        ),
        (
            "a stable-privacy link-local address",
            ping("fe80::1ce:cafe:1:2"),
            true,
        ),
        (
            "an address of another prefix",
            ping("2001:db8:103::95"),
            false,
        ),
        (
            "an advertisement of one",
            advertisement(end(mac, temporary), "2001:db8:103::1"),
            false,
        ),
    ];
    check(&tap, &tunnel, end(mac, "192.168.101.95"), &sent);
}
