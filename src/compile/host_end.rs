//! The host's own end of a network.

use std::collections::BTreeSet;
use std::net::IpAddr;

use ipnet::IpNet;

use super::device_mac;
use crate::firewall::guard::{Guard, Tables, host_end_elements};
use crate::model::{Family, HostAddress, HostEnd, Neighbour, Network, NetworkKind, Zone};
use crate::plan::host_end::HostEndPair;
use crate::state::{HostState, OwnLink};

/// The pair of devices, its port on the bridge, and its place in the guard. Where other hosts are told of
/// addresses, they are told of the host's too.
pub(super) fn compile_host_end(
    (network, zone): (&Network, Zone),
    end: &HostEnd,
    machine_id: &str,
) -> HostState {
    let pair = pair(network, end, machine_id);
    let mut state = HostState {
        enslaved: [(pair.port.clone(), network.bridge.clone())].into(),
        guard: Guard {
            tables: Tables::Made,
            elements: host_end_elements(&pair, &end.tunnel_ports, zone),
        },
        ..HostState::default()
    };
    if network.tells_addresses() {
        let told = pair.ips().filter(IpAddr::is_ipv4);
        let neighbours = told.map(|address| Neighbour {
            device: network.bridge.clone(),
            address,
            mac: pair.mac,
        });
        state.neighbours = neighbours.collect();
    }
    let port = OwnLink::HostPort(pair.name.clone());
    state.links.insert(pair.port.clone(), port);
    state
        .links
        .insert(pair.name.clone(), OwnLink::HostEnd(pair));
    state
}

/// What else tells this host's end of the network from those of other hosts: their machine id is the same
/// where one is another's copy.
fn place(network: &Network) -> String {
    match &network.kind {
        NetworkKind::Vxlan(vxlan) => format!("/{}", vxlan.tunnel.local),
        NetworkKind::Vlan(_)
        | NetworkKind::Flat(_)
        | NetworkKind::Local
        | NetworkKind::Bridge(_) => String::new(),
    }
}

/// The host asks for neighbours from its link-local address, where it asks in another's name: that of a
/// packet that it routes.
fn pair(network: &Network, end: &HostEnd, machine_id: &str) -> HostEndPair {
    let mac_of = |what: &str| {
        device_mac(
            machine_id,
            &network.id,
            &format!("{what}{}", place(network)),
        )
    };
    let mac = mac_of("host end");
    let given = end.addresses.iter().copied().map(HostAddress::net);
    let mut addresses: BTreeSet<IpNet> = given.collect();
    let has_ipv6 = |net: &IpNet| Family::of(net.addr()) == Family::Ipv6;
    if addresses.iter().any(has_ipv6) {
        let link_local = IpNet::new(mac.eui64_link_local().into(), 64);
        addresses.extend(link_local);
    }
    HostEndPair {
        name: network.id.host_end(),
        port: network.id.host_port(),
        mac,
        port_mac: mac_of("host port"),
        mtu: network.mtu,
        addresses,
        network: network.id.clone(),
    }
}
