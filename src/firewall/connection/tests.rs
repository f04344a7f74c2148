//! What is over and what goes on, entry by entry.

use super::*;
use crate::model::{
    AllowedAddressPair, IcmpMatch, Ipv6Addresses, PortRange, PortSecurity, SecurityGroup,
};

const OWN: &str = "192.0.2.1";

fn rule(direction: Direction, protocol: Protocol, remote: Remote) -> SecurityGroupRule {
    SecurityGroupRule {
        direction,
        family: Family::Ipv4,
        protocol,
        remote,
    }
}

fn tcp(first: u16, last: u16) -> Protocol {
    let range = PortRange::new(first, last).unwrap();
    Protocol::Ports(PortProtocol::Tcp, Some(range))
}

fn port(rules: Vec<SecurityGroupRule>) -> Port {
    Port {
        network: "lab".parse().unwrap(),
        mac: "fa:16:3e:be:71:21".parse().unwrap(),
        tap: None,
        target: None,
        fixed_ips: vec![OWN.parse().unwrap()],
        ipv6_addresses: Ipv6Addresses::Listed,
        dhcp_servers: None,
        allowed_address_pairs: Vec::new(),
        security_groups: vec![SecurityGroup {
            name: "web".to_owned(),
            id: None,
            rules,
            members: Vec::new(),
            stateless: false,
        }],
        remote_groups: Vec::new(),
        security: PortSecurity::default(),
    }
}

fn connection(source: &str, destination: &str, carries: Carries) -> Connection {
    Connection {
        source: source.parse().unwrap(),
        destination: destination.parse().unwrap(),
        carries,
    }
}

fn to_port(protocol: u8, destination: u16) -> Carries {
    Carries::Ports {
        protocol,
        source: 40000,
        destination,
    }
}

/// Whether a port that had other rules may keep the connection with these.
fn goes_on(rules: Vec<SecurityGroupRule>, connection: Connection) -> bool {
    let mut members = Membership::new();
    members.add("db", ["198.51.100.0/24".parse().unwrap()]);
    let of = |port: &Port| Admission::of(port, &members);
    let changed = Changed {
        before: of(&port(Vec::new())),
        after: of(&port(rules)),
        others: BTreeSet::new(),
    };
    !Judge {
        ports: vec![changed],
    }
    .is_over(&connection)
}

/// Port security comes on or goes off, beside a neighbour whose address is 192.0.2.2.
fn goes_on_when_filtered(filtered: bool, (source, destination): (&str, &str)) -> bool {
    let everything = rule(Direction::Egress, Protocol::Any, Remote::Any);
    let on = port(vec![everything]);
    let off = Port {
        security: PortSecurity::Disabled,
        security_groups: Vec::new(),
        ..on.clone()
    };
    let (before, after) = if filtered { (&off, &on) } else { (&on, &off) };
    let of = |port: &Port| Admission::of(port, &Membership::new());
    let changed = Changed {
        before: of(before),
        after: of(after),
        others: ["192.0.2.2".parse().unwrap()].into(),
    };
    let judge = Judge {
        ports: vec![changed],
    };
    !judge.is_over(&connection(source, destination, to_port(6, 22)))
}

#[test]
fn when_port_security_comes_on_only_what_is_the_ports_and_not_allowed_is_over() {
    let (neighbour, other, another) = ("192.0.2.2", "203.0.113.8", "203.0.113.9");
    for (source, destination, expected) in [
        (OWN, other, true),
        (OWN, neighbour, true),
        (other, OWN, false),
        (neighbour, OWN, false),
        (other, another, false),
        (neighbour, other, true),
        (other, neighbour, true),
    ] {
        let ends = (source, destination);
        assert_eq!(goes_on_when_filtered(true, ends), expected, "{ends:?}");
        assert!(goes_on_when_filtered(false, ends), "{ends:?}");
    }
}

#[test]
fn a_connection_goes_on_by_the_rule_that_lets_its_first_packet_pass() {
    let kind = |kind| Protocol::Icmp(Some(IcmpMatch { kind, code: None }));
    let echo = Carries::Icmp { kind: 8, code: 0 };
    let group = Remote::Group("db".to_owned());
    let prefix = Remote::Prefix("203.0.113.0/24".parse().unwrap());
    let other = "203.0.113.9";
    for (protocol, remote, from, carries, expected) in [
        (Protocol::Any, Remote::Any, other, to_port(17, 53), true),
        (tcp(22, 23), Remote::Any, other, to_port(6, 22), true),
        (tcp(22, 23), Remote::Any, other, to_port(6, 24), false),
        (tcp(22, 23), Remote::Any, other, to_port(17, 22), false),
        (
            Protocol::Number(6),
            Remote::Any,
            other,
            to_port(6, 24),
            true,
        ),
        (
            Protocol::Number(47),
            Remote::Any,
            other,
            Carries::Other(47),
            true,
        ),
        (Protocol::Number(1), Remote::Any, other, echo, true),
        (Protocol::Icmp(None), Remote::Any, other, echo, true),
        (kind(8), Remote::Any, other, echo, true),
        (kind(13), Remote::Any, other, echo, false),
        (Protocol::Any, prefix.clone(), other, echo, true),
        (Protocol::Any, prefix, "198.51.100.9", echo, false),
        (Protocol::Any, group.clone(), "198.51.100.9", echo, true),
        (Protocol::Any, group, other, echo, false),
    ] {
        let rules = |direction| vec![rule(direction, protocol, remote.clone())];
        let inward = connection(from, OWN, carries);
        let outward = connection(OWN, from, carries);
        let (ingress, egress) = (rules(Direction::Ingress), rules(Direction::Egress));
        assert_eq!(
            goes_on(ingress.clone(), inward),
            expected,
            "{protocol:?} {carries:?}"
        );
        assert_eq!(
            goes_on(egress.clone(), outward),
            expected,
            "{protocol:?} {carries:?}"
        );
        assert!(!goes_on(ingress, outward) && !goes_on(egress, inward));
    }
}

