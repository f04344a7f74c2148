//! Configurations at random: every kind of rule, remote and port that there is, of few addresses, so
//! that they meet.

use std::net::IpAddr;

use ipnet::IpNet;
use proptest::prelude::{Rng as _, Strategy};
use proptest::strategy::Just;
use proptest::test_runner::TestRng;

use crate::configuration::{
    AddressGroup, Configuration, DEFAULT, Family, Group, Ipv6Addresses, Mac, Network, PROTOCOLS,
    Port, Protocol, Remote, Rule,
};

/// Random choices, the same for the same seed.
#[derive(Debug)]
pub(crate) struct Dice(pub(crate) TestRng);

impl Dice {
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        let limit = u64::try_from(limit).expect("a small number");
        usize::try_from(self.0.next_u64() % limit).expect("a small number")
    }

    pub(crate) fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    pub(crate) fn byte(&mut self) -> u8 {
        self.0.next_u32().to_be_bytes()[0]
    }

    pub(crate) fn pick<T: Clone>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())].clone()
    }

    /// Some of these, each at most once, in their order.
    fn some<T: Clone>(&mut self, from: &[T], percent: usize) -> Vec<T> {
        let chosen = from.iter().filter(|_| self.chance(percent));
        chosen.cloned().collect()
    }
}

/// How much there is of everything.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Size {
    pub(crate) rules: usize,
    /// How many ports each network has at most.
    pub(crate) ports: [usize; 2],
}

pub(crate) fn configurations(size: Size) -> impl Strategy<Value = Configuration> {
    Just(()).prop_perturb(move |(), rng| configuration(&mut Dice(rng), size))
}

const GROUPS: [&str; 4] = ["web", "db", "customers-production-web", DEFAULT];
const ADDRESS_GROUPS: [&str; 3] = ["offices", "partners", "nobody"];
const DHCP_SERVERS: [&str; 4] = ["10.0.0.1", "10.0.0.12", "2001:db8::1", "fe80::1ce:cafe"];
const VIRTUAL: Mac = Mac([0, 0, 0x5e, 0, 1, 1]);
const PREFIXES: [&str; 18] = [
    "10.0.0.0/24",
    "10.0.0.8/29",
    "10.0.0.11/32",
    "10.0.0.12/31",
    "10.0.0.0/8",
    "10.9.0.0/16",
    "192.0.2.0/25",
    "128.0.0.0/1",
    "0.0.0.0/0",
    "2001:db8::/64",
    "2001:db8::10/124",
    "2001:db8::b/128",
    "2001:db8::c/127",
    "2001:db8::/32",
    "2001:db8:9::/48",
    "fe80::/64",
    "8000::/1",
    "::/0",
];
const PAIRS: [(&str, Option<Mac>); 9] = [
    ("10.9.0.0/24", None),
    ("10.9.0.0/16", None),
    ("10.0.0.200/32", Some(VIRTUAL)),
    ("10.0.0.12/32", None),
    ("0.0.0.0/0", Some(VIRTUAL)),
    ("2001:db8:5::/48", None),
    ("2001:db8:5:1::/64", None),
    ("2001:db8::200/128", Some(VIRTUAL)),
    ("::/0", Some(VIRTUAL)),
];

fn configuration(dice: &mut Dice, size: Size) -> Configuration {
    let networks = [(); 2].map(|()| network(dice));
    let prefixes = PREFIXES.map(net);
    let address_groups = ADDRESS_GROUPS.map(|name| AddressGroup {
        name: name.to_owned(),
        addresses: match name {
            "nobody" => Vec::new(),
            _ => dice.some(&prefixes, 25),
        },
    });
    // Whoever defines no `default` has the one that is built in.
    let defined = if dice.chance(50) {
        &GROUPS[..]
    } else {
        &GROUPS[..3]
    };
    let groups = defined
        .iter()
        .map(|name| group(dice, name, size.rules))
        .collect();
    let mut ports = Vec::new();
    for (network, most) in size.ports.into_iter().enumerate() {
        let count = most - dice.below(2).min(most);
        for at in 0..count {
            let number = u8::try_from(ports.len()).expect("few ports");
            ports.push(port(
                dice,
                network,
                number,
                u8::try_from(at).expect("few ports"),
            ));
        }
    }
    Configuration {
        ipset: dice.chance(60),
        comments: dice.chance(50),
        hardened: sometimes(dice, 10),
        networks: networks.into(),
        address_groups: address_groups.into(),
        groups,
        ports,
    }
}

