//! Ethernet frames with right lengths and checksums, honest or forged.

mod fragments;

use std::net::IpAddr;

use etherparse::{
    EtherType, IpHeaders, IpNumber, PacketBuilder, PacketBuilderStep, TcpOptionElement,
};

pub use fragments::{fragment, fragments};

/// The address of every station.
pub const BROADCAST: [u8; 6] = [0xff; 6];

/// One end of a conversation: what a frame claims to come from or go to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct End {
    /// Ethernet address.
    pub mac: [u8; 6],
    /// IPv4 or IPv6 address.
    pub ip: IpAddr,
}

/// An end as one writes it: `end("fa:16:3e:be:71:21", "192.168.101.88")`.
pub fn end(mac_text: &str, ip: &str) -> End {
    End {
        mac: mac(mac_text),
        ip: ip.parse().expect("an IP address"),
    }
}

/// An Ethernet address as one writes it; also one that no interface can have.
pub fn mac(text: &str) -> [u8; 6] {
    let octets: Result<Vec<u8>, _> = text
        .split(':')
        .map(|octet| u8::from_str_radix(octet, 16))
        .collect();
    octets
        .ok()
        .and_then(|octets| octets.try_into().ok())
        .expect("an Ethernet address")
}

/// A UDP datagram between two ports.
pub fn udp(from: End, to: End, ports: (u16, u16), payload: &[u8]) -> Vec<u8> {
    let builder = ip(from, to).udp(ports.0, ports.1);
    written(builder.size(payload.len()), |frame| {
        builder.write(frame, payload)
    })
}

/// A message of BOOTP or DHCP (RFC 2131): 1 asks, 2 answers. The octets follow the magic cookie, where
/// options are.
pub fn bootp(operation: u8, hardware: [u8; 6], options: &[u8]) -> Vec<u8> {
    let head = [operation, 1, 6, 0, 0x51, 0xa7, 0x1c, 0x0d];
    let (names, cookie) = ([0; 192], [0x63, 0x82, 0x53, 0x63]);
    [
        &head[..],
        &[0; 20],
        &hardware,
        &[0; 10],
        &names,
        &cookie,
        options,
    ]
    .concat()
}

/// The first segment of a TCP connection.
pub fn tcp_syn(from: End, to: End, ports: (u16, u16)) -> Vec<u8> {
    tcp_syn_with(from, to, ports, &[])
}

/// The same with data (RFC 9293, section 3.4).
pub fn tcp_syn_with(from: End, to: End, ports: (u16, u16), payload: &[u8]) -> Vec<u8> {
    let builder = ip(from, to).tcp(ports.0, ports.1, 1, 64240).syn();
    written(builder.size(payload.len()), |frame| {
        builder.write(frame, payload)
    })
}

/// A TCP segment with these flags whose sender takes segments of at most so many bytes (RFC 9293,
/// section 3.7.1).
pub fn tcp_offering(from: End, to: End, ports: (u16, u16), (flags, mss): (&str, u16)) -> Vec<u8> {
    let mut builder = ip(from, to).tcp(ports.0, ports.1, 1, 64240);
    if flags.contains('S') {
        builder = builder.syn();
    }
    if flags.contains('A') {
        builder = builder.ack(2);
    }
    let builder = builder
        .options(&[TcpOptionElement::MaximumSegmentSize(mss)])
        .expect("one option fits");
    written(builder.size(0), |frame| builder.write(frame, &[]))
}

/// A packet of any protocol.
pub fn protocol(from: End, to: End, number: u8, payload: &[u8]) -> Vec<u8> {
    let builder = ip(from, to);
    written(builder.size(payload.len()), |frame| {
        builder.write(frame, IpNumber(number), payload)
    })
}

