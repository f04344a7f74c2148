//! A frame that somebody sends, as a value and as bytes.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::configuration::{Family, Mac};

mod wire;

/// Who sends or gets frames: a machine, by its port's place in the configuration, or the other host on
/// a network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) enum Station {
    Machine(usize),
    Peer(usize),
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Packet {
    pub(crate) from: Station,
    pub(crate) source: Mac,
    pub(crate) destination: Mac,
    /// An IEEE 802.1Q tag.
    pub(crate) tag: Option<u16>,
    pub(crate) content: Content,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) enum Content {
    Ip(Ip),
    Arp {
        is_reply: bool,
        sender: Mac,
        source: IpAddr,
        target: IpAddr,
    },
    Rarp {
        subject: Mac,
    },
    /// Nothing but an ethertype.
    Other(u16),
}

/// An IP packet; both addresses are of one family.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Ip {
    pub(crate) source: IpAddr,
    pub(crate) destination: IpAddr,
    /// In IPv6: destination options stand before what it carries.
    pub(crate) has_options: bool,
    pub(crate) carries: Carries,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) enum Carries {
    Udp(u16, u16),
    /// The first segment of a connection, or the answer to it.
    Tcp {
        ports: (u16, u16),
        is_answer: bool,
    },
    /// SCTP, DCCP or UDP-Lite.
    Ports(u8, u16, u16),
    /// ICMP in IPv4, `ICMPv6` in IPv6.
    Icmp {
        kind: u8,
        code: u8,
        /// Of an echo and the like.
        id: u16,
        /// Of a neighbour solicitation or advertisement.
        target: Option<IpAddr>,
        /// Of an error: the packet that it is about.
        about: Option<Box<Ip>>,
    },
    /// Any other protocol, by number.
    Other(u8),
}

impl Ip {
    pub(crate) fn family(&self) -> Family {
        Family::of(self.source)
    }

    /// The number of what it carries.
    pub(crate) fn protocol(&self) -> u8 {
        match self.carries {
            Carries::Udp(..) => 17,
            Carries::Tcp { .. } => 6,
            Carries::Icmp { .. } if self.family() == Family::V4 => 1,
            Carries::Icmp { .. } => 58,
            Carries::Ports(protocol, ..) | Carries::Other(protocol) => protocol,
        }
    }

    /// The type, where it is ICMP or `ICMPv6`.
    pub(crate) fn icmp(&self) -> Option<(u8, u8)> {
        match self.carries {
            Carries::Icmp { kind, code, .. } => Some((kind, code)),
            _ => None,
        }
    }

    /// Whether it is UDP from one port to another.
    pub(crate) fn is_udp(&self, ports: (u16, u16)) -> bool {
        matches!(self.carries, Carries::Udp(from, to) if (from, to) == ports)
    }

    /// What the other end would answer; `None` if that is for nobody to know.
    pub(crate) fn answer(&self) -> Option<Self> {
        let carries = match &self.carries {
            Carries::Udp(from, to) => Carries::Udp(*to, *from),
            Carries::Tcp {
                ports: (from, to), ..
            } => Carries::Tcp {
                ports: (*to, *from),
                is_answer: true,
            },
            Carries::Icmp { kind, code, id, .. } => Carries::Icmp {
                kind: answer_to(self.family(), *kind)?,
                code: *code,
                id: *id,
                target: None,
                about: None,
            },
            Carries::Other(protocol) => Carries::Other(*protocol),
            Carries::Ports(..) => return None,
        };
        Some(self.back(carries))
    }

    /// What the other end would say if nobody listened there; `None` as above.
    pub(crate) fn refusal(&self) -> Option<Self> {
        if matches!(self.carries, Carries::Ports(..)) {
            return None;
        }
        let (kind, code) = match self.family() {
            Family::V4 => (3, 3),
            Family::V6 => (1, 4),
        };
        Some(self.back(Carries::Icmp {
            kind,
            code,
            id: 0,
            target: None,
            about: Some(Box::new(self.clone())),
        }))
    }

    fn back(&self, carries: Carries) -> Self {
        Self {
            source: self.destination,
            destination: self.source,
            has_options: false,
            carries,
        }
    }
}

/// The type that answers a type.
pub(crate) fn answer_to(family: Family, kind: u8) -> Option<u8> {
    match (family, kind) {
        (Family::V4, 8) => Some(0),
        (Family::V4, 13 | 15 | 17) => Some(kind + 1),
        (Family::V6, 128) => Some(129),
        _ => None,
    }
}
