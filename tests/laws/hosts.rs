//! Random hosts: what a few domains want, one batch after the other.
//!
//! Few of everything, so that it meets: domains take each other's taps, MAC addresses, addresses
//! and chain names. What may not stand is refused, as on a real host.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::LazyLock;

use ipnet::IpNet;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use vmhook::event::Call;
use vmhook::facts::{BridgeFact, Epoch, HostFacts, IptablesBackend, LinkFact, LinkKind, Process};
use vmhook::firewall::guard::Capabilities;
use vmhook::firewall::iptables::Options;
use vmhook::model::{
    AllowedAddressPair, BridgeSwitches, Direction, ExistingBridge, Family, HostAddress, HostEnd,
    IfName, Ipv6Addresses, Learning, MacAddr, Network, NetworkId, NetworkKind, OuterHeader, Port,
    PortProtocol, PortRange, PortSecurity, Protocol, Remote, RemotePort, SecurityGroup,
    SecurityGroupRule, Tap, Tunnel, TunnelOptions, Vni, Vtep, Vxlan,
};
use vmhook::record::{Basis, Phase, Want};
use vmhook::transaction::{Records, Surroundings, admit};

const NETWORKS: [&str; 4] = [
    "c08e7dcd-4acb-4cd0-ad08-ebd3b48467ee",
    "lab",
    "office",
    "wired",
];
/// What ports may use besides: the prefix, and the last octet of its MAC address.
const PAIRS: [(&str, Option<u8>); 6] = [
    ("192.0.2.3/32", None),
    ("10.0.0.0/8", None),
    ("10.1.0.0/16", None),
    ("0.0.0.0/0", Some(99)),
    ("2001:db8:5::/48", Some(99)),
    ("2001:db8:5:1::/64", None),
];
const SERVERS: [&str; 3] = ["192.0.2.67", "2001:db8::67", "fe80::67"];
const GROUPS: [&str; 3] = ["default", "db", "web"];

pub(crate) fn epoch() -> Epoch {
    Epoch {
        boot: "8a6c0cf4-7a3a-4f0e-9d0a-0d8a1f1d2c3b".to_owned(),
        netns: 4_026_531_840,
    }
}

/// A host with a stranger's port on the bridge of the last network, so that this one is kept.
pub(crate) fn facts() -> HostFacts {
    let link = |index, name: &str, master, kind| LinkFact {
        index,
        name: name.to_owned(),
        kind,
        mtu: 1450,
        mac: None,
        alias: None,
        master,
        up: true,
        suppresses: false,
    };
    HostFacts {
        links: vec![
            link(70, "brqoffice", None, LinkKind::Bridge(BridgeFact::OURS)),
            link(71, "vxlan-3", Some(70), LinkKind::Other(String::new())),
            link(72, "stranger", Some(70), LinkKind::Tun),
        ],
        ..HostFacts::default()
    }
}

/// The bridge of the host's.
const EXISTING: &str = "br0";

/// What it has while no network is on it.
pub(crate) static SWITCHES: LazyLock<BTreeMap<IfName, BridgeSwitches>> = LazyLock::new(|| {
    let before = BridgeSwitches {
        iptables: false,
        ip6tables: true,
    };
    [(EXISTING.parse().expect("a name"), before)].into()
});

pub(crate) fn around(facts: &HostFacts) -> Surroundings<'_> {
    Surroundings {
        facts: Some(facts),
        machine_id: "3d6d2bc4f1a94b0aa3f1d5b2a3c4e5f6",
        capabilities: Capabilities { ibrname: false },
        backend: IptablesBackend::Nft,
        switches: &SWITCHES,
        observed: None,
        renewal: None,
    }
}

pub(crate) fn batches() -> impl Strategy<Value = Vec<Vec<Want>>> {
    vec(vec(wants(), 1..5), 1..5)
}

