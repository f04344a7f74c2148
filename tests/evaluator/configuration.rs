//! A configuration as a value of the test's own, and the TOML that says the same.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

mod toml;

pub(crate) use toml::{bridge, vni};

/// The group that is there without being defined.
pub(crate) const DEFAULT: &str = "default";

/// Everything that decides about a packet.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Configuration {
    pub(crate) ipset: bool,
    pub(crate) comments: bool,
    /// `hardened`, where it is written; so for a network and a port.
    #[serde(default)]
    pub(crate) hardened: Option<bool>,
    pub(crate) networks: Vec<Network>,
    pub(crate) address_groups: Vec<AddressGroup>,
    pub(crate) groups: Vec<Group>,
    /// Each is a machine that runs.
    pub(crate) ports: Vec<Port>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Network {
    pub(crate) ipv6_addresses: Ipv6Addresses,
    /// `security_groups`, where it is written.
    pub(crate) groups: Option<Vec<String>>,
    /// `dhcp_servers`, where it is written.
    pub(crate) dhcp_servers: Option<Vec<IpAddr>>,
    #[serde(default)]
    pub(crate) hardened: Option<bool>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Ipv6Addresses {
    Listed,
    LinkLocal,
    Prefix,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct AddressGroup {
    pub(crate) name: String,
    pub(crate) addresses: Vec<IpNet>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Group {
    pub(crate) name: String,
    pub(crate) id: Option<String>,
    pub(crate) members: Vec<IpNet>,
    pub(crate) stateful: bool,
    pub(crate) ingress: Vec<Rule>,
    pub(crate) egress: Vec<Rule>,
}

/// A rule as written: `None` is a key that is left out, and a rule without any key is `any`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Rule {
    pub(crate) ethertype: Option<Family>,
    pub(crate) protocol: Option<Protocol>,
    pub(crate) ports: Option<(u16, u16)>,
    pub(crate) icmp: Option<(u8, Option<u8>)>,
    pub(crate) remote: Option<Remote>,
    pub(crate) description: Option<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) enum Protocol {
    Name(String),
    Number(u8),
    Quoted(u8),
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) enum Remote {
    Prefix(IpNet),
    Group(String),
    AddressGroup(String),
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Port {
    /// Which of the networks.
    pub(crate) network: usize,
    pub(crate) mac: Mac,
    pub(crate) tap: String,
    pub(crate) fixed_ips: Vec<IpAddr>,
    /// `allowed_address_pairs`; no MAC address is the port's own.
    pub(crate) pairs: Vec<(IpNet, Option<Mac>)>,
    /// `security_groups`, where it is written.
    pub(crate) groups: Option<Vec<String>>,
    #[serde(default)]
    pub(crate) hardened: Option<bool>,
    /// `port_security`, where it is written.
    #[serde(default)]
    pub(crate) security: Option<bool>,
    #[serde(default)]
    pub(crate) trusted: Option<bool>,
    #[serde(default)]
    pub(crate) device_owner: Option<String>,
}

/// How much of a port is checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Checked {
    Nothing,
    /// Its groups, and what Neutron's own layer 2 rules look at.
    AsNeutron,
    All,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) enum Family {
    V4,
    V6,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Direction {
    Ingress,
    Egress,
}

/// An Ethernet address.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Mac(pub(crate) [u8; 6]);

/// The names of `neutron_lib.constants.IP_PROTOCOL_MAP`.
pub(crate) const PROTOCOLS: [(&str, u8); 24] = [
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

impl Family {
    pub(crate) const BOTH: [Self; 2] = [Self::V4, Self::V6];

    pub(crate) fn of(address: IpAddr) -> Self {
        if address.is_ipv4() {
            Self::V4
        } else {
            Self::V6
        }
    }
}

impl Mac {
    /// Of a group of stations, or of all.
    pub(crate) fn is_group(self) -> bool {
        self.0[0] & 1 == 1
    }

    /// The link-local address that a host makes of it (RFC 4291, appendix A).
    pub(crate) fn link_local(self) -> Ipv6Addr {
        let [first, rest @ ..] = self.0;
        let [vendor, model, device @ ..] = rest;
        let mut octets = [0; 16];
        octets[..2].copy_from_slice(&[0xfe, 0x80]);
        octets[8..].copy_from_slice(&[
            first ^ 2,
            vendor,
            model,
            0xff,
            0xfe,
            device[0],
            device[1],
            device[2],
        ]);
        octets.into()
    }
}

impl fmt::Display for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let octets = self.0.map(|octet| format!("{octet:02x}"));
        f.write_str(&octets.join(":"))
    }
}

impl fmt::Debug for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl Protocol {
    pub(crate) fn number(&self) -> u8 {
        match self {
            Self::Name(name) => {
                let known = PROTOCOLS.iter().find(|(known, _)| known == name);
                known.expect("generated names are Neutron's").1
            }
            Self::Number(number) | Self::Quoted(number) => *number,
        }
    }

    /// Nothing but IPv6 knows it.
    fn is_ipv6s(&self) -> bool {
        [41, 43, 44, 58, 59, 60].contains(&self.number())
    }

    /// A rule for IPv4 may not name it.
    pub(crate) fn is_refused_in_ipv4(&self) -> bool {
        self.is_ipv6s() && (self.number() == 58 || matches!(self, Self::Name(_)))
    }
}

impl Rule {
    /// As written; else as the address says; else as the protocol says; else both.
    pub(crate) fn families(&self) -> Vec<Family> {
        let of_remote = match &self.remote {
            Some(Remote::Prefix(prefix)) => Some(Family::of(prefix.addr())),
            _ => None,
        };
        let of_protocol = self.protocol.as_ref().and_then(|protocol| {
            let only_v4 = (protocol.number() == 1).then_some(Family::V4);
            only_v4.or(protocol.is_ipv6s().then_some(Family::V6))
        });
        match self.ethertype.or(of_remote).or(of_protocol) {
            Some(family) => vec![family],
            None => Family::BOTH.to_vec(),
        }
    }
}

impl Group {
    pub(crate) fn rules(&self, direction: Direction) -> &[Rule] {
        match direction {
            Direction::Ingress => &self.ingress,
            Direction::Egress => &self.egress,
        }
    }

    /// Neutron's: everything out, in from its own members.
    fn builtin() -> Self {
        let inside = Rule {
            remote: Some(Remote::Group(DEFAULT.to_owned())),
            ..Rule::default()
        };
        Self {
            name: DEFAULT.to_owned(),
            id: None,
            members: Vec::new(),
            stateful: true,
            ingress: vec![inside],
            egress: vec![Rule::default()],
        }
    }
}

impl Port {
    pub(crate) fn is_owned_by(&self, kind: &str) -> bool {
        let owner = self.device_owner.as_ref();
        owner.is_some_and(|owner| owner.starts_with(kind))
    }
}

impl Configuration {
    pub(crate) fn group(&self, name: &str) -> Group {
        let defined = self.groups.iter().find(|group| group.name == name);
        defined.cloned().unwrap_or_else(Group::builtin)
    }

    /// A port is trusted if it says so or the network's own service has it; that wins over
    /// `port_security`. Who is hardened the port says, else its network, else the host.
    pub(crate) fn checked(&self, port: &Port) -> Checked {
        let network = &self.networks[port.network];
        let trusted = port.trusted.unwrap_or_else(|| port.is_owned_by("network:"));
        let hardened = port.hardened.or(network.hardened).or(self.hardened);
        if trusted || port.security == Some(false) {
            Checked::Nothing
        } else if hardened == Some(false) {
            Checked::AsNeutron
        } else {
            Checked::All
        }
    }

    /// The names of a port's groups, in their order; of one that is not filtered, none.
    pub(crate) fn groups_of(&self, port: &Port) -> Vec<String> {
        if self.checked(port) == Checked::Nothing {
            return Vec::new();
        }
        let network = &self.networks[port.network];
        let groups = port.groups.as_ref().or(network.groups.as_ref());
        groups.cloned().unwrap_or_else(|| vec![DEFAULT.to_owned()])
    }
}
