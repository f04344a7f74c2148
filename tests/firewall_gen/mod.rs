//! Rules, ports and whole rulesets at random.
#![allow(
    dead_code,
    reason = "each test program that shares this uses a part of it"
)]
#![expect(clippy::unwrap_used, reason = "the texts are written here")]

use std::collections::BTreeSet;
use std::num::NonZeroU8;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use proptest::collection::{btree_set, vec};
use proptest::option;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use vmhook::firewall::Membership;
use vmhook::firewall::iptables::{
    Comment, CtState, CtStates, Match, Options, Physdev, Place, Rule, Ruleset, SetName, SetSide,
    Side, Target, network_rules, port_rules, skeleton,
};
use vmhook::firewall::tracking::{End, Tracking};
use vmhook::model::{
    AllowedAddressPair, Direction, Family, IcmpMatch, IfName, MacAddr, NetworkId, Port,
    PortProtocol, PortRange, PortSecurity, Protocol, Remote, SecurityGroup, SecurityGroupRule, Tap,
    Zone,
};

/// The sets that generated rules name, IPv4 and IPv6.
pub(crate) const SETS: [(&str, Family); 2] =
    [("NIPv4web", Family::Ipv4), ("NIPv6web", Family::Ipv6)];

pub(crate) fn families() -> impl Strategy<Value = Family> {
    select(&Family::BOTH[..])
}

pub(crate) fn prefixes(family: Family) -> BoxedStrategy<IpNet> {
    match family {
        Family::Ipv4 => (any::<u32>(), 0..=32_u8)
            .prop_map(|(bits, length)| Ipv4Net::new(bits.into(), length).unwrap().trunc().into())
            .boxed(),
        Family::Ipv6 => (
            prop_oneof![any::<u128>(), 0..=u128::from(u32::MAX)],
            0..=128_u8,
        )
            .prop_map(|(bits, length)| Ipv6Net::new(bits.into(), length).unwrap().trunc().into())
            .boxed(),
    }
}

pub(crate) fn macs() -> impl Strategy<Value = MacAddr> {
    any::<[u8; 6]>().prop_map(MacAddr::local)
}

pub(crate) fn devices() -> impl Strategy<Value = IfName> {
    "[A-Za-z0-9_][A-Za-z0-9_.-]{0,14}"
        .prop_filter("a path", |name| name != "." && name != "..")
        .prop_map(|name| name.parse().unwrap())
}

pub(crate) fn port_ranges() -> impl Strategy<Value = PortRange> {
    (1..=u16::MAX, 1..=u16::MAX)
        .prop_map(|(one, other)| PortRange::new(one.min(other), one.max(other)).unwrap())
}

fn zones() -> impl Strategy<Value = Zone> {
    (4097..=u16::MAX).prop_map(|number| Zone::try_from(number).unwrap())
}

fn icmp() -> impl Strategy<Value = IcmpMatch> {
    (0..255_u8, option::of(any::<u8>())).prop_map(|(kind, code)| IcmpMatch { kind, code })
}

/// A protocol with the matches that may follow it.
fn protocol(family: Family) -> BoxedStrategy<(Option<NonZeroU8>, Vec<Match>)> {
    let number = NonZeroU8::new;
    let ports = |protocol, source, destination| Match::Ports {
        protocol,
        source,
        destination,
    };
    let with_ports = [
        (PortProtocol::Tcp, 6),
        (PortProtocol::Udp, 17),
        (PortProtocol::Dccp, 33),
        (PortProtocol::Sctp, 132),
    ];
    let one = (
        select(with_ports.to_vec()),
        option::of(port_ranges()),
        option::of(port_ranges()),
    )
        .prop_map(move |((protocol, of), source, destination)| {
            (number(of), vec![ports(protocol, source, destination)])
        });
    let range = (select(vec![6, 17, 33, 132, 136]), port_ranges())
        .prop_map(move |(of, range)| (number(of), vec![Match::Multiport(range)]));
    let typed = icmp().prop_map(move |icmp| match family {
        Family::Ipv4 => (number(1), vec![Match::Icmp(icmp)]),
        Family::Ipv6 => (number(58), vec![Match::Icmpv6(icmp)]),
    });
    let bare = any::<u8>().prop_map(move |of| (number(of), Vec::new()));
    prop_oneof![one, range, typed, bare].boxed()
}

