//! The policy of one port in one family.

use ipnet::IpNet;

use crate::model::{Direction, Family, IcmpMatch, Port, Protocol};

use super::sources::sources;
use super::{Clause, Reason, Source, State, Traffic, Verdict, group_rules};

/// What a port may receive and send in one family. The first line that fits decides, and the
/// last line of each list fits everything and drops.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// Packets to the VM.
    pub ingress: Vec<Clause>,
    /// Packets from the VM.
    pub egress: Vec<Clause>,
    /// What [`Verdict::CheckSource`] lets through. Empty: `egress` has no such line.
    pub sources: Vec<Source>,
}

impl Policy {
    /// The policy of this port.
    pub fn of(port: &Port, family: Family) -> Self {
        let sources = sources(port, family);
        let rules = |direction| group_rules::clauses(port, direction, family);
        let mut ingress = match family {
            Family::Ipv4 => ingress_v4(port),
            Family::Ipv6 => ingress_v6(port),
        };
        ingress.extend(rules(Direction::Ingress));
        ingress.extend(closing(port));
        let mut egress = without_address(family);
        if !sources.is_empty() {
            egress.push(Clause::new(Verdict::CheckSource, Reason::SourceCheck));
        }
        egress.extend(with_address(family));
        egress.extend(established(port));
        egress.extend(rules(Direction::Egress));
        egress.extend(closing(port));
        Self {
            ingress,
            egress,
            sources,
        }
    }
}

/// The first lines to a VM: its connections, and DHCP replies to each of its addresses and to
/// everybody.
///
/// A port without fixed address gets them at whatever address the server offers (listed
/// difference 6: Neutron lets only broadcast replies through, and most servers send unicast).
fn ingress_v4(port: &Port) -> Vec<Clause> {
    let reply = |to: Option<IpNet>| {
        let clause = Clause::new(Verdict::Pass, Reason::Configuration).carrying(udp(67, 68));
        to.into_iter().fold(clause, Clause::to)
    };
    let mut clauses: Vec<_> = established(port).into_iter().collect();
    if port.fixed_ips.is_empty() {
        clauses.push(reply(None));
    } else {
        let own = port.fixed_ips_of(Family::Ipv4).map(IpNet::from);
        let everybody = net([255; 4].into(), 32);
        clauses.extend(own.chain([everybody]).map(|to| reply(Some(to))));
    }
    clauses
}

/// The first lines to a VM: multicast listener queries, neighbour solicitations and
/// advertisements (`ICMPv6` 130, 135, 136), its connections, router advertisements (134) if it
/// has an IPv6 address, and `DHCPv6` replies.
fn ingress_v6(port: &Port) -> Vec<Clause> {
    let discovery = |kind| pass_icmpv6(kind, Reason::NeighbourDiscovery);
    let mut clauses: Vec<_> = [130, 135, 136].map(discovery).into();
    clauses.extend(established(port));
    let own: Vec<_> = port.fixed_ips_of(Family::Ipv6).map(IpNet::from).collect();
    if !own.is_empty() {
        clauses.push(pass_icmpv6(134, Reason::Configuration));
    }
    let reply = Clause::new(Verdict::Pass, Reason::Configuration).carrying(udp(547, 546));
    let link_local = net([0xfe80, 0, 0, 0, 0, 0, 0, 0].into(), 64);
    let to = own.into_iter().chain([link_local]);
    clauses.extend(to.map(|to| reply.clone().to(to)));
    clauses
}

/// What a VM may send before it has an address: a DHCP request; reports to multicast routers and
/// duplicate address detection (`ICMPv6` 131, 143 and 135 from `::` to multicast, RFC 4862).
fn without_address(family: Family) -> Vec<Clause> {
    match family {
        Family::Ipv4 => vec![
            Clause::new(Verdict::Pass, Reason::DhcpClient)
                .carrying(udp(68, 67))
                .from(net([0; 4].into(), 32))
                .to(net([255; 4].into(), 32)),
        ],
        Family::Ipv6 => [131, 135, 143]
            .map(|kind| {
                pass_icmpv6(kind, Reason::Icmpv6)
                    .from(net([0_u16; 8].into(), 128))
                    .to(net([0xff02, 0, 0, 0, 0, 0, 0, 0].into(), 16))
            })
            .into(),
    }
}

/// What a VM may and may not send whatever its groups say: it is a DHCP client, never a DHCP
/// server and never a router.
fn with_address(family: Family) -> Vec<Clause> {
    let (mut clauses, client, server) = match family {
        Family::Ipv4 => (Vec::new(), 68, 67),
        Family::Ipv6 => (icmpv6_of_a_host(), 546, 547),
    };
    clauses.push(Clause::new(Verdict::Pass, Reason::DhcpClient).carrying(udp(client, server)));
    clauses.push(Clause::new(Verdict::Drop, Reason::DhcpServer).carrying(udp(server, client)));
    clauses
}

