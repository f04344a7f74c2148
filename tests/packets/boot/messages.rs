//! What a booting guest and its neighbours say, message by message.

use etherparse::{IpNumber, Ipv4Header};

use super::*;

pub(super) const GUEST: &str = "fa:16:3e:be:71:22";
/// The link-local address that EUI-64 makes of its MAC address.
pub(super) const EUI64: &str = "fe80::f816:3eff:febe:7122";
/// Addresses with a stable interface identifier that tells no MAC address (RFC 7217).
pub(super) const STABLE_LOCAL: &str = "fe80::5c1e:9a0b:77d2:4e11";
pub(super) const STABLE: &str = "2001:db8:101::5c1e:9a0b:77d2:4e11";
/// A temporary address (RFC 8981).
pub(super) const TEMPORARY: &str = "2001:db8:101::e8f3:21c4:90ab:cdef";
/// A temporary address of another subnet.
pub(super) const ELSEWHERE: &str = "2001:db8:102::e8f3:21c4:90ab:cdef";
/// The router, which also serves DHCP and DHCPv6.
pub(super) const ROUTER: &str = "fe80::f816:3eff:fe00:101";

pub(super) fn guest(ip: &str) -> End {
    end(GUEST, ip)
}

pub(super) fn router(ip: &str) -> End {
    end("fa:16:3e:00:01:01", ip)
}

pub(super) fn to_all() -> End {
    end("ff:ff:ff:ff:ff:ff", "255.255.255.255")
}

/// An IPv4 multicast group as a destination (RFC 1112, section 6.4).
pub(super) fn group(ip: &str) -> End {
    let ip: std::net::Ipv4Addr = ip.parse().unwrap();
    let [_, b, c, d] = ip.octets();
    End {
        mac: [0x01, 0x00, 0x5e, b & 0x7f, c, d],
        ip: ip.into(),
    }
}

/// The group that solicitations about an address go to (RFC 4291, section 2.7.1).
pub(super) fn solicited(ip: &str) -> End {
    let ip: Ipv6Addr = ip.parse().unwrap();
    let [.., a, b, c] = ip.octets();
    frames::multicast(&format!("ff02::1:ff{a:02x}:{b:02x}{c:02x}"))
}

/// Duplicate address detection (RFC 4862, section 5.4.2).
pub(super) fn duplicates(ip: &str) -> Vec<u8> {
    frames::icmpv6(guest("::"), solicited(ip), 135, &about(ip))
}

/// A neighbour solicitation, with the sender's Ethernet address.
pub(super) fn solicitation(from: End, to: End, ip: &str) -> Vec<u8> {
    let option = [&[1, 1][..], &from.mac].concat();
    frames::icmpv6(from, to, 135, &[about(ip), option].concat())
}

/// A neighbour advertisement about an address, with these flags: 0x40 answers, 0x20 overrides.
pub(super) fn advertisement(from: End, to: End, ip: &str, flags: u8) -> Vec<u8> {
    let option = [&[2, 1][..], &from.mac].concat();
    let mut body = [about(ip), option].concat();
    body[0] = flags;
    frames::icmpv6(from, to, 136, &body)
}

/// A report of version 2 (RFC 3810, section 5.2) that it joins the group, behind hop-by-hop options.
pub(super) fn mld2(from: &str, group: End) -> Vec<u8> {
    let std::net::IpAddr::V6(ip) = group.ip else {
        panic!("{} is no IPv6 group", group.ip)
    };
    let body = [&[0, 0, 0, 1, 4, 0, 0, 0][..], &ip.octets()].concat();
    let report = frames::icmpv6(guest(from), frames::multicast("ff02::16"), 143, &body);
    frames::behind_extension(0, &report)
}

/// A report or a farewell of version 1 (RFC 2710): type 131 or 132.
pub(super) fn mld1(from: &str, kind: u8, group: &str) -> Vec<u8> {
    let to = if kind == 132 { "ff02::2" } else { group };
    let message = frames::icmpv6(guest(from), frames::multicast(to), kind, &about(group));
    frames::behind_extension(0, &message)
}

pub(super) fn router_solicitation(from: &str) -> Vec<u8> {
    let option = [&[0, 0, 0, 0, 1, 1][..], &guest(from).mac].concat();
    frames::icmpv6(guest(from), frames::multicast("ff02::2"), 133, &option)
}

pub(super) fn router_advertisement(to: End) -> Vec<u8> {
    frames::router_advertisement(router(ROUTER), to, "2001:db8:101::")
}

/// A message of IGMP with the router alert option (RFC 2236, RFC 3376).
pub(super) fn igmp(from: End, to: End, message: &[u8]) -> Vec<u8> {
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

pub(super) fn dhcp(from: &str, to: End) -> Vec<u8> {
    let said = frames::bootp(1, frames::mac(GUEST), b"what a DHCP client says");
    frames::udp(guest(from), to, (68, 67), &said)
}

/// What a client says over DHCPv6: to all servers and relays, whatever it is (RFC 8415, section 18.2).
pub(super) fn dhcpv6(from: &str) -> Vec<u8> {
    let servers = frames::multicast("ff02::1:2");
    frames::udp(
        guest(from),
        servers,
        (546, 547),
        b"what a DHCPv6 client says",
    )
}
