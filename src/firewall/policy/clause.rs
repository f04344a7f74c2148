//! One line of a policy: which packets, what becomes of them, and why.

use ipnet::IpNet;

use crate::model::Protocol;

/// One line of a policy. It applies to packets that fit all of its fields.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clause {
    /// The packet's source; `None` is any.
    pub source: Option<IpNet>,
    /// The packet's destination; `None` is any.
    pub destination: Option<IpNet>,
    /// Who one of its ends must be besides; `None` is anybody.
    pub member: Option<Member>,
    /// What the packet carries.
    pub traffic: Traffic,
    /// What becomes of it.
    pub verdict: Verdict,
    /// Why the line is there.
    pub reason: Reason,
}

/// An end of a packet that is a member of a security group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Which end.
    pub end: End,
    /// The name of the group.
    pub group: String,
}

/// One of the two ends of a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// Where it comes from.
    Source,
    /// Where it goes to.
    Destination,
}

/// What a packet carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Traffic {
    /// Anything.
    Any,
    /// A protocol, as a security group's rule names it.
    Protocol(Protocol),
    /// UDP from one port to another.
    Udp {
        /// The source port.
        source: u16,
        /// The destination port.
        destination: u16,
    },
    /// Anything in this state of connection tracking.
    State(State),
}

/// What connection tracking says about a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It belongs to a connection that was let through, or is an error about one.
    Established,
    /// It fits no connection and cannot begin one.
    Invalid,
}

/// What becomes of a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It passes this port. On the way to another port of this host it must pass that one too.
    Pass,
    /// It is dropped.
    Drop,
    /// It is dropped unless one of the port's [sources](super::Source) fits, else the next line
    /// decides.
    CheckSource,
    /// Nothing allowed it: it is dropped.
    Unmatched,
}

/// Why a line is there. A backend may write it as the rule's comment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// The VM needs it to resolve neighbours and to take part in multicast.
    NeighbourDiscovery,
    /// The VM needs it to configure its addresses: a router's advertisement or a DHCP reply.
    Configuration,
    /// The connection was let through.
    Established,
    /// A rule of a security group.
    Group,
    /// Connection tracking knows no connection for it.
    Invalid,
    /// Nothing allowed it.
    Unmatched,
    /// The VM asks for an address.
    DhcpClient,
    /// The VM plays the DHCP server.
    DhcpServer,
    /// `ICMPv6` that a host sends.
    Icmpv6,
    /// The VM plays the router.
    RouterAdvertisement,
    /// The VM may use only its own addresses.
    SourceCheck,
}

impl Clause {
    /// A line for all packets.
    pub(super) fn new(verdict: Verdict, reason: Reason) -> Self {
        Self {
            source: None,
            destination: None,
            member: None,
            traffic: Traffic::Any,
            verdict,
            reason,
        }
    }

    /// The same line for this traffic only.
    pub(super) fn carrying(self, traffic: Traffic) -> Self {
        Self { traffic, ..self }
    }

    /// The same line with this prefix at one end only.
    pub(crate) fn at(self, end: End, prefix: IpNet) -> Self {
        match end {
            End::Source => self.from(prefix),
            End::Destination => self.to(prefix),
        }
    }

    /// The same line from this source only; a prefix of length 0 is any.
    pub(super) fn from(self, source: IpNet) -> Self {
        let source = (source.prefix_len() > 0).then_some(source);
        Self { source, ..self }
    }

    /// The same line to this destination only; a prefix of length 0 is any.
    pub(super) fn to(self, destination: IpNet) -> Self {
        let destination = (destination.prefix_len() > 0).then_some(destination);
        Self {
            destination,
            ..self
        }
    }
}
