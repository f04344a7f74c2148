//! Real Neutron's cases as our model: groups and ports of every kind that are filtered. What changes
//! them on the way, and what Neutron wrote, `tests/corpus` is for.
#![expect(
    clippy::unwrap_used,
    reason = "a fixture that is not as described fails the test"
)]

use ipnet::IpNet;
use serde_json::Value;
use vmhook::event::Call;
use vmhook::facts::{Epoch, Process};
use vmhook::firewall::Membership;
use vmhook::firewall::ipset::Sets;
use vmhook::firewall::iptables::{Options, Ruleset, port_rules, skeleton};
use vmhook::model::{
    AllowedAddressPair, Direction, Family, IcmpMatch, Port, PortProtocol, PortRange, PortSecurity,
    Protocol, Remote, RemoteGroup, SecurityGroup, SecurityGroupRule, Tap,
};
use vmhook::record::{Basis, DomainRecord, Index, Phase, Want};
use vmhook::state::HostState;
use vmhook::transaction::sets;

/// What there is at a case's snapshot.
pub(crate) struct Snapshot {
    /// Its groups and ports, as in `case.json`.
    case: Value,
    /// The devices that have been added.
    devices: Vec<String>,
}

/// The snapshots of a case.
pub(crate) fn snapshots(case: &Value) -> Vec<Snapshot> {
    let mut snapshots = Vec::new();
    let mut devices: Vec<String> = Vec::new();
    for step in case["steps"].as_array().unwrap() {
        match step["op"].as_str().unwrap() {
            "shell" => {}
            "add" => devices.extend(texts(&step["devices"])),
            "remove" => {
                let gone: Vec<_> = texts(&step["devices"]).collect();
                devices.retain(|device| !gone.contains(device));
            }
            "snapshot" => snapshots.push(Snapshot {
                case: case.clone(),
                devices: devices.clone(),
            }),
            op => panic!("{op} is for tests/corpus"),
        }
    }
    snapshots
}

impl Snapshot {
    /// What we make of it.
    pub(crate) fn ruleset(&self, family: Family) -> Ruleset {
        let options = Options {
            ipset: self.case["config"]["enable_ipset"] != false,
            ..Options::default()
        };
        let mut membership = Membership::new();
        for (id, group) in self.case["security_groups"].as_object().unwrap() {
            membership.add(id, members(group));
        }
        let mut ruleset = skeleton(&options);
        for port in self.ports() {
            ruleset.merge(&port_rules(&options, &port, &membership, family));
        }
        ruleset
    }

    /// The ports that are there.
    pub(crate) fn ports(&self) -> Vec<Port> {
        let here = |port: &&Value| {
            let device = port["device"].as_str().unwrap();
            self.devices.iter().any(|here| here == device)
        };
        let ports = self.case["ports"].as_array().unwrap();
        ports
            .iter()
            .filter(here)
            .map(|port| self.port(port))
            .collect()
    }

    fn port(&self, port: &Value) -> Port {
        let name: vmhook::model::IfName = parsed(&port["device"]);
        let mac = parsed(&port["mac_address"]);
        let group = |id: String| {
            let group = &self.case["security_groups"][&id];
            SecurityGroup {
                rules: self.rules(group),
                name: id,
                id: None,
                members: members(group),
                stateless: group["stateful"] == false,
            }
        };
        let pair = |pair: &Value| AllowedAddressPair {
            ip: prefix(pair["ip_address"].as_str().unwrap()),
            mac: pair.get("mac_address").map_or(mac, parsed),
        };
        let pairs = port["allowed_address_pairs"].as_array().unwrap();
        Port {
            network: parsed(&port["network_id"]),
            mac,
            target: Some(name.clone()),
            tap: Some(Tap { name, index: 7 }),
            fixed_ips: texts(&port["fixed_ips"])
                .map(|ip| ip.parse().unwrap())
                .collect(),
            allowed_address_pairs: pairs.iter().map(pair).collect(),
            security_groups: texts(&port["security_groups"]).map(group).collect(),
            ipv6_addresses: vmhook::model::Ipv6Addresses::default(),
            dhcp_servers: None,
            remote_groups: self.groups(),
            security: PortSecurity::default(),
        }
    }

    /// Every group as the other side of a rule.
    fn groups(&self) -> Vec<RemoteGroup> {
        let groups = self.case["security_groups"].as_object().unwrap();
        let group = |(id, group): (&String, &Value)| RemoteGroup {
            name: id.clone(),
            id: None,
            members: members(group),
        };
        groups.iter().map(group).collect()
    }

