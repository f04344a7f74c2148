//! One line of a chain as a value.

use std::collections::BTreeSet;
use std::num::NonZeroU8;

use ipnet::IpNet;

use crate::model::{IcmpMatch, IfName, MacAddr, PortProtocol, PortRange, Zone};

use super::{ChainName, Comment, SetName};

/// One line of a chain, without `-A CHAIN`.
///
/// The grammar is closed: it holds the lines that Neutron's rules are made of and nothing else,
/// no negation, no wildcard. A line that does not fit is somebody else's. Its text
/// ([`Display`](std::fmt::Display)) is what `iptables-save` prints, and
/// [`FromStr`](std::str::FromStr) reads that back.
///
/// Rules are ordered so that the lines of shared chains sort by device, packets to it first: the
/// order in which Neutron writes them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Rule {
    pub(super) source: Option<IpNet>,
    pub(super) destination: Option<IpNet>,
    pub(super) in_interface: Option<IfName>,
    pub(super) out_interface: Option<IfName>,
    pub(super) protocol: Option<ProtocolNumber>,
    pub(super) matches: Vec<Match>,
    pub(super) target: Target,
}

/// A protocol's number. Zero is not one: iptables reads it as every protocol.
pub type ProtocolNumber = NonZeroU8;

/// What `-m` adds to a rule. All must fit, in the order written.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Match {
    /// `-m physdev`: the bridge port that a frame came from or goes to.
    Physdev(Physdev),
    /// `-m mac --mac-source`.
    Mac(MacAddr),
    /// `-m state --state`.
    State(CtStates),
    /// `-m conntrack --ctstate`.
    Conntrack(CtStates),
    /// `-m tcp`, `-m udp`, `-m sctp`, `-m dccp`; there is no module for UDP-Lite.
    Ports {
        /// The protocol, which is also the module's name.
        protocol: PortProtocol,
        /// The source port.
        source: Option<PortRange>,
        /// The destination port.
        destination: Option<PortRange>,
    },
    /// `-m multiport --dports`, one range: Neutron's way to write ranges.
    Multiport(PortRange),
    /// `-m icmp --icmp-type`. Type 255 is iptables' word for any type, so it never stands here.
    Icmp(IcmpMatch),
    /// `-m icmp6 --icmpv6-type`.
    Icmpv6(IcmpMatch),
    /// `-m set --match-set NAME src|dst`.
    Set(SetName, SetSide),
    /// `-m addrtype --dst-type LOCAL`: to an address of the host.
    ToLocal,
    /// `-m comment --comment`.
    Comment(Comment),
}

/// A match on one bridge port.
///
/// The field order makes the order of rules: by device, out of the host before into it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Physdev {
    /// The bridge port.
    pub device: IfName,
    /// Which way.
    pub side: Side,
    /// Only packets that are bridged, not routed (`--physdev-is-bridged`).
    pub is_bridged: bool,
}

/// Which way a packet crosses a bridge port.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Side {
    /// Out of the bridge, to the VM (`--physdev-out`).
    Out,
    /// Into the bridge, from the VM (`--physdev-in`).
    In,
}

/// States of connection tracking, at least one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CtStates(BTreeSet<CtState>);

/// A state of connection tracking, in the order in which `iptables-save` prints them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CtState {
    /// Fits no connection.
    Invalid,
    /// Begins a connection.
    New,
    /// Begins a connection that belongs to another, or is an error about one.
    Related,
    /// Belongs to a connection that has seen packets both ways.
    Established,
    /// Is not tracked.
    Untracked,
}

/// Which address of a packet is looked up in a set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SetSide {
    /// The source.
    Src,
    /// The destination.
    Dst,
}

/// What a rule does with a packet that fits.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Target {
    /// `-j RETURN`: back to the chain that jumped here.
    Return,
    /// `-j DROP`.
    Drop,
    /// `-j ACCEPT`.
    Accept,
    /// `-j CT --zone N`.
    Zone(Zone),
    /// `-j CT --zone-orig N`: the zone of the direction that begins the connection.
    ZoneOrig(Zone),
    /// `-j CT --notrack`.
    Notrack,
    /// `-j CHAIN`.
    Jump(ChainName),
    /// `-g CHAIN`: a jump that does not come back here.
    Goto(ChainName),
}

