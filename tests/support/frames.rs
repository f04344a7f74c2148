//! Ethernet frames with right lengths and checksums, honest or forged.

use std::net::IpAddr;

use etherparse::{EtherType, IpHeaders, PacketBuilder, PacketBuilderStep};

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

/// The first segment of a TCP connection.
pub fn tcp_syn(from: End, to: End, ports: (u16, u16)) -> Vec<u8> {
    let builder = ip(from, to).tcp(ports.0, ports.1, 1, 64240).syn();
    written(builder.size(0), |frame| builder.write(frame, &[]))
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

/// An ICMPv6 message of any type; the body follows the checksum.
pub fn icmpv6(from: End, to: End, icmp_type: u8, body: &[u8]) -> Vec<u8> {
    let (first, payload) = body.split_at(4);
    let first = first.try_into().expect("four bytes");
    let builder = ip(from, to).icmpv6_raw(icmp_type, 0, first);
    written(builder.size(payload.len()), |frame| {
        builder.write(frame, payload)
    })
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

/// A frame of any ethertype.
pub fn of_type(source: [u8; 6], to: [u8; 6], ethertype: u16, payload: &[u8]) -> Vec<u8> {
    let ethertype = ethertype.to_be_bytes();
    [&to[..], &source, &ethertype, payload].concat()
}

/// The same frame with an IEEE 802.1Q tag.
pub fn tagged(vlan: u16, frame: &[u8]) -> Vec<u8> {
    let (addresses, rest) = frame.split_at(12);
    let tag = [
        EtherType::VLAN_TAGGED_FRAME.0.to_be_bytes(),
        vlan.to_be_bytes(),
    ]
    .concat();
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