    /// The sets that we make of it.
    pub(crate) fn sets(&self) -> Sets {
        if self.case["config"]["enable_ipset"] == false {
            return Sets::default();
        }
        let want = Want {
            generation: 1,
            epoch: Epoch {
                boot: String::new(),
                netns: 0,
            },
            uuid: "00000000-0000-4000-8000-000000000001".parse().unwrap(),
            name: "every port".to_owned(),
            phase: Phase::Started,
            call: Call::Start,
            incoming: false,
            basis: Basis::default(),
            said: None,
            caller: Process { pid: 1, start: 1 },
            options: Options::default(),
            ports: self.ports(),
            networks: Vec::new(),
        };
        let applied = HostState::default();
        sets(&Index::of([&DomainRecord { want, applied }]))
    }

    /// A rule of an address group is one for each prefix of its family.
    fn rules(&self, group: &Value) -> Vec<SecurityGroupRule> {
        let written = group["rules"].as_array().unwrap();
        let rules = written.iter().flat_map(|written| {
            let rule = rule(written);
            let Some(id) = written["remote_address_group_id"].as_str() else {
                return vec![rule];
            };
            let prefixes = members(&self.case["address_groups"][id]).into_iter();
            let own = prefixes.filter(|prefix| Family::of(prefix.addr()) == rule.family);
            own.map(|prefix| rule.clone().from_prefix(prefix).unwrap())
                .collect()
        });
        rules.collect()
    }
}

fn members(group: &Value) -> Vec<IpNet> {
    texts(&group["members"]).map(|text| prefix(&text)).collect()
}

fn rule(rule: &Value) -> SecurityGroupRule {
    let family = match rule["ethertype"].as_str().unwrap() {
        "IPv4" => Family::Ipv4,
        _ => Family::Ipv6,
    };
    let direction = match rule["direction"].as_str().unwrap() {
        "ingress" => Direction::Ingress,
        _ => Direction::Egress,
    };
    let mut ours = SecurityGroupRule {
        protocol: protocol(rule),
        ..SecurityGroupRule::allow(direction, family)
    };
    if let Some(group) = rule["remote_group_id"].as_str() {
        ours.remote = Remote::Group(group.to_owned());
    }
    match rule["remote_ip_prefix"].as_str() {
        Some(text) => ours.from_prefix(prefix(text)).unwrap(),
        None => ours,
    }
}

fn protocol(rule: &Value) -> Protocol {
    let bound = |name| {
        rule[name]
            .as_u64()
            .map(|number| u16::try_from(number).unwrap())
    };
    let (min, max) = (bound("port_range_min"), bound("port_range_max"));
    let ports = |protocol| {
        let range = min.map(|min| PortRange::new(min, max.unwrap_or(min)).unwrap());
        Protocol::Ports(protocol, range)
    };
    let byte = |number: u16| u8::try_from(number).unwrap();
    let icmp = || {
        min.map(|kind| IcmpMatch {
            kind: byte(kind),
            code: max.map(byte),
        })
    };
    match rule["protocol"].as_str() {
        None | Some("0" | "any") => Protocol::Any,
        Some("tcp" | "6") => ports(PortProtocol::Tcp),
        Some("udp" | "17") => ports(PortProtocol::Udp),
        Some("icmp" | "icmpv6" | "ipv6-icmp" | "1" | "58") => Protocol::Icmp(icmp()),
        Some(name) => Protocol::Number(number(name)),
    }
}

fn number(name: &str) -> u8 {
    let known = [
        ("igmp", 2),
        ("ipip", 4),
        ("egp", 8),
        ("ipv6-encap", 41),
        ("ipv6-route", 43),
        ("ipv6-frag", 44),
        ("rsvp", 46),
        ("gre", 47),
        ("esp", 50),
        ("ah", 51),
        ("ipv6-nonxt", 59),
        ("ipv6-opts", 60),
        ("ospf", 89),
        ("vrrp", 112),
        ("pgm", 113),
    ];
    let named = known.iter().find(|row| row.0 == name).map(|row| row.1);
    name.parse().ok().or(named).expect(name)
}

fn prefix(text: &str) -> IpNet {
    let address = || text.parse::<std::net::IpAddr>().map(IpNet::from);
    text.parse().or_else(|_| address()).unwrap()
}

fn texts(value: &Value) -> impl Iterator<Item = String> + '_ {
    value
        .as_array()
        .unwrap()
        .iter()
        .map(|text| text.as_str().unwrap().to_owned())
}

fn parsed<T: std::str::FromStr<Err: std::fmt::Debug>>(value: &Value) -> T {
    value.as_str().unwrap().parse().unwrap()
}