/// Those of a batch that can stand beside what there is, one a domain.
pub(crate) fn admitted(batch: &[Want], records: &Records) -> Vec<Want> {
    let latest: BTreeMap<_, _> = batch.iter().map(|want| (&want.uuid, want)).collect();
    let mut so_far = records.clone();
    let mut admitted = Vec::new();
    for want in latest.into_values() {
        if admit(want, &so_far).is_ok() {
            so_far.add(want);
            admitted.push(want.clone());
        }
    }
    admitted
}

/// Every domain of these records, gone.
pub(crate) fn farewells(records: &Records) -> Vec<Want> {
    let gone = |want: &Want| Want {
        phase: Phase::Gone,
        ports: Vec::new(),
        networks: Vec::new(),
        ..want.clone()
    };
    records.domains.values().map(|it| gone(&it.want)).collect()
}

/// Every domain of these records, with as much of its ports checked as a reload may say.
pub(crate) fn secured(records: &Records, securities: &[PortSecurity]) -> Vec<Want> {
    let mut securities = securities.iter().cycle();
    let mut again = |want: &Want| {
        let ports = want.ports.iter().cloned().zip(securities.by_ref());
        Want {
            ports: ports.map(|(port, it)| checked(port, *it)).collect(),
            ..want.clone()
        }
    };
    records.domains.values().map(|it| again(&it.want)).collect()
}

pub(crate) fn wants() -> impl Strategy<Value = Want> {
    let phase = prop_oneof![
        4 => Just(Phase::Started),
        1 => Just(Phase::Prepared),
        2 => Just(Phase::Gone),
    ];
    let ports = (0..4_u8).prop_flat_map(|domain| {
        let numbers = 1..=4_u8;
        let ports = numbers.prop_flat_map(move |count| {
            (0..count)
                .map(|at| port(domain * 2 + at))
                .collect::<Vec<_>>()
        });
        (Just(domain), ports)
    });
    let flood = subsequence(vec!["172.16.0.32", "172.16.0.33", "172.16.0.34"], 0..=3);
    let written = any::<(bool, bool)>();
    (ports, phase, flood, written).prop_map(|((domain, ports), phase, flood, (comments, ipset))| {
        let ports = ports.into_iter().filter(|_| phase != Phase::Gone);
        let in_phase = |port: Port| Port {
            tap: port.tap.filter(|_| phase == Phase::Started),
            ..port
        };
        let ports: Vec<Port> = ports.map(in_phase).collect();
        let named = |id: &&str| ports.iter().any(|port| port.network.as_str() == *id);
        let networks = NETWORKS.iter().filter(|id| named(id));
        Want {
            generation: 1,
            epoch: epoch(),
            uuid: format!("00000000-0000-4000-8000-00000000000{domain}")
                .parse()
                .expect("a UUID"),
            name: format!("vm{domain}"),
            phase,
            call: Call::Start,
            caller: Process { pid: 1, start: 1 },
            options: Options {
                comments,
                ipset,
                ..Options::default()
            },
            incoming: false,
            basis: Basis::default(),
            said: None,
            networks: networks.map(|id| network(id, &flood)).collect(),
            ports,
        }
    })
}

