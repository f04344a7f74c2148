//! What a rule matches above the address: protocol, ports, ICMP type.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What a security group rule matches above the address.
///
/// Ports exist only where the protocol has ports, an ICMP type only with ICMP: Neutron had a host
/// lose all rules over one rule with ports on a protocol without (CVE-2019-9735).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Protocol {
    /// Every protocol.
    Any,
    /// ICMP in an IPv4 rule, `ICMPv6` in an IPv6 rule: all types, or one.
    Icmp(Option<IcmpMatch>),
    /// A protocol with ports: all of them, one, or a range of destination ports.
    Ports(PortProtocol, Option<PortRange>),
    /// Any other protocol, by IANA's number.
    Number(u8),
}

/// The transport protocols whose destination port a rule can match.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PortProtocol {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
    /// SCTP.
    Sctp,
    /// DCCP.
    Dccp,
    /// UDP-Lite.
    Udplite,
}

impl PortProtocol {
    /// The name that `iptables-save` writes and `/etc/protocols` has.
    pub fn name(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
            Self::Sctp => "sctp",
            Self::Dccp => "dccp",
            Self::Udplite => "udplite",
        }
    }
}

impl fmt::Display for PortProtocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// An ICMP or `ICMPv6` type, with or without a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct IcmpMatch {
    /// The type.
    pub kind: u8,
    /// The code; `None` matches all codes of the type.
    pub code: Option<u8>,
}

/// Destination ports from `first` to `last`, both included; one port where they are equal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "(u16, u16)", into = "(u16, u16)")]
pub struct PortRange {
    first: u16,
    last: u16,
}

/// Two numbers that are not a range of ports.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PortRangeError {
    /// The last port is before the first.
    #[error("port range {0}-{1} is reversed; write {1}-{0}")]
    Reversed(u16, u16),
    /// Port 0 is never on the wire.
    #[error("port 0 does not exist; ports are 1 to 65535")]
    Zero,
}

impl PortRange {
    /// The ports from `first` to `last`.
    ///
    /// # Errors
    /// [`PortRangeError`] if reversed or with port 0.
    pub fn new(first: u16, last: u16) -> Result<Self, PortRangeError> {
        match (first, last) {
            (0, _) | (_, 0) => Err(PortRangeError::Zero),
            _ if first > last => Err(PortRangeError::Reversed(first, last)),
            _ => Ok(Self { first, last }),
        }
    }

    /// The lowest port.
    pub fn first(self) -> u16 {
        self.first
    }

    /// The highest port.
    pub fn last(self) -> u16 {
        self.last
    }
}

impl TryFrom<(u16, u16)> for PortRange {
    type Error = PortRangeError;

    fn try_from((first, last): (u16, u16)) -> Result<Self, Self::Error> {
        Self::new(first, last)
    }
}

impl From<PortRange> for (u16, u16) {
    fn from(range: PortRange) -> Self {
        (range.first, range.last)
    }
}