fn network(dice: &mut Dice) -> Network {
    let modes = [
        Ipv6Addresses::Listed,
        Ipv6Addresses::LinkLocal,
        Ipv6Addresses::Prefix,
    ];
    let names = GROUPS.map(str::to_owned);
    Network {
        ipv6_addresses: dice.pick(&modes),
        groups: dice.chance(50).then(|| dice.some(&names, 40)),
        dhcp_servers: dice
            .chance(40)
            .then(|| dice.some(&DHCP_SERVERS.map(address), 50)),
        hardened: sometimes(dice, 15),
    }
}

fn group(dice: &mut Dice, name: &str, most: usize) -> Group {
    let members = PREFIXES.map(net);
    let mut rules = |all: usize| -> Vec<Rule> {
        let mut rules: Vec<Rule> = (0..dice.below(most)).map(|_| rule(dice)).collect();
        if dice.chance(all) {
            rules.push(Rule::default());
        }
        if dice.chance(30) && !rules.is_empty() {
            rules.push(dice.pick(&rules));
        }
        if dice.chance(10) { Vec::new() } else { rules }
    };
    let (ingress, egress) = (rules(5), rules(35));
    let id = "0f6f6a52-11d4-4a53-9d0d-2b1c8f7f9f01".to_owned();
    Group {
        name: name.to_owned(),
        id: (name == "db" && dice.chance(50)).then_some(id),
        members: dice.some(&members, 10),
        stateful: dice.chance(75),
        ingress,
        egress,
    }
}

fn rule(dice: &mut Dice) -> Rule {
    let ethertype = dice.chance(40).then(|| dice.pick(&Family::BOTH));
    let protocol = dice.chance(85).then(|| protocol(dice));
    let number = protocol.as_ref().map(Protocol::number);
    let with_ports = number.is_some_and(|number| [6, 17, 33, 132, 136].contains(&number));
    let with_types = number.is_some_and(|number| [1, 58].contains(&number));
    let mut rule = Rule {
        ethertype,
        protocol,
        ports: (with_ports && dice.chance(80)).then(|| ports(dice)),
        icmp: (with_types && dice.chance(70)).then(|| icmp(dice)),
        remote: dice.chance(55).then(|| remote(dice)),
        description: dice
            .chance(10)
            .then(|| "said \"so\" by an \\operator".to_owned()),
    };
    mend(&mut rule);
    rule
}

fn protocol(dice: &mut Dice) -> Protocol {
    let usual = ["tcp", "udp", "icmp", "ipv6-icmp"];
    match dice.below(10) {
        0..6 => Protocol::Name(dice.pick(&usual).to_owned()),
        6..8 => Protocol::Name(dice.pick(&PROTOCOLS).0.to_owned()),
        8 => Protocol::Quoted(dice.pick(&PROTOCOLS).1),
        _ => Protocol::Number(if dice.chance(60) {
            dice.pick(&PROTOCOLS).1
        } else {
            dice.byte()
        }),
    }
}

fn ports(dice: &mut Dice) -> (u16, u16) {
    let ends = [
        1, 2, 22, 53, 67, 68, 80, 443, 546, 547, 1023, 8000, 8080, 32768, 65534, 65535,
    ];
    let (one, other) = (dice.pick(&ends), dice.pick(&ends));
    if dice.chance(40) {
        (one, one)
    } else {
        (one.min(other), one.max(other))
    }
}

fn icmp(dice: &mut Dice) -> (u8, Option<u8>) {
    let kinds = [0, 3, 8, 11, 13, 128, 129, 130, 133, 134, 135, 136, 137, 255];
    let kind = if dice.chance(85) {
        dice.pick(&kinds)
    } else {
        dice.byte()
    };
    let code = dice.chance(40).then(|| dice.pick(&[0, 0, 1, 3, 255]));
    (kind, code)
}

fn remote(dice: &mut Dice) -> Remote {
    match dice.below(4) {
        0 | 1 => Remote::Prefix(dice.pick(&PREFIXES.map(net))),
        2 => Remote::Group(dice.pick(&GROUPS).to_owned()),
        _ => Remote::AddressGroup(dice.pick(&ADDRESS_GROUPS).to_owned()),
    }
}

