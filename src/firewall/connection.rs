//! Which connections a port's rules allow: for entries of connection tracking that outlive the rules
//! which let them in.
//!
//! It shares nothing with the chains: no clause, no order, no text. A connection is what its first
//! packet was, and that packet passes or not. Of what a port may do besides its groups' rules only
//! that is here which connection tracking follows; what is not here is forgotten, and begins anew.

use std::collections::BTreeSet;
use std::net::IpAddr;

use ipnet::IpNet;

use super::Membership;
use super::policy::Policy;
use crate::model::{
    Direction, Family, Port, PortProtocol, PortSecurity, Protocol, Remote, SecurityGroupRule,
};

mod judge;
#[cfg(test)]
mod tests;

pub use judge::{Changed, Judge};

const ICMP: u8 = 1;
const UDP: u8 = 17;
const ICMPV6: u8 = 58;
const ROUTER_ADVERTISEMENT: u8 = 134;

/// A connection, as its first packet was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Connection {
    /// Who began it.
    pub source: IpAddr,
    /// With whom.
    pub destination: IpAddr,
    /// What it carries.
    pub carries: Carries,
}

/// What a connection carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Carries {
    /// A protocol with ports, by IANA's number.
    Ports {
        /// The protocol.
        protocol: u8,
        /// The source port.
        source: u16,
        /// The destination port.
        destination: u16,
    },
    /// ICMP, or `ICMPv6` between IPv6 addresses.
    Icmp {
        /// The type.
        kind: u8,
        /// The code.
        code: u8,
    },
    /// Any other protocol.
    Other(u8),
}

/// Who a port is and what it may begin and take, for connections.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Admission {
    /// How much of it is checked: of nothing, it may do anything.
    security: PortSecurity,
    /// The addresses that are its own.
    own: BTreeSet<IpAddr>,
    /// What it may use besides; anything in here may as well be somebody else's.
    besides: BTreeSet<IpNet>,
    /// Whose DHCP replies reach it; `None` is anybody's.
    dhcp_servers: Option<BTreeSet<IpAddr>>,
    egress: Vec<Pass>,
    ingress: Vec<Pass>,
}

/// One rule, with the members that its group has.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Pass {
    family: Family,
    protocol: Protocol,
    /// `None` is anybody.
    remote: Option<BTreeSet<IpNet>>,
}

impl Admission {
    /// What this port may do, while its groups have these members.
    pub fn of(port: &Port, members: &Membership) -> Self {
        let mut own: BTreeSet<IpAddr> = port.fixed_ips.iter().copied().collect();
        if own.iter().any(IpAddr::is_ipv6) {
            own.insert(port.mac.eui64_link_local().into());
        }
        let sources = |family| {
            let sources = Policy::of(port, family).sources;
            // Only all of the guard keeps IPv6 from a port that has no address in it.
            let may_use_any = sources.is_empty()
                && family == Family::Ipv6
                && port.security == PortSecurity::Enabled;
            let sources = sources.into_iter().map(|source| source.ip);
            let any = may_use_any.then_some(None);
            sources
                .chain(any)
                .map(move |ip| ip.unwrap_or_else(|| everything(family)))
        };
        let besides = Family::BOTH.into_iter().flat_map(sources).collect();
        let passes = |direction| {
            let rules = port.security_groups.iter().flat_map(|group| &group.rules);
            let rules = rules.filter(|rule| rule.direction == direction);
            rules.map(|rule| Pass::of(rule, members)).collect()
        };
        Self {
            security: port.security,
            own,
            besides,
            dhcp_servers: port.dhcp_servers.clone(),
            egress: passes(Direction::Egress),
            ingress: passes(Direction::Ingress),
        }
    }

    fn owns(&self, address: IpAddr) -> bool {
        self.own.contains(&address) || self.may_use(address)
    }

    fn may_use(&self, address: IpAddr) -> bool {
        self.besides.iter().any(|net| net.contains(&address))
    }

    /// Whether it comes to a DHCP client, and from none of the servers that are the port's.
    fn is_strange_reply(&self, connection: &Connection) -> bool {
        let (client, _) = dhcp(Family::of(connection.source));
        let to_client = matches!(
            connection.carries,
            Carries::Ports { protocol: UDP, destination, .. } if destination == client
        );
        let servers = self.dhcp_servers.as_ref();
        to_client && servers.is_some_and(|servers| !servers.contains(&connection.source))
    }