/// A network is the same for everybody but for its lists of peers, which somebody may have edited. The
/// second one is on a device of the host, the last one on a bridge of the host's, the others know MAC addresses from different places.
fn network(id: &str, flood: &[&str]) -> Network {
    let number = 1 + NETWORKS
        .iter()
        .position(|it| *it == id)
        .expect("one of them");
    let number = u32::try_from(number).expect("few networks");
    let vtep = |text: &str| {
        let address: IpAddr = text.parse().expect("an address");
        Vtep::try_from(address).expect("a host's address")
    };
    let id: NetworkId = id.parse().expect("an id");
    let peers: Vec<Vtep> = flood.iter().map(|text| vtep(text)).collect();
    let learning = match number {
        1 => Learning::Inventory,
        _ => Learning::Evpn,
    };
    Network {
        bridge: match number {
            4 => EXISTING.parse().expect("a name"),
            _ => id.bridge(),
        },
        name: format!("network {number}"),
        keep: false,
        mtu: 1450.try_into().expect("an MTU"),
        clamp_mss: number % 2 == 1,
        host_end: host_end(number),
        kind: match number {
            2 => NetworkKind::Flat("eth1".parse().expect("a name")),
            4 => NetworkKind::Bridge(ExistingBridge {
                uplinks: ["eth2".parse().expect("a name")].into(),
                trusted_ports: ["veth7".parse().expect("a name")].into(),
                host_unfiltered: true,
            }),
            _ => NetworkKind::Vxlan(Vxlan {
                tunnel: Tunnel {
                    vni: Vni::try_from(number).expect("a VNI"),
                    device: format!("vxlan-{number}").parse().expect("a name"),
                    local: vtep("172.16.0.31"),
                    underlay: "eth0".parse().expect("a name"),
                    port: 8472,
                    options: TunnelOptions {
                        learning,
                        ..TunnelOptions::default()
                    },
                },
                outer: OuterHeader::default(),
                flood: match learning {
                    Learning::Frames => peers.clone(),
                    Learning::Inventory | Learning::Evpn => Vec::new(),
                },
                hosts: match learning {
                    Learning::Inventory => listed(&peers),
                    Learning::Frames | Learning::Evpn => Vec::new(),
                },
            }),
        },
        id,
    }
}

/// The host has an end on all networks but the flat one, and that on its own bridge.
fn host_end(number: u32) -> Option<HostEnd> {
    let addresses: &[&str] = match number {
        1 => &["198.51.100.1/24", "2001:db8:9::1/64"],
        2 | 4 => return None,
        _ => &["203.0.113.1/24"],
    };
    let address = |text: &&str| {
        let net: IpNet = text.parse().expect("an address");
        HostAddress::try_from(net).expect("a host's address")
    };
    Some(HostEnd {
        addresses: addresses.iter().map(address).collect(),
        tunnel_ports: [4789, 8472].into(),
    })
}

const ADDRESSES: [&str; 5] = [
    "192.0.2.1",
    "192.0.2.2",
    "192.0.2.3",
    "2001:db8::1",
    "2001:db8::2",
];
/// A port on each of these hosts. Which it is goes by its place in the list, so that ports move.
fn listed(peers: &[Vtep]) -> Vec<RemotePort> {
    let port = |(number, vtep): (u8, &Vtep)| RemotePort {
        mac: MacAddr::local([2, 0, 0, 0, 2, number]),
        addresses: vec![
            IpAddr::from([192, 0, 2, 100 + number]),
            IpAddr::from([0x2001, 0xdb8, 0, 0, 0, 0, 0, number.into()]),
        ],
        vtep: *vtep,
    };
    (1..).zip(peers).map(port).collect()
}

