//! A guest's ordinary boot, as Linux and Windows do it, in each mode of `ipv6_addresses`: what it sends
//! until it has its addresses and knows its neighbours, and what routers, servers and neighbours answer.
//!
//! The guest's groups let it send what it likes, and let nothing in but pings over IPv4.

use std::cell::Cell;
use std::sync::Arc;

use etherparse::{IpNumber, Ipv4Header};

use super::machine::CONFIGURATION;
use super::*;

/// Which way a frame goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    FromGuest,
    ToGuest,
}
use Way::{FromGuest, ToGuest};

/// A frame of the guest's boot.
struct Line {
    way: Way,
    what: &'static str,
    frame: Vec<u8>,
}

/// One line a frame: which way it goes, what it is, in words and as a frame.
macro_rules! lines {
    ($($way:ident: $what:literal, $frame:expr;)+) => {
        vec![$(Line { way: $way, what: $what, frame: $frame }),+]
    };
}

const GUEST: &str = "fa:16:3e:be:71:22";
/// The link-local address that EUI-64 makes of its MAC address.
const EUI64: &str = "fe80::f816:3eff:febe:7122";
/// Addresses with a stable interface identifier that tells no MAC address (RFC 7217).
const STABLE_LOCAL: &str = "fe80::5c1e:9a0b:77d2:4e11";
const STABLE: &str = "2001:db8:101::5c1e:9a0b:77d2:4e11";
/// A temporary address (RFC 8981).
const TEMPORARY: &str = "2001:db8:101::e8f3:21c4:90ab:cdef";
/// A temporary address of another subnet.
const ELSEWHERE: &str = "2001:db8:102::e8f3:21c4:90ab:cdef";
/// The router, which also serves DHCP and DHCPv6.
const ROUTER: &str = "fe80::f816:3eff:fe00:101";

fn guest(ip: &str) -> End {
    end(GUEST, ip)
}

fn router(ip: &str) -> End {
    end("fa:16:3e:00:01:01", ip)
}

fn to_all() -> End {
    end("ff:ff:ff:ff:ff:ff", "255.255.255.255")
}

/// An IPv4 multicast group as a destination (RFC 1112, section 6.4).
fn group(ip: &str) -> End {
    let ip: std::net::Ipv4Addr = ip.parse().unwrap();
    let [_, b, c, d] = ip.octets();
    End {
        mac: [0x01, 0x00, 0x5e, b & 0x7f, c, d],
        ip: ip.into(),
    }
}

/// The group that solicitations about an address go to (RFC 4291, section 2.7.1).
fn solicited(ip: &str) -> End {
    let ip: Ipv6Addr = ip.parse().unwrap();
    let [.., a, b, c] = ip.octets();
    frames::multicast(&format!("ff02::1:ff{a:02x}:{b:02x}{c:02x}"))
}

/// Duplicate address detection (RFC 4862, section 5.4.2).
fn duplicates(ip: &str) -> Vec<u8> {
    frames::icmpv6(guest("::"), solicited(ip), 135, &about(ip))
}

/// A neighbour solicitation, with the sender's Ethernet address.
fn solicitation(from: End, to: End, ip: &str) -> Vec<u8> {
    let option = [&[1, 1][..], &from.mac].concat();
    frames::icmpv6(from, to, 135, &[about(ip), option].concat())
}

/// A neighbour advertisement about an address, with these flags: 0x40 answers, 0x20 overrides.
fn advertisement(from: End, to: End, ip: &str, flags: u8) -> Vec<u8> {
    let option = [&[2, 1][..], &from.mac].concat();
    let mut body = [about(ip), option].concat();
    body[0] = flags;
    frames::icmpv6(from, to, 136, &body)
}

/// A report of version 2 (RFC 3810, section 5.2) that it joins the group, behind hop-by-hop options.
fn mld2(from: &str, group: End) -> Vec<u8> {
    let std::net::IpAddr::V6(ip) = group.ip else {
        panic!("{} is no IPv6 group", group.ip)
    };
    let body = [&[0, 0, 0, 1, 4, 0, 0, 0][..], &ip.octets()].concat();
    let report = frames::icmpv6(guest(from), frames::multicast("ff02::16"), 143, &body);
    frames::behind_extension(0, &report)
}

/// A report or a farewell of version 1 (RFC 2710): type 131 or 132.
fn mld1(from: &str, kind: u8, group: &str) -> Vec<u8> {
    let to = if kind == 132 { "ff02::2" } else { group };
    let message = frames::icmpv6(guest(from), frames::multicast(to), kind, &about(group));
    frames::behind_extension(0, &message)
}

fn router_solicitation(from: &str) -> Vec<u8> {
    let option = [&[0, 0, 0, 0, 1, 1][..], &guest(from).mac].concat();
    frames::icmpv6(guest(from), frames::multicast("ff02::2"), 133, &option)
}

fn router_advertisement(to: End) -> Vec<u8> {
    frames::router_advertisement(router(ROUTER), to, "2001:db8:101::")
}