/// A ping of the ends' family.
pub fn echo_request(from: End, to: End) -> Vec<u8> {
    if to.ip.is_ipv4() {
        let builder = ip(from, to).icmpv4_echo_request(1, 1);
        written(builder.size(0), |frame| builder.write(frame, &[]))
    } else {
        let builder = ip(from, to).icmpv6_echo_request(1, 1);
        written(builder.size(0), |frame| builder.write(frame, &[]))
    }
}

/// A ping over IPv4 that can be told from others by its number.
pub fn numbered_ping(from: End, to: End, number: u16) -> Vec<u8> {
    let builder = ip(from, to).icmpv4_echo_request(1, number);
    written(builder.size(0), |frame| builder.write(frame, &[]))
}

/// An ICMP or ICMPv6 message of any type, by the ends' family; the body follows the checksum.
pub fn icmp(from: End, to: End, icmp_type: u8, body: &[u8]) -> Vec<u8> {
    if to.ip.is_ipv6() {
        return icmpv6(from, to, icmp_type, body);
    }
    let (first, payload) = body.split_at(4);
    let first = first.try_into().expect("four bytes");
    let builder = ip(from, to).icmpv4_raw(icmp_type, 0, first);
    written(builder.size(payload.len()), |frame| {
        builder.write(frame, payload)
    })
}

/// An ICMPv6 message of any type; the body follows the checksum.
pub fn icmpv6(from: End, to: End, icmp_type: u8, body: &[u8]) -> Vec<u8> {
    let (first, payload) = body.split_at(4);
    let first = first.try_into().expect("four bytes");
    let builder = ip(from, to).icmpv6_raw(icmp_type, 0, first);
    written(builder.size(payload.len()), |frame| {
        builder.write(frame, payload)
    })
}

/// A router advertisement with a prefix of 64 bits for autoconfiguration (RFC 4861, section 4.6.2) and a
/// name server in it (RFC 8106), good for an hour.
pub fn router_advertisement(from: End, to: End, prefix: &str) -> Vec<u8> {
    const HOUR: [u8; 4] = 3600_u32.to_be_bytes();
    let prefix: std::net::Ipv6Addr = prefix.parse().expect("an IPv6 prefix");
    let server = std::net::Ipv6Addr::from(u128::from(prefix) + 0x53);
    let (on_link_for_all, hop_limit) = (0xc0, 64);
    let body = [
        &[hop_limit, 0, 0x0e, 0x10][..],
        &[0; 8],
        &[3, 4, 64, on_link_for_all],
        &HOUR,
        &HOUR,
        &[0; 4],
        &prefix.octets(),
        &[25, 3, 0, 0],
        &HOUR,
        &server.octets(),
    ]
    .concat();
    icmpv6(from, to, 134, &body)
}

/// An ARP request of `sender` for `target`'s IPv4 address. The Ethernet source is `source`, which
/// an honest sender sets to its own.
pub fn arp_request(source: [u8; 6], sender: End, target: End) -> Vec<u8> {
    arp(
        source,
        BROADCAST,
        1,
        (
            sender,
            End {
                mac: [0; 6],
                ..target
            },
        ),
    )
}

/// An ARP reply of `sender` to `target`.
pub fn arp_reply(source: [u8; 6], sender: End, target: End) -> Vec<u8> {
    arp(source, target.mac, 2, (sender, target))
}

/// RFC 826, for Ethernet and IPv4.
fn arp(source: [u8; 6], to: [u8; 6], operation: u8, ends: (End, End)) -> Vec<u8> {
    let mut packet = vec![0, 1, 0x08, 0, 6, 4, 0, operation];
    for end in [ends.0, ends.1] {
        let IpAddr::V4(ip) = end.ip else {
            panic!("ARP is for IPv4")
        };
        packet.extend(end.mac);
        packet.extend(ip.octets());
    }
    of_type(source, to, EtherType::ARP.0, &packet)
}