/// Makes of a rule that would be refused one that is not.
fn mend(rule: &mut Rule) {
    let is_icmp = rule.protocol.as_ref().map(Protocol::number) == Some(1);
    if is_icmp
        && rule.icmp.is_some_and(|(kind, _)| kind == 255)
        && rule.ethertype != Some(Family::V6)
    {
        rule.icmp = None;
    }
    if let (Some(family), Some(Remote::Prefix(prefix))) = (rule.ethertype, &rule.remote)
        && Family::of(prefix.addr()) != family
    {
        rule.remote = None;
    }
    let refused = rule
        .protocol
        .as_ref()
        .is_some_and(Protocol::is_refused_in_ipv4);
    if refused && rule.families().contains(&Family::V4) {
        rule.ethertype = Some(Family::V6);
        rule.remote = None;
    }
    // Any protocol alone is an empty rule.
    let is_any = rule.protocol.as_ref().map(Protocol::number) == Some(0);
    if is_any && rule.ethertype.is_none() && rule.remote.is_none() {
        rule.protocol = None;
    }
}

/// A port of addresses that go by its place on its network, so that networks overlap.
fn port(dice: &mut Dice, network: usize, number: u8, at: u8) -> Port {
    let v4 = format!("10.0.0.{}", 11 + at);
    let v6 = format!("2001:db8::{:x}", 11 + at);
    let more = [
        format!("192.0.2.{}", 1 + at),
        format!("2001:db8:0:1::{:x}", 1 + at),
    ];
    let mut fixed_ips = match dice.below(10) {
        0..3 => vec![v4],
        3 => vec![v6],
        4..9 => vec![v4, v6],
        _ => Vec::new(),
    };
    if !fixed_ips.is_empty() {
        fixed_ips.extend(dice.some(&more, 20));
    }
    let mut pairs = if dice.chance(50) {
        dice.some(&PAIRS, 25)
    } else {
        Vec::new()
    };
    if dice.chance(10) && !pairs.is_empty() {
        pairs.push(dice.pick(&pairs));
    }
    let names = GROUPS.map(str::to_owned);
    let mut groups = dice.some(&names, 40);
    if dice.chance(50) {
        groups.reverse();
    }
    let mut port = Port {
        network,
        mac: Mac([0xfa, 0x16, 0x3e, 0, 0, 0x10 + number]),
        tap: if dice.chance(70) {
            format!("tap000000{number:02x}-75")
        } else {
            format!("vm{number}.eth0")
        },
        fixed_ips: fixed_ips.iter().map(|ip| address(ip)).collect(),
        pairs: pairs.iter().map(|(ip, mac)| (net(ip), *mac)).collect(),
        groups: dice.chance(80).then_some(groups),
        hardened: sometimes(dice, 25),
        security: None,
        trusted: None,
        device_owner: None,
    };
    some_kind(dice, &mut port);
    port
}

/// Mostly not written.
fn sometimes(dice: &mut Dice, percent: usize) -> Option<bool> {
    dice.chance(percent).then(|| dice.chance(25))
}

/// What else makes a port one of which more or less is checked, each beside what it wins over.
fn some_kind(dice: &mut Dice, port: &mut Port) {
    let owner = |owner: &str| Some(owner.to_owned());
    match dice.below(20) {
        0 | 1 => port.security = Some(false),
        2 => (port.trusted, port.security) = (Some(true), Some(false)),
        3 => (port.device_owner, port.security) = (owner("network:dhcp"), Some(true)),
        4 => (port.device_owner, port.trusted) = (owner("network:dhcp"), Some(false)),
        5 | 6 => port.device_owner = owner("neutron:LOADBALANCERV2"),
        7 => port.device_owner = owner("compute:nova"),
        8 => port.security = Some(true),
        _ => {}
    }
    let is_filtered = port.security != Some(false)
        && (port.trusted == Some(false) || !port.is_owned_by("network:"));
    if !is_filtered {
        port.pairs.clear();
        port.groups = dice.chance(50).then(Vec::new);
    }
}

fn net(text: &str) -> IpNet {
    text.parse().expect("a prefix")
}

fn address(text: &str) -> IpAddr {
    text.parse().expect("an address")
}