/// A message of IGMP with the router alert option (RFC 2236, RFC 3376).
fn igmp(from: End, to: End, message: &[u8]) -> Vec<u8> {
    let (std::net::IpAddr::V4(source), std::net::IpAddr::V4(destination)) = (from.ip, to.ip) else {
        panic!("IGMP is for IPv4")
    };
    let (source, destination) = (source.octets(), destination.octets());
    let mut header = Ipv4Header::new(0, 1, IpNumber::IGMP, source, destination).unwrap();
    header.options = [0x94, 4, 0, 0].into();
    header.set_payload_len(message.len()).unwrap();
    header.header_checksum = header.calc_header_checksum();
    let packet = [&header.to_bytes()[..], message].concat();
    frames::of_type(from.mac, to.mac, 0x0800, &packet)
}

fn dhcp(from: &str, to: End) -> Vec<u8> {
    let said = frames::bootp(1, frames::mac(GUEST), b"what a DHCP client says");
    frames::udp(guest(from), to, (68, 67), &said)
}

/// What a client says over DHCPv6: to all servers and relays, whatever it is (RFC 8415, section 18.2).
fn dhcpv6(from: &str) -> Vec<u8> {
    let servers = frames::multicast("ff02::1:2");
    frames::udp(
        guest(from),
        servers,
        (546, 547),
        b"what a DHCPv6 client says",
    )
}

/// What each guest does, whatever it makes its addresses of: IPv4 by DHCP.
fn address_by_dhcp() -> Vec<Line> {
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
fn neighbour_discovery(local: &str, global: &str) -> Vec<Line> {
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
fn names_and_services(local: &str) -> Vec<Line> {
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
fn does_without(local: &str) -> Vec<Line> {
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
fn foreign(local: Option<&str>, global: &str) -> Vec<Line> {
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

/// A guest on a network of this mode, and the other host.
struct Scene {
    guest: Arc<Tap>,
    tunnel: Packets,
    marks: Cell<u16>,
}

impl Scene {
    /// Whether a frame arrives before the ping that is sent after it.
    fn arrives(&self, line: &Line) -> bool {
        let number = self.marks.get() + 1;
        self.marks.set(number);
        let (own, there) = (web2(), router("192.168.101.1"));
        let seen = Cell::new(false);
        let until = |mark: &[u8], frame: &[u8]| {
            seen.set(seen.get() || frame == line.frame);
            frame == mark
        };
        let told = match line.way {
            FromGuest => {
                let mark = frames::numbered_ping(own, there, number);
                self.guest.send(&line.frame);
                self.guest.send(&mark);
                self.tunnel.receive(SOON, |frame| until(&mark, frame))
            }
            ToGuest => {
                let mark = frames::numbered_ping(there, own, number);
                self.tunnel.send(&line.frame);
                self.tunnel.send(&mark);
                self.guest.receive(SOON, |frame| until(&mark, frame))
            }
        };
        assert!(told.is_some(), "the ping behind {} arrives", line.what);
        seen.get()
    }
}

/// The guest's network has this mode, and its group lets in pings over IPv4 alone.
fn configuration(mode: &str) -> String {
    let network = format!("mtu = 1450\nipv6_addresses = \"{mode}\"");
    let besides = "  { protocol = \"ipv6-icmp\" },\n  { protocol = \"tcp\", port = 22 },\n";
    CONFIGURATION
        .replacen("mtu = 1450", &network, 1)
        .replace(besides, "")
}

/// Plays a boot on a network of this mode: what passes, and what the guest does without.
fn plays(mode: &str, passes: &[Vec<Line>], dropped: &[Vec<Line>]) {
    let lab = Lab::new();
    let peer = start_host(&lab);
    lab.configure(&configuration(mode));
    let (_web2, guest) = boot(&lab, "web2", web2_nic());
    let scene = Scene {
        guest,
        tunnel: peer.packets("vxlan-267"),
        marks: Cell::new(0),
    };
    let fare = |lines: &[Vec<Line>], arrive: bool| -> Vec<&'static str> {
        let lines = lines.iter().flatten();
        lines
            .filter(|line| scene.arrives(line) != arrive)
            .map(|line| line.what)
            .collect()
    };
    assert_eq!(fare(passes, true), [""; 0], "these do not arrive");
    assert_eq!(fare(dropped, false), [""; 0], "these arrive");
}

#[test]
fn a_guest_with_listed_addresses_boots() {
    let global = "2001:db8:101::89";
    plays(
        "listed",
        &[
            address_by_dhcp(),
            neighbour_discovery(EUI64, global),
            names_and_services(EUI64),
        ],
        &[does_without(EUI64), foreign(Some(STABLE_LOCAL), TEMPORARY)],
    );
}

/// Windows makes its link-local address at random, and here has its global one from DHCPv6.
#[test]
fn a_guest_with_a_link_local_address_of_its_own_making_boots() {
    let global = "2001:db8:101::89";
    plays(
        "link-local",
        &[
            address_by_dhcp(),
            neighbour_discovery(STABLE_LOCAL, global),
            names_and_services(STABLE_LOCAL),
        ],
        &[does_without(STABLE_LOCAL), foreign(None, TEMPORARY)],
    );
}

/// Windows and desktop Linux on a network with stateless autoconfiguration.
#[test]
fn a_guest_with_stable_and_temporary_addresses_boots() {
    plays(
        "prefix",
        &[
            address_by_dhcp(),
            neighbour_discovery(STABLE_LOCAL, STABLE),
            neighbour_discovery(EUI64, TEMPORARY),
            names_and_services(STABLE_LOCAL),
        ],
        &[does_without(STABLE_LOCAL), foreign(None, ELSEWHERE)],
    );
}
