//! A rule's protocol, by name or number.

use super::error::Checked;
use super::hint::nearest;
use super::value::Value;
use crate::model::{Family, IcmpMatch, PortProtocol, PortRange, Protocol};

/// IANA's number of a protocol; 0 stands for all, as in Neutron.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ProtocolNumber(u8);

/// Neutron's names (`neutron_lib.constants.IP_PROTOCOL_MAP`).
///
/// `ipip` is 4 here as there; `/etc/protocols` calls that `ipencap` and means 94 by `ipip`.
const NAMES: [(&str, u8); 24] = [
    ("any", 0),
    ("icmp", 1),
    ("igmp", 2),
    ("ipip", 4),
    ("tcp", 6),
    ("egp", 8),
    ("udp", 17),
    ("dccp", 33),
    ("ipv6-encap", 41),
    ("ipv6-route", 43),
    ("ipv6-frag", 44),
    ("rsvp", 46),
    ("gre", 47),
    ("esp", 50),
    ("ah", 51),
    ("ipv6-icmp", 58),
    ("icmpv6", 58),
    ("ipv6-nonxt", 59),
    ("ipv6-opts", 60),
    ("ospf", 89),
    ("vrrp", 112),
    ("pgm", 113),
    ("sctp", 132),
    ("udplite", 136),
];

/// Neutron refuses these with IPv4 (`_validate_ethertype_and_protocol`).
const IPV6_ONLY: [u8; 6] = [41, 43, 44, 58, 59, 60];

impl ProtocolNumber {
    /// A name, a number, or a number in quotes.
    pub(super) fn read(value: &Value<'_>) -> Checked<Self> {
        let Ok(text) = value.string() else {
            return value.integer(0..=255).map(Self);
        };
        let name = text.to_ascii_lowercase();
        if let Some((_, number)) = NAMES.iter().find(|(known, _)| *known == name) {
            return Ok(Self(*number));
        }
        if let Ok(number) = text.parse() {
            return Ok(Self(number));
        }
        let hint = nearest(&name, NAMES.map(|(name, _)| name));
        let message =
            format!("{text:?} is neither a protocol's name nor a number from 0 to 255{hint}");
        Err(value.error(message).into())
    }

    /// The family that the protocol alone decides.
    ///
    /// `icmp` decides IPv4 only where nothing else decides: in an IPv6 rule it is `ICMPv6`.
    pub(super) fn decides(self) -> Option<Family> {
        match self.0 {
            1 => Some(Family::Ipv4),
            _ if self.only_ipv6() => Some(Family::Ipv6),
            _ => None,
        }
    }

    /// It makes no sense in IPv4.
    pub(super) fn only_ipv6(self) -> bool {
        IPV6_ONLY.contains(&self.0)
    }

    /// It is ICMP in one of its families, and so has types.
    pub(super) fn has_types(self) -> bool {
        matches!(self.0, 1 | 58)
    }

    /// It has ports.
    pub(super) fn has_ports(self) -> bool {
        self.port_protocol().is_some()
    }

    fn port_protocol(self) -> Option<PortProtocol> {
        match self.0 {
            6 => Some(PortProtocol::Tcp),
            17 => Some(PortProtocol::Udp),
            33 => Some(PortProtocol::Dccp),
            132 => Some(PortProtocol::Sctp),
            136 => Some(PortProtocol::Udplite),
            _ => None,
        }
    }

    /// What a rule matches: each protocol has one spelling in the model, named or numbered.
    pub(super) fn matching(self, ports: Option<PortRange>, icmp: Option<IcmpMatch>) -> Protocol {
        match (self.0, self.port_protocol()) {
            (0, _) => Protocol::Any,
            (1 | 58, _) => Protocol::Icmp(icmp),
            (_, Some(protocol)) => Protocol::Ports(protocol, ports),
            (number, None) => Protocol::Number(number),
        }
    }
}