impl Rule {
    /// A line for all packets.
    pub fn new(target: Target) -> Self {
        Self {
            source: None,
            destination: None,
            in_interface: None,
            out_interface: None,
            protocol: None,
            matches: Vec::new(),
            target,
        }
    }

    /// A jump of all packets to a chain.
    pub fn jump(chain: ChainName) -> Self {
        Self::new(Target::Jump(chain))
    }

    /// The same line from this source; a prefix of length 0 is no condition, and the kernel keeps
    /// none.
    #[must_use]
    pub fn from(self, source: impl Into<Option<IpNet>>) -> Self {
        let source = source.into().and_then(condition);
        Self { source, ..self }
    }

    /// The same line to this destination; a prefix of length 0 is no condition.
    #[must_use]
    pub fn to(self, destination: impl Into<Option<IpNet>>) -> Self {
        let destination = destination.into().and_then(condition);
        Self {
            destination,
            ..self
        }
    }

    /// The same line for packets that came in by this device.
    #[must_use]
    pub fn coming_in(self, device: IfName) -> Self {
        let in_interface = Some(device);
        Self {
            in_interface,
            ..self
        }
    }

    /// The same line for packets that go out by this device.
    #[must_use]
    pub fn going_out(self, device: IfName) -> Self {
        let out_interface = Some(device);
        Self {
            out_interface,
            ..self
        }
    }

    /// The same line for this protocol; `None` is every protocol.
    #[must_use]
    pub fn protocol(self, protocol: Option<ProtocolNumber>) -> Self {
        Self { protocol, ..self }
    }

    /// The same line with one more match, after those that it has.
    #[must_use]
    pub fn matching(mut self, one: Match) -> Self {
        self.matches.push(one);
        self
    }

    /// The same line with a comment, if there is one.
    #[must_use]
    pub fn comment(mut self, comment: Option<Comment>) -> Self {
        self.matches.extend(comment.map(Match::Comment));
        self
    }

    /// What the line does.
    pub fn target(&self) -> &Target {
        &self.target
    }

    /// The line's matches.
    pub fn matches(&self) -> &[Match] {
        &self.matches
    }

    /// Whether it lets packets pass without any other line.
    pub(super) fn accepts(&self) -> bool {
        self.target == Target::Accept
    }

    /// The device that packets came in by.
    pub fn in_interface(&self) -> Option<&IfName> {
        self.in_interface.as_ref()
    }
}

impl Target {
    /// The chain that this goes to.
    pub fn chain(&self) -> Option<&ChainName> {
        match self {
            Self::Jump(chain) | Self::Goto(chain) => Some(chain),
            _ => None,
        }
    }
}

impl CtStates {
    /// These states; `None` if there is none.
    pub fn new(states: impl IntoIterator<Item = CtState>) -> Option<Self> {
        let states: BTreeSet<_> = states.into_iter().collect();
        (!states.is_empty()).then_some(Self(states))
    }

    /// Packets of connections that were let through, and errors about them.
    pub(super) fn established() -> Self {
        Self([CtState::Related, CtState::Established].into())
    }

    /// Packets that fit no connection.
    pub(super) fn invalid() -> Self {
        Self([CtState::Invalid].into())
    }

    /// The states in their order.
    pub fn iter(&self) -> impl Iterator<Item = CtState> + '_ {
        self.0.iter().copied()
    }
}

impl CtState {
    /// All states.
    pub const ALL: [Self; 5] = [
        Self::Invalid,
        Self::New,
        Self::Related,
        Self::Established,
        Self::Untracked,
    ];
}

fn condition(prefix: IpNet) -> Option<IpNet> {
    (prefix.prefix_len() > 0).then(|| prefix.trunc())
}
