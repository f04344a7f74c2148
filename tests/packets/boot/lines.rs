//! What is said in a boot, in order: frames, each with its way and in words.

use super::messages::*;
use super::*;

/// Which way a frame goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    FromGuest,
    ToGuest,
}
pub(super) use Way::{FromGuest, ToGuest};

/// A frame of the guest's boot.
pub(super) struct Line {
    pub(super) way: Way,
    pub(super) what: &'static str,
    pub(super) frame: Vec<u8>,
}

/// One line a frame: which way it goes, what it is, in words and as a frame.
macro_rules! lines {
    ($($way:ident: $what:literal, $frame:expr;)+) => {
        vec![$(Line { way: $way, what: $what, frame: $frame }),+]
    };
}

/// What each guest does, whatever it makes its addresses of: IPv4 by DHCP.
pub(super) fn address_by_dhcp() -> Vec<Line> {
    let (own, there) = (web2(), router("192.168.101.1"));
    let nobody = guest("0.0.0.0");
    let from_server = |to| frames::udp(there, to, (67, 68), b"an offer, an ack or a nak");
    let announced = End {
        mac: BROADCAST,
        ..own
    };
    lines! {
        FromGuest: "DHCP discover, request or decline", dhcp("0.0.0.0", to_all());
        ToGuest:   "DHCP offer, ack or nak to all", from_server(to_all());
        ToGuest:   "DHCP offer or ack to the address", from_server(own);
        FromGuest: "ARP probe", frames::arp_request(own.mac, nobody, own);
        FromGuest: "ARP announcement", frames::arp_request(own.mac, own, own);
        FromGuest: "gratuitous ARP reply", frames::arp_reply(own.mac, own, announced);
        FromGuest: "DHCP inform or rebinding", dhcp("192.168.101.89", to_all());
        FromGuest: "DHCP renewal or release", dhcp("192.168.101.89", there);
        FromGuest: "ARP request for the router", frames::arp_request(own.mac, own, there);
        ToGuest:   "the router's ARP reply", frames::arp_reply(there.mac, there, own);
        ToGuest:   "the router's ARP request", frames::arp_request(there.mac, there, own);
        FromGuest: "ARP reply to the router", frames::arp_reply(own.mac, own, there);
        ToGuest:   "a neighbour's ARP probe for the address",
            frames::arp_request(there.mac, router("0.0.0.0"), own);
        ToGuest:   "the router's ARP announcement", frames::arp_request(there.mac, there, there);
    }
}

/// Stateless autoconfiguration up to the first neighbour, with this link-local address and this global
/// one.
pub(super) fn neighbour_discovery(local: &str, global: &str) -> Vec<Line> {
    let (there, all_nodes) = (router(ROUTER), frames::multicast("ff02::1"));
    let beyond = router("2001:db8:101::1");
    lines! {
        FromGuest: "MLDv2 report before it has an address", mld2("::", solicited(local));
        FromGuest: "MLDv1 report before it has an address", mld1("::", 131, "ff02::1:ff00:1");
        FromGuest: "duplicate address detection, link-local", duplicates(local);
        FromGuest: "MLDv2 report", mld2(local, solicited(global));
        FromGuest: "MLDv1 report", mld1(local, 131, "ff02::1:ff00:1");
        FromGuest: "MLDv1 done", mld1(local, 132, "ff02::1:ff00:1");
        ToGuest:   "MLD query",
            frames::behind_extension(0, &frames::icmpv6(there, all_nodes, 130, &about("::")));
        FromGuest: "router solicitation", router_solicitation(local);
        ToGuest:   "router advertisement with a name server", router_advertisement(all_nodes);
        ToGuest:   "router advertisement to the guest alone", router_advertisement(guest(local));
        FromGuest: "duplicate address detection, global", duplicates(global);
        FromGuest: "unsolicited neighbour advertisement",
            advertisement(guest(local), all_nodes, local, 0x20);
        FromGuest: "unsolicited neighbour advertisement of the global address",
            advertisement(guest(global), all_nodes, global, 0x20);
        FromGuest: "neighbour solicitation for the router",
            solicitation(guest(local), solicited(ROUTER), ROUTER);
        ToGuest:   "the router's neighbour advertisement",
            advertisement(there, guest(local), ROUTER, 0xe0);
        ToGuest:   "the router's neighbour solicitation",
            solicitation(there, solicited(global), global);
        FromGuest: "neighbour advertisement to the router",
            advertisement(guest(global), there, global, 0x60);
        FromGuest: "neighbour advertisement from the link-local address",
            advertisement(guest(local), there, global, 0x60);
        ToGuest:   "the router asks whether it is still there",
            solicitation(there, guest(global), global);
        FromGuest: "neighbour solicitation from the global address",
            solicitation(guest(global), solicited("2001:db8:101::1"), "2001:db8:101::1");
        ToGuest:   "a neighbour's advertisement to the global address",
            advertisement(beyond, guest(global), "2001:db8:101::1", 0x60);
        FromGuest: "DHCPv6 solicit, request, information-request, renew or release", dhcpv6(local);
        ToGuest:   "DHCPv6 advertise or reply",
            frames::udp(there, guest(local), (547, 546), b"what a DHCPv6 server says");
        FromGuest: "a ping", frames::echo_request(guest(global), beyond);
    }
}