    /// Whether the port, as this end of the connection, may have it.
    fn allows(&self, end: Direction, connection: &Connection) -> bool {
        let (this, other, rules) = match end {
            Direction::Egress => (connection.source, connection.destination, &self.egress),
            Direction::Ingress => (connection.destination, connection.source, &self.ingress),
        };
        if !self.security.is_filtered() {
            return true;
        }
        if !self.owns(this) || end == Direction::Ingress && self.is_strange_reply(connection) {
            return false;
        }
        let by_rules = || rules.iter().any(|pass| pass.fits(connection, other));
        self.by_itself(end, connection).unwrap_or_else(by_rules)
    }

    /// What every port may, and what none may, whatever its groups say. The rules drop what a DHCP
    /// server sends from its own port, the guard whatever goes to a client's.
    fn by_itself(&self, end: Direction, connection: &Connection) -> Option<bool> {
        let family = Family::of(connection.source);
        let (client, server) = dhcp(family);
        match connection.carries {
            Carries::Ports {
                protocol: UDP,
                source,
                destination,
            } => {
                let asks = (source, destination) == (client, server);
                let answers = (source, destination) == (server, client);
                let guarded = self.security == PortSecurity::Hardened && destination == client;
                match end {
                    Direction::Egress => (asks || answers || guarded).then_some(asks),
                    Direction::Ingress => answers.then_some(true),
                }
            }
            Carries::Icmp { kind, .. } if end == Direction::Egress && family == Family::Ipv6 => {
                Some(kind != ROUTER_ADVERTISEMENT)
            }
            _ => None,
        }
    }
}

/// The ports of DHCP's clients and servers.
fn dhcp(family: Family) -> (u16, u16) {
    match family {
        Family::Ipv4 => (68, 67),
        Family::Ipv6 => (546, 547),
    }
}

impl Pass {
    fn of(rule: &SecurityGroupRule, members: &Membership) -> Self {
        let remote = match &rule.remote {
            Remote::Any => None,
            Remote::Prefix(prefix) => Some([*prefix].into()),
            Remote::Group(group) => Some(members.of(group).iter().copied().collect()),
        };
        Self {
            family: rule.family,
            protocol: rule.protocol,
            remote,
        }
    }

    fn fits(&self, connection: &Connection, other: IpAddr) -> bool {
        let remote = self.remote.as_ref();
        self.family == Family::of(other)
            && remote.is_none_or(|nets| nets.iter().any(|net| net.contains(&other)))
            && carries(self.protocol, connection.carries, self.family)
    }
}

fn carries(wanted: Protocol, carried: Carries, family: Family) -> bool {
    match (wanted, carried) {
        (Protocol::Any, _) | (Protocol::Icmp(None), Carries::Icmp { .. }) => true,
        (Protocol::Icmp(Some(wanted)), Carries::Icmp { kind, code }) => {
            wanted.kind == kind && wanted.code.is_none_or(|wanted| wanted == code)
        }
        (
            Protocol::Ports(wanted, range),
            Carries::Ports {
                protocol,
                destination,
                ..
            },
        ) => {
            let within = |range: crate::model::PortRange| {
                (range.first()..=range.last()).contains(&destination)
            };
            number(wanted) == protocol && range.is_none_or(within)
        }
        (Protocol::Number(wanted), carried) => {
            wanted
                == match carried {
                    Carries::Ports { protocol, .. } | Carries::Other(protocol) => protocol,
                    Carries::Icmp { .. } => match family {
                        Family::Ipv4 => ICMP,
                        Family::Ipv6 => ICMPV6,
                    },
                }
        }
        _ => false,
    }
}

fn number(protocol: PortProtocol) -> u8 {
    match protocol {
        PortProtocol::Tcp => 6,
        PortProtocol::Udp => UDP,
        PortProtocol::Sctp => 132,
        PortProtocol::Dccp => 33,
        PortProtocol::Udplite => 136,
    }
}

fn everything(family: Family) -> IpNet {
    match family {
        Family::Ipv4 => IpNet::V4(ipnet::Ipv4Net::default()),
        Family::Ipv6 => IpNet::V6(ipnet::Ipv6Net::default()),
    }
}
