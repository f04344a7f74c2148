//! Who is where: what a tunnel is told of ports on other hosts, and what is said of the ports of this one.

use crate::model::{Family, FdbEntry, Learning, Neighbour, Network, Port, Vxlan};
use crate::state::HostState;

/// Where a VXLAN network's frames go: to whom it floods, and behind which host the listed ports are.
///
/// A tunnel that knows its MAC addresses from the list answers for their addresses itself. By EVPN
/// all that is a routing daemon's business, and its bridge answers by what the daemon says.
pub(super) fn compile_reach(vxlan: &Vxlan) -> HostState {
    let device = &vxlan.tunnel.device;
    let entry = |mac, vtep| FdbEntry {
        device: device.clone(),
        mac,
        vtep,
    };
    let flood = vxlan.flood.iter().map(|peer| entry(None, *peer));
    let ports = vxlan.hosts.iter();
    let listed = ports.map(|port| entry(Some(port.mac), port.vtep));
    let mut state = HostState {
        fdb: flood.chain(listed).collect(),
        ..HostState::default()
    };
    match vxlan.tunnel.options.learning {
        Learning::Frames => {}
        Learning::Inventory => {
            let neighbours = vxlan.hosts.iter().flat_map(|port| {
                port.addresses.iter().map(|address| Neighbour {
                    device: device.clone(),
                    address: *address,
                    mac: port.mac,
                })
            });
            state.neighbours = neighbours.collect();
        }
        Learning::Evpn => state.suppressed = [device.clone()].into(),
    }
    state
}

/// What is said of an open port to the routing daemon that carries its network: who has its addresses,
/// as neighbours of the bridge. The daemon tells other hosts of them with the MAC address, as soon as
/// the bridge has seen a frame of it.
///
/// Of IPv4 alone: the kernel keeps no IPv6 neighbours where IPv6 is off, as it is on our bridges. And
/// only of its own addresses: one of an allowed pair may be another's at times.
pub(crate) fn compile_announcement(network: &Network, port: &Port) -> HostState {
    if !network.tells_addresses() {
        return HostState::default();
    }
    let addresses = port.fixed_ips_of(Family::Ipv4);
    let neighbours = addresses.map(|address| Neighbour {
        device: network.bridge.clone(),
        address,
        mac: port.mac,
    });
    HostState {
        neighbours: neighbours.collect(),
        ..HostState::default()
    }
}