/// How Linux and Windows ask who is there; the guest's groups let it.
pub(super) fn names_and_services(local: &str) -> Vec<Line> {
    let own = web2();
    let ask = |to: End, port| {
        let from = if to.ip.is_ipv4() { own } else { guest(local) };
        frames::udp(from, to, (port, port), b"who is there?")
    };
    let v6 = frames::multicast;
    let subnet = end("ff:ff:ff:ff:ff:ff", "192.168.101.255");
    let join = [0x22, 0, 0xf9, 0x02, 0, 0, 0, 1, 4, 0, 0, 0, 224, 0, 0, 251];
    lines! {
        FromGuest: "IGMPv3 join", igmp(own, group("224.0.0.22"), &join);
        FromGuest: "IGMPv2 join",
            igmp(own, group("224.0.0.251"), &[0x16, 0, 9, 4, 224, 0, 0, 251]);
        FromGuest: "LLMNR", ask(group("224.0.0.252"), 5355);
        FromGuest: "LLMNR over IPv6", ask(v6("ff02::1:3"), 5355);
        FromGuest: "multicast DNS", ask(group("224.0.0.251"), 5353);
        FromGuest: "multicast DNS over IPv6", ask(v6("ff02::fb"), 5353);
        FromGuest: "SSDP", ask(group("239.255.255.250"), 1900);
        FromGuest: "SSDP over IPv6", ask(v6("ff02::c"), 1900);
        FromGuest: "WS-Discovery over IPv6", ask(v6("ff02::c"), 3702);
        FromGuest: "NetBIOS names", ask(subnet, 137);
    }
}

/// What is dropped, and the guest boots without.
pub(super) fn does_without(local: &str) -> Vec<Line> {
    let own = web2();
    let asks = |to| frames::udp(router("192.168.101.1"), to, (5355, 5355), b"who is there?");
    let bridges = |last| [0x01, 0x80, 0xc2, 0, 0, last];
    lines! {
        FromGuest: "LLTD", frames::of_type(own.mac, BROADCAST, 0x88d9, b"Windows draws its map");
        FromGuest: "LLDP", frames::of_type(own.mac, bridges(0x0e), 0x88cc, b"who is next to me?");
        FromGuest: "802.1X", frames::of_type(own.mac, bridges(0x03), 0x888e, &[1, 1, 0, 0]);
        FromGuest: "router solicitation before it has an address", router_solicitation("::");
        FromGuest: "MLDv1 done without an address", mld1("::", 132, "ff02::1:ff00:1");
        FromGuest: "IGMP join without an address",
            igmp(guest("0.0.0.0"), group("224.0.0.251"), &[0x16, 0, 9, 4, 224, 0, 0, 251]);
        FromGuest: "DHCPv6 without an address", dhcpv6("::");
        ToGuest:   "a neighbour's LLMNR", asks(group("224.0.0.252"));
        ToGuest:   "an IGMP query",
            igmp(router("192.168.101.1"), group("224.0.0.1"), &[0x11, 100, 0xee, 0x9b, 0, 0, 0, 0]);
        ToGuest:   "LLDP from the network",
            frames::of_type(router(ROUTER).mac, bridges(0x0e), 0x88cc, b"here is a switch");
        ToGuest:   "a router's redirect",
            frames::icmpv6(router(ROUTER), guest(local), 137, &[0; 36]);
    }
}

/// What a guest says of itself with addresses that it may have in other modes or on other networks.
pub(super) fn foreign(local: Option<&str>, global: &str) -> Vec<Line> {
    let there = router(ROUTER);
    let mut all = lines! {
        FromGuest: "a ping from an address that is not its own",
            frames::echo_request(guest(global), router("2001:db8:101::1"));
        FromGuest: "neighbour advertisement of an address that is not its own",
            advertisement(guest(EUI64), there, global, 0x60);
        FromGuest: "neighbour solicitation from an address that is not its own",
            solicitation(guest(global), solicited(ROUTER), ROUTER);
    };
    if let Some(local) = local {
        all.extend(lines! {
            FromGuest: "router solicitation from an address that is not its own",
                router_solicitation(local);
            FromGuest: "MLDv2 report from an address that is not its own",
                mld2(local, solicited(global));
            FromGuest: "DHCPv6 from an address that is not its own", dhcpv6(local);
            FromGuest: "neighbour advertisement of a link-local address that is not its own",
                advertisement(guest(EUI64), there, local, 0x60);
        });
    }
    all
}