fn icmpv6_of_a_host() -> Vec<Clause> {
    let all = Traffic::Protocol(Protocol::Icmp(None));
    vec![
        Clause::new(Verdict::Drop, Reason::RouterAdvertisement).carrying(icmpv6(134)),
        Clause::new(Verdict::Pass, Reason::Icmpv6).carrying(all),
    ]
}

/// What was let through goes on; a stateless port's packets are not looked up (listed difference 5).
fn established(port: &Port) -> Option<Clause> {
    let clause = Clause::new(Verdict::Pass, Reason::Established);
    let clause = clause.carrying(Traffic::State(State::Established));
    (!port.is_stateless()).then_some(clause)
}

fn closing(port: &Port) -> impl Iterator<Item = Clause> {
    let invalid = Clause::new(Verdict::Drop, Reason::Invalid);
    let invalid = invalid.carrying(Traffic::State(State::Invalid));
    let unmatched = Clause::new(Verdict::Unmatched, Reason::Unmatched);
    (!port.is_stateless())
        .then_some(invalid)
        .into_iter()
        .chain([unmatched])
}

fn pass_icmpv6(kind: u8, reason: Reason) -> Clause {
    Clause::new(Verdict::Pass, reason).carrying(icmpv6(kind))
}

fn icmpv6(kind: u8) -> Traffic {
    let code = None;
    Traffic::Protocol(Protocol::Icmp(Some(IcmpMatch { kind, code })))
}

fn udp(source: u16, destination: u16) -> Traffic {
    Traffic::Udp {
        source,
        destination,
    }
}

fn net(address: std::net::IpAddr, length: u8) -> IpNet {
    IpNet::new(address, length).expect("the length is one that the family has")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::SecurityGroup;

    fn port(fixed_ips: &[&str]) -> Port {
        Port {
            network: "lab".parse().unwrap(),
            mac: "fa:16:3e:be:71:21".parse().unwrap(),
            tap: None,
            target: None,
            fixed_ips: fixed_ips.iter().map(|ip| ip.parse().unwrap()).collect(),
            allowed_address_pairs: Vec::new(),
            security_groups: Vec::new(),
            ipv6_addresses: crate::model::Ipv6Addresses::default(),
            dhcp_servers: None,
            remote_groups: Vec::new(),
            security: crate::model::PortSecurity::default(),
        }
    }

    #[test]
    fn ends_in_a_drop_whatever_the_port_is() {
        for fixed_ips in [&[][..], &["192.0.2.1"], &["2001:db8::1"]] {
            for family in Family::BOTH {
                let policy = Policy::of(&port(fixed_ips), family);
                let last = Some(Clause::new(Verdict::Unmatched, Reason::Unmatched));
                assert_eq!(policy.ingress.last(), last.as_ref());
                assert_eq!(policy.egress.last(), last.as_ref());
            }
        }
    }

    #[test]
    fn checks_sources_only_in_the_families_of_its_addresses() {
        let checks = |fixed_ips: &[&str], family| {
            let policy = Policy::of(&port(fixed_ips), family);
            let check = Clause::new(Verdict::CheckSource, Reason::SourceCheck);
            assert_eq!(policy.egress.contains(&check), !policy.sources.is_empty());
            !policy.sources.is_empty()
        };
        assert!(checks(&["192.0.2.1"], Family::Ipv4));
        assert!(!checks(&["192.0.2.1"], Family::Ipv6));
        assert!(checks(&[], Family::Ipv4) && checks(&[], Family::Ipv6));
    }

    #[test]
    fn asks_connection_tracking_nothing_about_a_stateless_port() {
        let group = SecurityGroup {
            stateless: true,
            ..SecurityGroup::builtin_default()
        };
        let empty = SecurityGroup {
            rules: Vec::new(),
            ..group.clone()
        };
        let asks = |groups: &[&SecurityGroup]| {
            let port = Port {
                security_groups: groups.iter().copied().cloned().collect(),
                ..port(&["192.0.2.1"])
            };
            let policy = Policy::of(&port, Family::Ipv4);
            let is_state = |clause: &Clause| matches!(clause.traffic, Traffic::State(_));
            policy.ingress.iter().chain(&policy.egress).any(is_state)
        };
        let stateful = SecurityGroup::builtin_default();
        assert!(!asks(&[&group]) && !asks(&[&group, &stateful]));
        assert!(asks(&[&stateful, &group]), "the first group decides");
        assert!(asks(&[&empty, &group]), "one without rules says nothing");
    }

    #[test]
    fn gives_a_port_without_address_its_dhcp_replies_by_unicast() {
        let policy = Policy::of(&port(&[]), Family::Ipv4);
        let anywhere = Clause::new(Verdict::Pass, Reason::Configuration).carrying(udp(67, 68));
        assert!(policy.ingress.contains(&anywhere));
    }
}
