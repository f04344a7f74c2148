//! What is admitted beside what there is, and what a transaction does in the cases that matter most.
#![expect(clippy::unwrap_used, reason = "the values are written here")]

mod admitted;
mod connections;
mod members;
mod settled;

use std::collections::BTreeMap;
use std::net::IpAddr;

use vmhook::event::Call;
use vmhook::facts::{Epoch, HostFacts, IptablesBackend, LinkFact, LinkKind, Process};
use vmhook::firewall::guard::Capabilities;
use vmhook::firewall::iptables::Options;
use vmhook::model::{
    BridgeSwitches, Direction, Family, IfName, Network, NetworkKind, OuterHeader, Port, Remote,
    SecurityGroup, SecurityGroupRule, Tap, Tunnel, TunnelOptions, Vni, Vtep, Vxlan, Zone,
};
use vmhook::plan::{Plan, Step};
use vmhook::record::{Basis, NetworkRecord, Phase, Want};
use vmhook::state::HostState;
use vmhook::transaction::{
    Records, Surroundings, Transaction, admit, brings, clashes, leaves, settle, touched,
};

fn epoch() -> Epoch {
    Epoch {
        boot: "boot".to_owned(),
        netns: 1,
    }
}

fn network(id: &str, vni: u32) -> Network {
    let local: IpAddr = "172.16.0.31".parse().unwrap();
    Network {
        id: id.parse().unwrap(),
        name: format!("the {id}"),
        bridge: format!("brq{id}").parse().unwrap(),
        keep: false,
        mtu: 1450.try_into().unwrap(),
        clamp_mss: false,
        host_end: None,
        kind: NetworkKind::Vxlan(Vxlan {
            tunnel: Tunnel {
                vni: Vni::try_from(vni).unwrap(),
                device: format!("vxlan-{vni}").parse().unwrap(),
                local: Vtep::try_from(local).unwrap(),
                underlay: "eth0".parse().unwrap(),
                port: 8472,
                options: TunnelOptions::default(),
            },
            outer: OuterHeader::default(),
            flood: Vec::new(),
            hosts: Vec::new(),
        }),
    }
}

/// The tunnel of a network, to be changed.
fn tunnel(network: &mut Network) -> &mut Tunnel {
    let NetworkKind::Vxlan(vxlan) = &mut network.kind else {
        panic!("a VXLAN network");
    };
    &mut vxlan.tunnel
}

/// A port on the network `lab` whose tap has index and name by its number.
fn port(number: u8, tap: &str) -> Port {
    Port {
        network: "lab".parse().unwrap(),
        mac: format!("fa:16:3e:00:00:0{number}").parse().unwrap(),
        tap: Some(Tap {
            name: tap.parse().unwrap(),
            index: number.into(),
        }),
        target: None,
        fixed_ips: vec![IpAddr::from([192, 0, 2, number])],
        allowed_address_pairs: Vec::new(),
        security_groups: vec![SecurityGroup::builtin_default()],
        ipv6_addresses: vmhook::model::Ipv6Addresses::default(),
        dhcp_servers: None,
        remote_groups: Vec::new(),
        security: vmhook::model::PortSecurity::default(),
    }
}

/// A port whose domain names the tap.
fn named(port: Port) -> Port {
    let target = port.tap.as_ref().map(|tap| tap.name.clone());
    Port { target, ..port }
}

fn want(domain: u8, ports: Vec<Port>) -> Want {
    Want {
        generation: 1,
        epoch: epoch(),
        uuid: format!("00000000-0000-4000-8000-00000000000{domain}")
            .parse()
            .unwrap(),
        name: format!("vm{domain}"),
        phase: Phase::Started,
        call: Call::Start,
        caller: Process { pid: 1, start: 1 },
        options: Options::default(),
        incoming: false,
        basis: Basis::default(),
        said: None,
        ports,
        networks: vec![network("lab", 267)],
    }
}

fn stopped(want: &Want) -> Want {
    let untapped = |port: &Port| Port {
        tap: None,
        ..port.clone()
    };
    Want {
        phase: Phase::Prepared,
        ports: want.ports.iter().map(untapped).collect(),
        ..want.clone()
    }
}

fn gone(want: &Want) -> Want {
    Want {
        phase: Phase::Gone,
        ports: Vec::new(),
        networks: Vec::new(),
        ..want.clone()
    }
}

fn settled(before: &Records, wants: &[Want]) -> Transaction {
    settled_on(&HostFacts::default(), before, wants)
}

/// No network is on a bridge of the host's.
static NO_SWITCHES: BTreeMap<IfName, BridgeSwitches> = BTreeMap::new();

fn settled_on(facts: &HostFacts, before: &Records, wants: &[Want]) -> Transaction {
    let around = Surroundings {
        facts: Some(facts),
        machine_id: "machine",
        capabilities: Capabilities::default(),
        backend: IptablesBackend::Nft,
        switches: &NO_SWITCHES,
        observed: None,
        renewal: None,
    };
    settle(before, wants, around)
}

/// The records of a host on which these wants are applied.
fn with(wants: &[Want]) -> Records {
    settled(&Records::empty(epoch()), wants).after
}

/// The connections that a plan forgets: `zone address …`.
fn forgets(plan: &Plan) -> Vec<String> {
    let forget = |step: &Step| match step {
        Step::Connections(forget) => {
            let addresses = forget.addresses.iter().map(|ip| format!(" {ip}"));
            Some(format!("{}{}", forget.zone, addresses.collect::<String>()))
        }
        _ => None,
    };
    plan.steps.iter().filter_map(forget).collect()
}