#[test]
fn a_rule_of_one_family_lets_nothing_of_the_other_pass() {
    let any = vec![rule(Direction::Ingress, Protocol::Any, Remote::Any)];
    let v6 = connection("2001:db8::1", "fe80::f816:3eff:febe:7121", to_port(6, 22));
    let admission = Admission::of(&port(any), &Membership::new());
    assert!(!admission.allows(Direction::Ingress, &v6));
}

#[test]
fn every_port_asks_for_an_address_and_none_gives_one() {
    let udp = |source, destination| Carries::Ports {
        protocol: UDP,
        source,
        destination,
    };
    let any = || {
        let both = [Direction::Ingress, Direction::Egress];
        both.map(|it| rule(it, Protocol::Any, Remote::Any)).into()
    };
    assert!(goes_on(
        Vec::new(),
        connection(OWN, "192.0.2.9", udp(68, 67))
    ));
    assert!(goes_on(
        Vec::new(),
        connection("192.0.2.9", OWN, udp(67, 68))
    ));
    for port in [67, 6767] {
        assert!(!goes_on(any(), connection(OWN, "192.0.2.9", udp(port, 68))));
    }
}

/// Of the port with the rules, checked as much, with this address and any other.
fn may_send(security: PortSecurity, rules: Vec<SecurityGroupRule>, what: &Connection) -> bool {
    let port = Port {
        security,
        ..port(rules)
    };
    Admission::of(&port, &Membership::new()).allows(Direction::Egress, what)
}

#[test]
fn what_goes_to_a_dhcp_client_is_over_where_the_guard_drops_it() {
    let udp = |source, destination| Carries::Ports {
        protocol: UDP,
        source,
        destination,
    };
    let any = || vec![rule(Direction::Egress, Protocol::Any, Remote::Any)];
    let to_client = |source| connection(OWN, "192.0.2.9", udp(source, 68));
    let (hardened, less) = (PortSecurity::Hardened, PortSecurity::Enabled);
    assert!(!may_send(hardened, any(), &to_client(6767)));
    assert!(may_send(less, any(), &to_client(6767)));
    assert!(!may_send(less, Vec::new(), &to_client(6767)), "no rule");
    assert!(!may_send(less, any(), &to_client(67)), "the rules drop it");
}

/// Neutron checks no IPv6 source of a port that has no IPv6 address.
#[test]
fn ipv6_without_address_is_over_where_the_guard_keeps_it_from_the_port() {
    let any = || SecurityGroupRule {
        family: Family::Ipv6,
        ..rule(Direction::Egress, Protocol::Any, Remote::Any)
    };
    let v6 = connection("2001:db8::7", "2001:db8::9", to_port(6, 22));
    assert!(!may_send(PortSecurity::Hardened, vec![any()], &v6));
    assert!(may_send(PortSecurity::Enabled, vec![any()], &v6));
    assert!(!may_send(PortSecurity::Enabled, Vec::new(), &v6), "no rule");
}

#[test]
fn a_dhcp_reply_is_over_where_its_server_is_none_of_the_networks() {
    let udp = |source| Carries::Ports {
        protocol: UDP,
        source,
        destination: 68,
    };
    let any = || vec![rule(Direction::Ingress, Protocol::Any, Remote::Any)];
    let limited = Port {
        dhcp_servers: Some(["192.0.2.2".parse().unwrap()].into()),
        ..port(any())
    };
    let admission = Admission::of(&limited, &Membership::new());
    let takes = |from, carries| {
        let reply = connection(from, OWN, carries);
        admission.allows(Direction::Ingress, &reply)
    };
    assert!(takes("192.0.2.2", udp(67)) && !takes("192.0.2.3", udp(67)));
    assert!(!takes("192.0.2.3", udp(6767)) && takes("192.0.2.3", to_port(UDP, 69)));
}

#[test]
fn what_others_have_with_each_other_is_not_this_ports_business() {
    let between = connection("192.0.2.7", "192.0.2.8", to_port(6, 22));
    assert!(goes_on(Vec::new(), between));
}

#[test]
fn an_address_that_others_may_have_too_is_cut_only_from_what_this_port_could_have() {
    let pair = AllowedAddressPair {
        ip: "10.0.0.0/8".parse().unwrap(),
        mac: "fa:16:3e:be:71:21".parse().unwrap(),
    };
    let of = |last: u16| {
        let rules = vec![rule(Direction::Ingress, tcp(22, last), Remote::Any)];
        let port = Port {
            allowed_address_pairs: vec![pair.clone()],
            ..port(rules)
        };
        Admission::of(&port, &Membership::new())
    };
    let is_over = |to: &str, at: u16| {
        let changed = Changed {
            before: of(80),
            after: of(22),
            others: ["10.0.0.2".parse().unwrap()].into(),
        };
        let judge = Judge {
            ports: vec![changed],
        };
        judge.is_over(&connection("192.0.2.9", to, to_port(6, at)))
    };
    assert!(is_over("10.0.0.1", 80), "the port could have had it");
    assert!(!is_over("10.0.0.1", 22), "and may have it still");
    assert!(!is_over("10.0.0.1", 81), "it never could: it is another's");
    assert!(!is_over("10.0.0.2", 80), "it is another port's own");
    assert!(
        is_over(OWN, 81),
        "its own address: whatever let it in does so no more"
    );
}