fn matches(family: Family) -> impl Strategy<Value = Match> {
    let state = btree_set(select(&CtState::ALL[..]), 1..=5);
    let state = state.prop_map(|states| CtStates::new(states).unwrap());
    let physdev = (devices(), select(vec![Side::Out, Side::In]), any::<bool>());
    let set = SETS.into_iter().find(|set| set.1 == family).unwrap().0;
    let comment = prop_oneof!["[ -~]{0,60}", "[a-z0-9_-]{1,9}", "[ -~]{255}"];
    prop_oneof![
        macs().prop_map(Match::Mac),
        Just(Match::ToLocal),
        state.clone().prop_map(Match::State),
        state.prop_map(Match::Conntrack),
        physdev.prop_map(|(device, side, is_bridged)| Match::Physdev(Physdev {
            device,
            side,
            is_bridged
        })),
        select(vec![SetSide::Src, SetSide::Dst])
            .prop_map(move |side| Match::Set(SetName::new(set).unwrap(), side)),
        comment.prop_map(|text| Match::Comment(Comment::new(text).unwrap())),
    ]
}

/// What a rule of the filter table may do, with a jump to each of these chains.
fn filter_targets(chains: &[&str]) -> impl Strategy<Value = Target> + use<> {
    let named: Vec<_> = chains.iter().map(|name| name.parse().unwrap()).collect();
    let jumps = named.iter().cloned().map(Target::Jump);
    let plain = [Target::Return, Target::Drop, Target::Accept];
    let gotos = named.iter().cloned().map(Target::Goto);
    select(
        plain
            .into_iter()
            .chain(jumps)
            .chain(gotos)
            .collect::<Vec<_>>(),
    )
}

/// What a rule of the raw table may do.
fn raw_targets() -> impl Strategy<Value = Target> {
    prop_oneof![
        zones().prop_map(Target::Zone),
        zones().prop_map(Target::ZoneOrig),
        Just(Target::Notrack),
    ]
}

/// Any rule of the filter table.
pub(crate) fn filter_rules(family: Family, chains: &[&str]) -> impl Strategy<Value = Rule> + use<> {
    rules(family, filter_targets(chains))
}

/// Any rule of the raw table.
pub(crate) fn raw_rules(family: Family) -> impl Strategy<Value = Rule> {
    rules(family, raw_targets())
}

fn rules(family: Family, targets: impl Strategy<Value = Target>) -> impl Strategy<Value = Rule> {
    let addresses = (option::of(prefixes(family)), option::of(prefixes(family)));
    let interfaces = (option::of(devices()), option::of(devices()));
    let matches = vec(matches(family), 0..3);
    (targets, addresses, interfaces, protocol(family), matches).prop_map(
        |(target, (source, destination), (inside, outside), (protocol, first), then)| {
            let rule = Rule::new(target)
                .from(source)
                .to(destination)
                .protocol(protocol);
            let rule = inside.into_iter().fold(rule, Rule::coming_in);
            let rule = outside.into_iter().fold(rule, Rule::going_out);
            first.into_iter().chain(then).fold(rule, Rule::matching)
        },
    )
}

fn protocols() -> impl Strategy<Value = Protocol> {
    let with_ports = select(vec![
        PortProtocol::Tcp,
        PortProtocol::Udp,
        PortProtocol::Sctp,
        PortProtocol::Dccp,
        PortProtocol::Udplite,
    ]);
    prop_oneof![
        Just(Protocol::Any),
        option::of(icmp()).prop_map(Protocol::Icmp),
        (with_ports, option::of(port_ranges())).prop_map(|(of, ports)| Protocol::Ports(of, ports)),
        any::<u8>().prop_map(Protocol::Number),
    ]
}

fn group_rules() -> impl Strategy<Value = SecurityGroupRule> {
    families().prop_flat_map(|family| {
        let direction = select(vec![Direction::Ingress, Direction::Egress]);
        let remote = prop_oneof![
            Just(Remote::Any),
            prefixes(family).prop_map(Remote::Prefix),
            Just(Remote::Group("web".to_owned())),
        ];
        (direction, protocols(), remote).prop_map(move |(direction, protocol, remote)| {
            SecurityGroupRule {
                direction,
                family,
                protocol,
                remote,
            }
        })
    })
}

fn groups() -> impl Strategy<Value = SecurityGroup> {
    let members = vec(families().prop_flat_map(prefixes), 0..3);
    let rules = vec(group_rules(), 0..6);
    let stateless = proptest::bool::weighted(0.2);
    (select(vec!["web", "db"]), rules, members, stateless).prop_map(
        |(name, rules, members, stateless)| SecurityGroup {
            name: name.to_owned(),
            id: None,
            rules,
            members,
            stateless,
        },
    )
}

/// How much of a port is checked: all of most.
pub(crate) fn securities() -> impl Strategy<Value = PortSecurity> {
    prop_oneof![
        4 => Just(PortSecurity::Hardened),
        1 => Just(PortSecurity::Enabled),
        1 => Just(PortSecurity::Disabled),
        1 => Just(PortSecurity::Trusted),
    ]
}

fn if_filtered<T>(security: PortSecurity, filters: Vec<T>) -> Vec<T> {
    if security.is_filtered() {
        filters
    } else {
        Vec::new()
    }
}

