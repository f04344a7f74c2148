//! The bytes of a packet. Most bear a number, by which one tells them apart in a dump.

use std::net::IpAddr;

use etherparse::{IpHeaders, IpNumber, PacketBuilder, PacketBuilderStep};

use super::{Carries, Content, Ip, Packet};
use crate::support::frames;

impl Packet {
    /// The frame with this number.
    pub(crate) fn frame(&self, number: u32) -> Vec<u8> {
        let (source, destination) = (self.source.0, self.destination.0);
        let id = number.to_be_bytes();
        let frame = match &self.content {
            Content::Ip(ip) => {
                let ethernet = [destination, source].concat();
                let ethertype = if ip.source.is_ipv4() {
                    [0x08, 0]
                } else {
                    [0x86, 0xdd]
                };
                [&ethernet[..], &ethertype, &ip.bytes(number, source)].concat()
            }
            Content::Arp {
                is_reply,
                sender,
                source: from,
                target,
            } => {
                let (IpAddr::V4(from), IpAddr::V4(target)) = (from, target) else {
                    panic!("ARP is for IPv4")
                };
                let head = [0, 1, 0x08, 0, 6, 4, 0, 1 + u8::from(*is_reply)];
                let whom = [&[0, 0][..], &id].concat();
                let (from, target) = (from.octets(), target.octets());
                let body = [&head[..], &sender.0, &from, &whom, &target].concat();
                frames::of_type(source, destination, 0x0806, &body)
            }
            Content::Rarp { subject } => {
                let head = [0, 1, 0x08, 0, 6, 4, 0, 3];
                let body = [&head[..], &subject.0, &id, &subject.0, &[0; 4]].concat();
                frames::of_type(source, destination, 0x8035, &body)
            }
            Content::Other(ethertype) => {
                let body = [&id[..], &[0; 42]].concat();
                frames::of_type(source, destination, *ethertype, &body)
            }
        };
        self.tag
            .map_or(frame.clone(), |tag| frames::tagged(tag, &frame))
    }
}

impl Ip {
    /// The packet from its header on.
    fn bytes(&self, number: u32, hardware: [u8; 6]) -> Vec<u8> {
        let mut frame = self.as_frame(number, hardware);
        if self.has_options && self.source.is_ipv6() {
            frame = frames::behind_extension(60, &frame);
        }
        frame[14..].to_vec()
    }

    /// A client of DHCP says whose its hardware address is.
    fn as_frame(&self, number: u32, hardware: [u8; 6]) -> Vec<u8> {
        let payload = number.to_be_bytes();
        let mut bytes = Vec::new();
        let written = match &self.carries {
            Carries::Udp(from, to) => {
                let payload = match to {
                    67 => frames::bootp(1, hardware, &payload),
                    _ => payload.to_vec(),
                };
                self.head().udp(*from, *to).write(&mut bytes, &payload)
            }
            // Sequence numbers are always the same, so that any answer fits its question.
            Carries::Tcp { ports, is_answer } => {
                let segment = self.head().tcp(ports.0, ports.1, 1000, 64240).syn();
                let segment = if *is_answer {
                    segment.ack(1001)
                } else {
                    segment
                };
                segment.write(&mut bytes, &[])
            }
            Carries::Icmp { .. } => return self.icmp_frame(number),
            Carries::Ports(protocol, from, to) => {
                let ports = [from.to_be_bytes(), to.to_be_bytes()].concat();
                let rest = match protocol {
                    // Verification tag and checksum, and an INIT chunk.
                    132 => [&[0; 8][..], &[1, 0, 0, 20], &payload, &[0; 12]].concat(),
                    // A request, four words long.
                    33 => [&[4, 0, 0, 0, 1, 0, 0, 0][..], &payload].concat(),
                    _ => [&[0, 8, 0, 0][..], &payload].concat(),
                };
                let all = [ports, rest].concat();
                self.head().write(&mut bytes, IpNumber(*protocol), &all)
            }
            Carries::Other(protocol) => {
                let all = [&[0; 4][..], &payload].concat();
                self.head().write(&mut bytes, IpNumber(*protocol), &all)
            }
        };
        written.expect("memory takes a frame");
        bytes
    }

    fn icmp_frame(&self, number: u32) -> Vec<u8> {
        let Carries::Icmp {
            kind,
            code,
            id,
            target,
            about,
        } = &self.carries
        else {
            panic!("it is no ICMP")
        };
        // The number is where an echo has its own, and where others have nothing that counts.
        let low = number.to_be_bytes();
        let [high, id] = id.to_be_bytes();
        let first = if about.is_some() {
            [0; 4]
        } else {
            [high, id, low[2], low[3]]
        };
        let mut body = match target {
            Some(IpAddr::V6(target)) => target.octets().to_vec(),
            _ => Vec::new(),
        };
        if let Some(about) = about {
            body.extend(about.bytes(0, [0; 6]));
        }
        body.extend(low);
        let mut bytes = Vec::new();
        let written = if self.source.is_ipv4() {
            let message = self.head().icmpv4_raw(*kind, *code, first);
            message.write(&mut bytes, &body)
        } else {
            let message = self.head().icmpv6_raw(*kind, *code, first);
            message.write(&mut bytes, &body)
        };
        written.expect("memory takes a frame");
        bytes
    }

    fn head(&self) -> PacketBuilderStep<IpHeaders> {
        let frame = PacketBuilder::ethernet2([0; 6], [0; 6]);
        match (self.source, self.destination) {
            (IpAddr::V4(from), IpAddr::V4(to)) => frame.ipv4(from.octets(), to.octets(), 64),
            (IpAddr::V6(from), IpAddr::V6(to)) => frame.ipv6(from.octets(), to.octets(), 255),
            _ => panic!(
                "{} and {} are of two families",
                self.source, self.destination
            ),
        }
    }
}
