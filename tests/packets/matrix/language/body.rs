//! The bodies: what a frame is once its envelope is off.

use std::net::{IpAddr, SocketAddr};

use super::super::station::Station;
use super::envelope::Envelope;
use super::{Sender, Trace, Words};
use crate::frames::{self, BROADCAST, End};

/// The frame itself; what tells it from others, unless that is the whole.
pub(super) type Read = Result<(Vec<u8>, Option<Vec<u8>>), String>;

pub(super) struct Body<'a, 'w> {
    pub(super) sender: Sender<'a>,
    pub(super) words: &'a mut Words<'w>,
    pub(super) envelope: &'a Envelope,
}

impl Body<'_, '_> {
    pub(super) fn read(mut self, word: &str) -> Read {
        let payload = self.sender.payload();
        let frame = match word {
            "ping" => self.ping(&payload)?,
            "udp" => {
                let (from, to, ports) = self.sockets()?;
                frames::udp(from, to, ports, &payload)
            }
            "dhcp" => self.dhcp(&payload)?,
            "dhcpv6" => {
                let kind: u8 = self.words.value("a message's type")?;
                let (from, to, ports) = self.sockets()?;
                frames::udp(from, to, ports, &[&[kind], &payload[..]].concat())
            }
            "tcp" => {
                let (from, to, ports) = self.sockets()?;
                frames::tcp_syn_with(from, to, ports, &payload)
            }
            "icmp" => {
                let kind = self.words.value("an ICMP type")?;
                let (from, to) = self.flow()?;
                let about = self.about()?;
                frames::icmp(from, to, kind, &[&[0; 4], &about[..], &payload].concat())
            }
            "igmp" => {
                let kind: u8 = self.words.value("a message's type")?;
                let (from, to) = self.flow()?;
                let message = [&[kind, 100, 0, 0, 0, 0, 0, 0], &payload[..]].concat();
                frames::protocol(from, to, 2, &message)
            }
            "protocol" => {
                let number = self.words.value("a protocol's number")?;
                let (from, to) = self.flow()?;
                frames::protocol(from, to, number, &payload)
            }
            "arp" => [self.arp()?, payload].concat(),
            "rarp" => {
                let subject = self.words.mac(self.sender.links)?;
                let frame = frames::rarp(self.source()?, subject);
                [self.to_destination(frame), payload].concat()
            }
            "ethertype" => {
                let ethertype = self.words.number(16, "an ethertype")?;
                frames::of_type(self.source()?, self.group(), ethertype, &payload)
            }
            "llc" => {
                let point = self
                    .words
                    .number(16, "a service access point")?
                    .to_be_bytes()[1];
                self.ieee_802_3(&[point, point, 3], &payload)?
            }
            "snap" => return self.snap(),
            "vxlan" => return self.vxlan(),
            _ => return Ok((self.neighbour_discovery(word)?, None)),
        };
        Ok((frame, Some(self.sender.name())))
    }

    fn ping(&mut self, payload: &[u8]) -> Result<Vec<u8>, String> {
        let (from, to) = self.flow()?;
        let kind = if to.ip.is_ipv4() { 8 } else { 128 };
        Ok(frames::icmp(
            from,
            to,
            kind,
            &[&[0, 1, 0, 1], payload].concat(),
        ))
    }

    /// The packet that an error is about, if one follows.
    fn about(&mut self) -> Result<Vec<u8>, String> {
        if self.words.0.clone().next() != Some("about") {
            return Ok(Vec::new());
        }
        self.words.exactly("about")?;
        let word = self.words.next("a body")?;
        let inner = Body {
            sender: self.sender,
            words: &mut *self.words,
            envelope: self.envelope,
        };
        Ok(inner.read(word)?.0[14..].to_vec())
    }

    fn dhcp(&mut self, payload: &[u8]) -> Result<Vec<u8>, String> {
        let operation = match self.words.next("request or reply")? {
            "request" => 1,
            "reply" => 2,
            word => return Err(format!("unknown after dhcp: {word}")),
        };
        let (from, to, ports) = self.sockets()?;
        self.words.exactly("of")?;
        let hardware = self.words.mac(self.sender.links)?;
        let message = frames::bootp(operation, hardware, payload);
        Ok(frames::udp(from, to, ports, &message))
    }

    fn neighbour_discovery(&mut self, word: &str) -> Result<Vec<u8>, String> {
        let (kind, rest): (u8, &[u8]) = match word {
            "router-solicitation" => (133, &[0; 4]),
            "router-advertisement" => (134, &[0; 12]),
            "neighbour-solicitation" => (135, &[]),
            "neighbour-advertisement" => (136, &[]),
            "redirect" => (137, &[0; 36]),
            "listener-report" => (143, &[0; 8]),
            _ => return Err(format!("unknown: {word}")),
        };
        let (from, to) = self.flow()?;
        if rest.is_empty() {
            self.words.exactly("target")?;
            let target: std::net::Ipv6Addr = self.words.value("an IPv6 address")?;
            return Ok(frames::icmp(
                from,
                to,
                kind,
                &[&[0; 4][..], &target.octets()].concat(),
            ));
        }
        // IPv4 has one of these, with the router's address and the packet that it is about.
        let kind = if to.ip.is_ipv4() { 5 } else { kind };
        Ok(frames::icmp(from, to, kind, rest))
    }

