//! From networks and ports to what the kernel must have.
//!
//! Three parts, each a [`HostState`] that adds to the others: the skeleton (once a host), a network,
//! a port. Only a port with a tap has rules: one that is merely prepared is known to nobody, and is
//! therefore closed.

mod host_end;
mod reach;

use crate::firewall::Membership;
use crate::firewall::guard::{
    Guard, Tables, closed_port_elements, network_elements, port_elements,
};
use crate::firewall::iptables::{
    Options, Place, Ruleset, existing_rules, host_end_rules, host_side_rules, network_rules,
    port_rules, skeleton,
};
use crate::firewall::tracking::Tracking;
use crate::model::{
    Family, IfName, MacAddr, Network, NetworkId, NetworkKind, Port, Tap, Vlan, Vxlan, Zone,
};
use crate::plan::link::{Bridge, VlanDevice, VxlanDevice};
use crate::state::{HostState, OwnLink};

pub(crate) use reach::compile_announcement;

/// What is there once, while any network has rules: the chains that all ports share.
pub fn compile_skeleton(options: &Options) -> HostState {
    HostState {
        v4: skeleton(options),
        v6: skeleton(options),
        ..HostState::default()
    }
}

/// A network's links, what they know of other hosts, and its place in the guard; once it serves a port,
/// also the rules that give its packets their conntrack zone.
pub fn compile_network(
    (network, zone): (&Network, Zone),
    serving: Option<&Serving<'_>>,
    machine_id: &str,
) -> HostState {
    let mut state = HostState {
        guard: Guard {
            tables: Tables::Made,
            elements: network_elements(network, zone),
        },
        ..HostState::default()
    };
    if network.existing().is_none() {
        let bridge = OwnLink::Bridge(compile_bridge(network, machine_id));
        state.links.insert(network.bridge.clone(), bridge);
    }
    match &network.kind {
        NetworkKind::Vxlan(vxlan) => state.merge(&compile_tunnel(network, vxlan)),
        NetworkKind::Vlan(vlan) => state.merge(&compile_vlan(network, vlan)),
        NetworkKind::Flat(device) => state.merge(&joined(device, network)),
        NetworkKind::Local | NetworkKind::Bridge(_) => {}
    }
    if let Some(end) = &network.host_end {
        state.merge(&host_end::compile_host_end(
            (network, zone),
            end,
            machine_id,
        ));
    }
    if let Some(serving) = serving {
        [state.v4, state.v6] = compile_tracking((network, zone), serving);
    }
    state
}

/// The bridge that we make for a network.
fn compile_bridge(network: &Network, machine_id: &str) -> Bridge {
    Bridge {
        name: network.bridge.clone(),
        mac: bridge_mac(machine_id, &network.id),
        mtu: network.mtu,
        network: network.id.clone(),
    }
}

/// The device behind a VXLAN network's bridge, and where its frames go.
fn compile_tunnel(network: &Network, vxlan: &Vxlan) -> HostState {
    let name = &vxlan.tunnel.device;
    let device = VxlanDevice {
        tunnel: vxlan.tunnel.clone(),
        outer: vxlan.outer.clone(),
        mtu: network.mtu,
        network: network.id.clone(),
    };
    HostState {
        links: [(name.clone(), OwnLink::Vxlan(device))].into(),
        enslaved: [(name.clone(), network.bridge.clone())].into(),
        ..reach::compile_reach(vxlan)
    }
}

/// The device behind a VLAN network's bridge.
fn compile_vlan(network: &Network, vlan: &Vlan) -> HostState {
    let device = VlanDevice {
        vlan: vlan.clone(),
        mtu: network.mtu,
        network: network.id.clone(),
    };
    HostState {
        links: [(vlan.device.clone(), OwnLink::Vlan(device))].into(),
        ..joined(&vlan.device, network)
    }
}

/// A device as a port of the network's bridge.
fn joined(device: &IfName, network: &Network) -> HostState {
    HostState {
        enslaved: [(device.clone(), network.bridge.clone())].into(),
        ..HostState::default()
    }
}

/// What a network that serves a port has besides.
#[derive(Debug, Clone)]
pub struct Serving<'a> {
    /// How rules are written.
    pub options: &'a Options,
    /// Whose packets are tracked in it.
    pub tracking: Tracking,
}

/// A network's rules of each family.
pub fn compile_tracking((network, zone): (&Network, Zone), serving: &Serving<'_>) -> [Ruleset; 2] {
    let place = Place {
        bridge: &network.bridge,
        network: &network.id,
        zone,
    };
    let Serving { options, tracking } = serving;
    Family::BOTH.map(|family| {
        let mut rules = match network.existing() {
            Some(existing) => existing_rules(options, place, (existing, tracking), family),
            None => network_rules(options, place, tracking, family),
        };
        if network.host_end.is_some() {
            rules.merge(&host_end_rules(options, &network.id.host_port()));
        }
        rules
    })
}

/// What an open port has because its bridge is the host's.
pub fn compile_host_side(
    options: &Options,
    network: &Network,
    (port, tap): (&Port, &Tap),
) -> HostState {
    let rules = |family| host_side_rules(options, network, (port, tap), family);
    HostState {
        v4: rules(Family::Ipv4),
        v6: rules(Family::Ipv6),
        ..HostState::default()
    }
}

/// What a port has that is not open: the host is silent on the tap that it will get.
pub fn compile_closed_port(port: &Port) -> HostState {
    HostState {
        guard: Guard {
            tables: Tables::Made,
            elements: closed_port_elements(port),
        },
        ..HostState::default()
    }
}

/// The chains of a port that is open on the network of this zone, and its place in the guard.
pub fn compile_port(
    options: &Options,
    zone: Zone,
    (port, tap): (&Port, &Tap),
    membership: &Membership,
) -> HostState {
    let rules = |family| port_rules(options, port, membership, family);
    HostState {
        v4: rules(Family::Ipv4),
        v6: rules(Family::Ipv6),
        guard: Guard {
            tables: Tables::Made,
            elements: port_elements(zone, port, tap),
        },
        ..HostState::default()
    }
}

/// The Ethernet address of a network's bridge on this machine: the same each time, and another one
/// on every host, from a hash (FNV-1a, 64 bits) of machine id and network id.
pub fn bridge_mac(machine_id: &str, network: &NetworkId) -> MacAddr {
    mac_of(&format!("{machine_id}/{network}"))
}

/// That of another device of the network, told from the bridge's by what it is.
fn device_mac(machine_id: &str, network: &NetworkId, what: &str) -> MacAddr {
    mac_of(&format!("{machine_id}/{network}/{what}"))
}

fn mac_of(text: &str) -> MacAddr {
    let hash = crate::model::fnv1a(text.as_bytes());
    let [.., first, second, third, fourth, fifth, sixth] = hash.to_be_bytes();
    MacAddr::local([first, second, third, fourth, fifth, sixth])
}