/// A port whose tap and MAC address go by its number, so that no two meet.
fn port(number: u8) -> impl Strategy<Value = Port> {
    let tap: IfName = format!("tap{number:02x}8c0a54-75").parse().unwrap();
    let target = prop_oneof![Just(Some(tap.clone())), Just(None)];
    let mac = MacAddr::local([2, 0, 0, 0, 0, number]);
    let pair = (
        families().prop_flat_map(prefixes),
        prop_oneof![Just(mac), macs()],
    )
        .prop_map(|(ip, mac)| AllowedAddressPair { ip, mac });
    let fixed_ips = vec(families().prop_flat_map(prefixes), 0..3);
    let filters = (vec(pair, 0..3), vec(groups(), 0..3));
    (target, fixed_ips, filters, securities()).prop_map(
        move |(target, fixed_ips, (pairs, groups), security)| Port {
            network: "lab".parse().unwrap(),
            mac,
            tap: Some(Tap {
                name: tap.clone(),
                index: u32::from(number),
            }),
            target,
            fixed_ips: fixed_ips.iter().map(IpNet::addr).collect(),
            allowed_address_pairs: if_filtered(security, pairs),
            security_groups: if_filtered(security, groups),
            ipv6_addresses: vmhook::model::Ipv6Addresses::default(),
            dhcp_servers: None,
            remote_groups: Vec::new(),
            security,
        },
    )
}

/// All that is ours on a host with some ports, or nothing on one without.
pub(crate) fn hosts(family: Family) -> impl Strategy<Value = Ruleset> {
    let ports = btree_set(0..6_u8, 0..4).prop_flat_map(ports_numbered);
    let options = any::<(bool, bool)>().prop_map(|(comments, ipset)| Options {
        comments,
        ipset,
        ..Options::default()
    });
    (ports, options).prop_map(move |(ports, options)| host(&ports, &options, family))
}

/// Ports with these numbers.
pub(crate) fn ports_numbered(numbers: BTreeSet<u8>) -> impl Strategy<Value = Vec<Port>> {
    numbers
        .into_iter()
        .map(|number| port(number).boxed())
        .collect::<Vec<_>>()
}

/// All that is ours on a host with these ports.
pub(crate) fn host(ports: &[Port], options: &Options, family: Family) -> Ruleset {
    let mut ruleset = Ruleset::default();
    if ports.is_empty() {
        return ruleset;
    }
    let mut membership = Membership::new();
    for port in ports {
        membership.add_port(port);
    }
    ruleset.merge(&skeleton(options));
    let network: NetworkId = "lab".parse().unwrap();
    ruleset.merge(&of_network(options, &network, ports, family));
    for port in ports {
        ruleset.merge(&port_rules(options, port, &membership, family));
    }
    ruleset
}

/// What the network of these ports has.
pub(crate) fn of_network(
    options: &Options,
    network: &NetworkId,
    ports: &[Port],
    family: Family,
) -> Ruleset {
    let bridge = network.bridge();
    let place = Place {
        bridge: &bridge,
        network,
        zone: Zone::FIRST,
    };
    network_rules(options, place, &tracking(ports), family)
}

fn tracking(ports: &[Port]) -> Tracking {
    let end = |port: &Port| End {
        tap: port.tap.as_ref().unwrap().name.clone(),
        addresses: port.fixed_ips.iter().copied().map(IpNet::from).collect(),
    };
    let filtered = ports.iter().filter(|port| port.security.is_filtered());
    let (stateless, stateful): (Vec<_>, Vec<_>) = filtered.partition(|port| port.is_stateless());
    Tracking {
        stateful: stateful.into_iter().map(end).collect(),
        stateless: stateless.into_iter().map(end).collect(),
    }
}

/// A line that another program or an operator puts somewhere.
#[derive(Debug, Clone)]
pub(crate) struct Intrusion {
    /// Which of the chains that are there.
    pub(crate) chain: Index,
    /// Before which of its lines.
    pub(crate) at: Index,
    /// The line.
    pub(crate) line: &'static str,
}

pub(crate) fn intrusions() -> impl Strategy<Value = Vec<Intrusion>> {
    let line = select(vec![
        "-j ACCEPT",
        "-i docker0 -j ACCEPT",
        "-i docker0 ! -o docker0 -j RETURN",
        "-s 10.0.0.0/8 -m limit --limit 1/sec -j LOG --log-prefix \"a b: \"",
        "-p tcp -m tcp --dport 22 -j ACCEPT",
    ]);
    vec((any::<Index>(), any::<Index>(), line), 0..5).prop_map(|intrusions| {
        let one = |(chain, at, line)| Intrusion { chain, at, line };
        intrusions.into_iter().map(one).collect()
    })
}