/// A port whose MAC address and tap mostly go by its number, and sometimes are another's.
fn port(number: u8) -> impl Strategy<Value = Port> {
    let mine = |all: u8| prop_oneof![4 => Just(number % all), 1 => 0..all];
    let fixed_ips = subsequence(ADDRESSES.to_vec(), 0..=3);
    let pairs = subsequence(PAIRS.to_vec(), 0..=3);
    let modes = select(vec![
        Ipv6Addresses::Listed,
        Ipv6Addresses::LinkLocal,
        Ipv6Addresses::Prefix,
    ]);
    let groups = subsequence(GROUPS.to_vec(), 0..=2)
        .prop_flat_map(|names| names.into_iter().map(group).collect::<Vec<_>>());
    let tap = (mine(7), 10..12_u32, any::<bool>(), any::<bool>());
    let allowed = (fixed_ips, pairs, modes, dhcp_servers());
    let port = (select(NETWORKS.to_vec()), mine(10), tap, allowed, groups).prop_map(
        |(
            network,
            mac,
            (tap, index, neutrons, named),
            (fixed_ips, pairs, mode, servers),
            security_groups,
        )| {
            let name: IfName = if neutrons {
                // Chains of two such taps in a row have one name: Neutron cuts the last digit.
                format!("tap0000000{}-0{tap}", tap / 2)
            } else {
                format!("vnet{tap}")
            }
            .parse()
            .expect("a name");
            Port {
                network: network.parse().expect("an id"),
                mac: MacAddr::local([2, 0, 0, 0, 0, mac]),
                tap: Some(Tap {
                    name: name.clone(),
                    index,
                }),
                target: (neutrons || named).then_some(name),
                fixed_ips: fixed_ips
                    .iter()
                    .map(|ip| ip.parse().expect("an address"))
                    .collect(),
                allowed_address_pairs: pairs
                    .iter()
                    .map(|(ip, other)| AllowedAddressPair {
                        ip: ip.parse().expect("a prefix"),
                        mac: MacAddr::local([2, 0, 0, 0, 1, other.unwrap_or(mac)]),
                    })
                    .collect(),
                security_groups,
                ipv6_addresses: mode,
                dhcp_servers: servers,
                remote_groups: Vec::new(),
                security: PortSecurity::default(),
            }
        },
    );
    (port, securities()).prop_map(|(port, security)| checked(port, security))
}

pub(crate) fn securities() -> impl Strategy<Value = PortSecurity> {
    select(vec![
        PortSecurity::Hardened,
        PortSecurity::Hardened,
        PortSecurity::Enabled,
        PortSecurity::Disabled,
        PortSecurity::Trusted,
    ])
}

/// The port of which so much is checked: one that is not filtered has neither groups nor pairs.
fn checked(mut port: Port, security: PortSecurity) -> Port {
    port.security = security;
    if !security.is_filtered() {
        port.allowed_address_pairs.clear();
        port.security_groups.clear();
    }
    port
}

fn dhcp_servers() -> impl Strategy<Value = Option<BTreeSet<IpAddr>>> {
    let servers = subsequence(SERVERS.to_vec(), 0..=2);
    proptest::option::of(servers.prop_map(|servers| {
        let addresses = servers.iter().map(|ip| ip.parse().expect("an address"));
        addresses.collect()
    }))
}

fn group(name: &'static str) -> impl Strategy<Value = SecurityGroup> {
    let elsewhere = subsequence(vec!["203.0.113.1/32", "2001:db8:2::/64"], 0..=2);
    let stateless = proptest::bool::weighted(0.2);
    (vec(rule(), 0..4), elsewhere, stateless).prop_map(move |(rules, members, stateless)| {
        SecurityGroup {
            name: name.to_owned(),
            id: None,
            rules,
            members: members
                .iter()
                .map(|it| it.parse().expect("a prefix"))
                .collect(),
            stateless,
        }
    })
}

fn rule() -> impl Strategy<Value = SecurityGroupRule> {
    let ssh = PortRange::new(22, 22).expect("a range");
    let protocol = select(vec![
        Protocol::Any,
        Protocol::Icmp(None),
        Protocol::Ports(PortProtocol::Tcp, Some(ssh)),
    ]);
    let remote = |family| {
        let prefix: IpNet = match family {
            Family::Ipv4 => "198.51.100.0/24",
            Family::Ipv6 => "2001:db8:1::/48",
        }
        .parse()
        .expect("a prefix");
        let group = select(GROUPS.to_vec()).prop_map(|name| Remote::Group(name.to_owned()));
        prop_oneof![
            1 => Just(Remote::Any),
            1 => Just(Remote::Prefix(prefix)),
            3 => group,
        ]
    };
    let direction = select(vec![Direction::Ingress, Direction::Egress]);
    let family = select(&Family::BOTH[..]);
    (direction, family, protocol).prop_flat_map(move |(direction, family, protocol)| {
        remote(family).prop_map(move |remote| SecurityGroupRule {
            direction,
            family,
            protocol,
            remote,
        })
    })
}