/// A RARP request (RFC 903) of `subject` for its own address: how QEMU announces a machine that has
/// moved.
pub fn rarp(source: [u8; 6], subject: [u8; 6]) -> Vec<u8> {
    let nobody = [0; 4];
    let head = [0, 1, 0x08, 0, 6, 4, 0, 3];
    let packet = [&head[..], &subject, &nobody, &subject, &nobody].concat();
    of_type(source, BROADCAST, 0x8035, &packet)
}

/// An IPv6 multicast address as a destination, with its Ethernet address (RFC 2464, section 7).
pub fn multicast(ip: &str) -> End {
    let ip: std::net::Ipv6Addr = ip.parse().expect("an IPv6 address");
    let [.., a, b, c, d] = ip.octets();
    End {
        mac: [0x33, 0x33, a, b, c, d],
        ip: ip.into(),
    }
}

/// The IPv6 frame with an extension header before what it carries: options that pad, or a routing
/// header of an experimental type that routes no further.
pub fn behind_extension(header: u8, frame: &[u8]) -> Vec<u8> {
    let (ethernet, packet) = frame.split_at(14);
    let (fixed, rest) = packet.split_at(40);
    let length = u16::try_from(rest.len() + 8).expect("a short packet");
    let [kind, rest_of_it] = if header == ROUTING { [253, 0] } else { [1, 4] };
    let extension = [fixed[6], 0, kind, rest_of_it, 0, 0, 0, 0];
    let (version, addresses) = (&fixed[..4], &fixed[7..]);
    let length = length.to_be_bytes();
    [
        ethernet,
        version,
        &length,
        &[header],
        addresses,
        &extension,
        rest,
    ]
    .concat()
}

const ROUTING: u8 = 43;

/// A frame without VLAN tags, however many it has: a packet socket shows the outermost one apart.
pub fn untagged(frame: &[u8]) -> Vec<u8> {
    let mut frame = frame.to_vec();
    while matches!(frame.get(12..14), Some([0x81, 0x00] | [0x88, 0xa8])) {
        frame.drain(12..16);
    }
    frame
}

/// A frame of any ethertype.
pub fn of_type(source: [u8; 6], to: [u8; 6], ethertype: u16, payload: &[u8]) -> Vec<u8> {
    let ethertype = ethertype.to_be_bytes();
    [&to[..], &source, &ethertype, payload].concat()
}

/// The same frame with an IEEE 802.1Q tag.
pub fn tagged(vlan: u16, frame: &[u8]) -> Vec<u8> {
    with_tag(EtherType::VLAN_TAGGED_FRAME.0, vlan, frame)
}

/// The same frame with an IEEE 802.1ad service tag.
pub fn service_tagged(vlan: u16, frame: &[u8]) -> Vec<u8> {
    with_tag(EtherType::PROVIDER_BRIDGING.0, vlan, frame)
}

fn with_tag(ethertype: u16, vlan: u16, frame: &[u8]) -> Vec<u8> {
    let (addresses, rest) = frame.split_at(12);
    let tag = [ethertype.to_be_bytes(), vlan.to_be_bytes()].concat();
    [addresses, &tag, rest].concat()
}

fn ip(from: End, to: End) -> PacketBuilderStep<IpHeaders> {
    let frame = PacketBuilder::ethernet2(from.mac, to.mac);
    match (from.ip, to.ip) {
        (IpAddr::V4(from), IpAddr::V4(to)) => frame.ipv4(from.octets(), to.octets(), 64),
        (IpAddr::V6(from), IpAddr::V6(to)) => frame.ipv6(from.octets(), to.octets(), 255),
        _ => panic!("{} and {} are of two families", from.ip, to.ip),
    }
}

fn written<E: std::fmt::Debug>(
    size: usize,
    write: impl FnOnce(&mut Vec<u8>) -> Result<(), E>,
) -> Vec<u8> {
    let mut frame = Vec::with_capacity(size);
    write(&mut frame).expect("memory takes a frame");
    frame
}
