//! A rule's protocol, by name or number.

use super::error::Checked;
use super::hint::nearest;
use super::value::Value;
use crate::model::{Family, IcmpMatch, PortProtocol, PortRange, Protocol};

/// IANA's number of a protocol; 0 stands for all, as in Neutron.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ProtocolNumber {
    number: u8,
    /// It was written as a name.
    named: bool,
}

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

/// What these are in IPv6 alone. Neutron refuses their names with IPv4
/// (`_validate_ethertype_and_protocol`); their numbers it takes, for 41 in IPv4 is a 6in4 tunnel.
const IPV6_ONLY: [u8; 6] = [41, 43, 44, ICMPV6, 59, 60];

/// With IPv4 refused by number too: in our model the rule would be one for ICMP.
const ICMPV6: u8 = 58;

impl ProtocolNumber {
    /// A name, a number, or a number in quotes.
    pub(super) fn read(value: &Value<'_>) -> Checked<Self> {
        let Ok(text) = value.string() else {
            return value.integer(0..=255).map(Self::numbered);
        };
        let name = text.to_ascii_lowercase();
        if let Some((_, number)) = NAMES.iter().find(|(known, _)| *known == name) {
            return Ok(Self {
                number: *number,
                named: true,
            });
        }
        if let Ok(number) = text.parse() {
            return Ok(Self::numbered(number));
        }
        let hint = match name.as_str() {
            "all" => "; did you mean \"any\"?".to_owned(),
            "icmpv4" | "icmp4" | "ipv4-icmp" => "; did you mean \"icmp\"?".to_owned(),
            name => nearest(name, NAMES.map(|(name, _)| name)),
        };
        let message =
            format!("{text:?} is neither a protocol's name nor a number from 0 to 255{hint}");
        Err(value.error(message).into())
    }

    fn numbered(number: u8) -> Self {
        Self {
            number,
            named: false,
        }
    }

    /// The family that the protocol alone decides.
    ///
    /// `icmp` decides IPv4 only where nothing else decides: in an IPv6 rule it is `ICMPv6`.
    pub(super) fn decides(self) -> Option<Family> {
        match self.number {
            1 => Some(Family::Ipv4),
            number if IPV6_ONLY.contains(&number) => Some(Family::Ipv6),
            _ => None,
        }
    }

    /// It makes no sense in IPv4.
    pub(super) fn only_ipv6(self) -> bool {
        self.number == ICMPV6 || self.named && IPV6_ONLY.contains(&self.number)
    }

    /// It is ICMP in one of its families, and so has types.
    pub(super) fn has_types(self) -> bool {
        matches!(self.number, 1 | 58)
    }

    /// It is all of them.
    pub(super) fn is_any(self) -> bool {
        self.number == 0
    }

    /// It has ports.
    pub(super) fn has_ports(self) -> bool {
        self.port_protocol().is_some()
    }

    fn port_protocol(self) -> Option<PortProtocol> {
        match self.number {
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
        match (self.number, self.port_protocol()) {
            (0, _) => Protocol::Any,
            (1 | 58, _) => Protocol::Icmp(icmp),
            (_, Some(protocol)) => Protocol::Ports(protocol, ports),
            (number, None) => Protocol::Number(number),
        }
    }
}
