//! From configuration, domain and host to ports and networks: each refusal with its words.
#![expect(clippy::unwrap_used, reason = "the values are written here")]

mod claim;
mod network;
mod port;
mod port_security;
mod tap;

use vmhook::config::{Config, GuestMtu, NetworkConfig, Source, load};
use vmhook::domain::{Domain, parse_domain};
use vmhook::facts::{AddressFact, BridgeFact, HostFacts, LinkFact, LinkKind, VxlanFact};
use vmhook::model::{MacAddr, Mtu, Network, NetworkKind, Port, PortSecurity, Tap};
use vmhook::resolve::{self, Claimed, Origin, ResolvedPort, Sources};

const HOST: &str = "[host]\nlocal_ip = \"172.16.0.31\"\n";
const LAB: &str = "[network.lab]\nid = \"lab\"\ntype = \"vxlan\"\nvni = 267\n";

fn config(text: &str) -> Config {
    load(&[Source {
        name: "vmhook.toml".to_owned(),
        text: Ok(text.to_owned()),
    }])
}

fn lab() -> Config {
    config(&format!("{HOST}{LAB}"))
}

fn network_of(config: &Config) -> &NetworkConfig {
    config.networks["lab"].as_ref().unwrap()
}

fn link(index: u32, name: &str, kind: LinkKind, mtu: u32) -> LinkFact {
    LinkFact {
        index,
        name: name.to_owned(),
        kind,
        mtu,
        mac: None,
        alias: None,
        master: None,
        up: true,
        suppresses: false,
    }
}

fn physical() -> LinkKind {
    LinkKind::Other(String::new())
}

fn vxlan(vni: u32, port: u16) -> LinkKind {
    LinkKind::Vxlan(VxlanFact {
        vni: Some(vni.try_into().unwrap()),
        local: None,
        group: None,
        underlay: None,
        port,
        source_ports: (0, 0),
        udp_checksum: true,
        takes_no_checksum6: false,
        ttl: 0,
        tos: 0,
        learning: true,
        proxy: false,
    })
}

/// A host whose `eth0` has this address and MTU.
fn host(address: &str, mtu: u32) -> HostFacts {
    HostFacts {
        links: vec![link(2, "eth0", physical(), mtu)],
        addresses: vec![AddressFact {
            link: 2,
            address: address.parse().unwrap(),
            on_link: format!("{address}/24")
                .parse::<ipnet::IpNet>()
                .unwrap()
                .trunc(),
            lasting: true,
        }],
        ..HostFacts::default()
    }
}

fn with(more: LinkFact) -> HostFacts {
    let mut facts = host("172.16.0.31", 1500);
    facts.links.push(more);
    facts
}

fn ours(link: LinkFact) -> LinkFact {
    LinkFact {
        alias: Some("vmhook:network=lab".to_owned()),
        ..link
    }
}

fn resolved(config: &Config, facts: &HostFacts) -> Result<Network, String> {
    resolve::network(config, network_of(config), facts)
}