    fn arp(&mut self) -> Result<Vec<u8>, String> {
        let source = self.source()?;
        let frame = match self.words.next("who-has or reply")? {
            "who-has" => {
                let target = self.words.value("an IPv4 address")?;
                self.words.exactly("tell")?;
                let ip = self.words.value("an IPv4 address")?;
                let mac = match self.words.0.clone().next() {
                    Some("at") => {
                        self.words.exactly("at")?;
                        self.words.mac(self.sender.links)?
                    }
                    _ => source,
                };
                let target = End {
                    mac: [0; 6],
                    ip: target,
                };
                frames::arp_request(source, End { mac, ip }, target)
            }
            "reply" => {
                let ip = self.words.value("an IPv4 address")?;
                self.words.exactly("is-at")?;
                let mac = self.words.mac(self.sender.links)?;
                self.words.exactly("to")?;
                let to = self.words.value("an IPv4 address")?;
                let to = End {
                    mac: self.destination(to)?,
                    ip: to,
                };
                frames::arp_reply(source, End { mac, ip }, to)
            }
            word => return Err(format!("unknown after arp: {word}")),
        };
        Ok(self.to_destination(frame))
    }

    fn ieee_802_3(&self, head: &[u8], payload: &[u8]) -> Result<Vec<u8>, String> {
        let content = [head, payload].concat();
        let length = u16::try_from(content.len()).map_err(|error| error.to_string())?;
        Ok(frames::of_type(
            self.source()?,
            self.group(),
            length,
            &content,
        ))
    }

    fn snap(self) -> Read {
        let word = self.words.next("a body")?;
        let inner = Body {
            sender: self.sender,
            words: self.words,
            envelope: self.envelope,
        };
        let (frame, trace) = inner.read(word)?;
        let content = [&[0xaa, 0xaa, 3, 0, 0, 0], &frame[12..]].concat();
        let length = u16::try_from(content.len()).map_err(|error| error.to_string())?;
        let [to, from] = [0, 6].map(|at| frame[at..at + 6].try_into().expect("six octets"));
        Ok((frames::of_type(from, to, length, &content), trace))
    }

    fn vxlan(mut self) -> Read {
        let vni: u32 = self.words.value("a VNI")?;
        let (from, to, ports) = self.sockets()?;
        self.words.exactly("carrying")?;
        let inner = self.sender.whole(self.words)?;
        let head = [&[8, 0, 0, 0][..], &(vni << 8).to_be_bytes()].concat();
        let packet = [&head[..], &inner.pieces.concat()].concat();
        let trace = match inner.trace {
            Trace::Payload(bytes) | Trace::Whole(bytes) => bytes,
        };
        Ok((frames::udp(from, to, ports, &packet), Some(trace)))
    }

    fn sockets(&mut self) -> Result<(End, End, (u16, u16)), String> {
        let from: SocketAddr = self.words.value("an address and a port")?;
        self.words.exactly(">")?;
        let to: SocketAddr = self.words.value("an address and a port")?;
        let (source, destination) = self.ends(from.ip(), to.ip())?;
        Ok((source, destination, (from.port(), to.port())))
    }

    fn flow(&mut self) -> Result<(End, End), String> {
        let from = self.words.value("an IP address")?;
        self.words.exactly(">")?;
        let to = self.words.value("an IP address")?;
        self.ends(from, to)
    }

    fn ends(&self, from: IpAddr, to: IpAddr) -> Result<(End, End), String> {
        if from.is_ipv4() != to.is_ipv4() {
            return Err(format!("{from} and {to} are of two families"));
        }
        let from = End {
            mac: self.source()?,
            ip: from,
        };
        let to = End {
            mac: self.destination(to)?,
            ip: to,
        };
        Ok((from, to))
    }

    fn source(&self) -> Result<[u8; 6], String> {
        let own = self.sender.station.name();
        let own = self.envelope.src.or_else(|| self.sender.links.mac(own));
        own.ok_or_else(|| "whose Ethernet address? say src".into())
    }

    fn destination(&self, ip: IpAddr) -> Result<[u8; 6], String> {
        let found = self
            .envelope
            .dst
            .or_else(|| group_address(ip))
            .or_else(|| Station::behind(ip, self.sender.station.network()));
        found.ok_or_else(|| format!("nobody here has {ip}: say dst"))
    }

    /// Where a frame goes that is not for one station.
    fn group(&self) -> [u8; 6] {
        self.envelope.dst.unwrap_or(BROADCAST)
    }

    fn to_destination(&self, mut frame: Vec<u8>) -> Vec<u8> {
        if let Some(dst) = self.envelope.dst {
            frame[..6].copy_from_slice(&dst);
        }
        frame
    }
}

/// RFC 1112, section 6.4; RFC 2464, section 7.
fn group_address(ip: IpAddr) -> Option<[u8; 6]> {
    match ip {
        IpAddr::V4(ip) if ip.is_broadcast() || ip.octets() == [192, 168, 101, 255] => {
            Some(BROADCAST)
        }
        IpAddr::V4(ip) if ip.is_multicast() => {
            let [_, b, c, d] = ip.octets();
            Some([0x01, 0x00, 0x5e, b & 0x7f, c, d])
        }
        IpAddr::V6(ip) if ip.is_multicast() => {
            let [.., a, b, c, d] = ip.octets();
            Some([0x33, 0x33, a, b, c, d])
        }
        _ => None,
    }
}
