//! The host's own end of a network: whether its addresses can be had on this host.

use std::collections::BTreeSet;
use std::net::IpAddr;

use ipnet::IpNet;

use crate::config::{Config, NetworkConfig, NetworkKindConfig, VxlanConfig};
use crate::facts::{AddressFact, HostFacts, LinkFact, LinkKind};
use crate::model::{Family, HostAddress, HostEnd, IfName, Mtu, NetworkId};

use super::adopt::found;
use super::{is_ours, local_ip};
use crate::plan::link::UNFINISHED;

/// The smallest MTU on which the kernel speaks IPv6 (RFC 8200).
const IPV6_MTU: u32 = 1280;

/// IANA's VXLAN port and the kernel's: tunnels of others are there, of which no configuration of ours tells.
const USUAL_PORTS: [u16; 2] = [4789, 8472];

/// The end that the configuration gives the host; `None` if it gives it none.
///
/// # Errors
/// An address whose prefix another link has already, or a tunnel's other end; a device of the pair's
/// names that is somebody else's.
pub(super) fn host_end(
    config: &Config,
    (network, mtu): (&NetworkConfig, Mtu),
    facts: &HostFacts,
) -> Result<Option<HostEnd>, String> {
    let Some(addresses) = &network.host_addresses else {
        return Ok(None);
    };
    for name in [network.id.host_end(), network.id.host_port()] {
        check_device(&name, &network.id, facts)?;
    }
    for address in addresses {
        let refuse = |cause: String| {
            let name = &network.name;
            format!("host_address {address} of network {name} cannot be had: {cause}")
        };
        if Family::of(address.address()) == Family::Ipv6 && u32::from(mtu) < IPV6_MTU {
            let cause = format!("IPv6 needs an MTU of {IPV6_MTU}, and the network's is {mtu}");
            return Err(refuse(cause));
        }
        check_links(*address, &network.id, facts).map_err(refuse)?;
        check_tunnels(*address, config, facts).map_err(refuse)?;
    }
    Ok(Some(HostEnd {
        addresses: addresses.clone(),
        tunnel_ports: tunnel_ports(config),
    }))
}

/// Every UDP port on which this host, or another one by the same configuration, has a tunnel's end.
fn tunnel_ports(config: &Config) -> BTreeSet<u16> {
    let host = config.host.as_ref().ok().map(|host| host.vxlan_port);
    let networks = vxlans(config).filter_map(|(_, vxlan)| vxlan.port);
    USUAL_PORTS
        .into_iter()
        .chain(host)
        .chain(networks)
        .collect()
}

fn vxlans(config: &Config) -> impl Iterator<Item = (&NetworkConfig, &VxlanConfig)> {
    let networks = config.networks.values().flatten();
    networks.filter_map(|network| match &network.kind {
        NetworkKindConfig::Vxlan(vxlan) => Some((network, vxlan)),
        _ => None,
    })
}

/// A link of this name is our own pair's, or there is none.
fn check_device(name: &IfName, id: &NetworkId, facts: &HostFacts) -> Result<(), String> {
    match facts.link(name) {
        Some(link) if !(is_ours(link, id) && matches!(link.kind, LinkKind::Veth(_))) => {
            Err(format!(
                "a device named {name} is there already and was not made by vmhook: it is {}, and this \
                 network needs the host's end of it; rename it (ip link set {name} name OTHER)",
                found(link, facts)
            ))
        }
        _ => Ok(()),
    }
}

/// What is behind another link already nobody would find behind this one.
fn check_links(address: HostAddress, id: &NetworkId, facts: &HostFacts) -> Result<(), String> {
    let own = id.host_end();
    // What a death left unfinished is nobody's.
    let is_own =
        |link: &LinkFact| link.name == UNFINISHED || link.name == own.as_str() && is_ours(link, id);
    let taken = |fact: &&AddressFact| {
        let on = facts.link_by_index(fact.link);
        let meets = address.overlaps(fact.on_link) || address.overlaps(fact.address.into());
        !on.is_some_and(is_own) && meets
    };
    let Some(fact) = facts.addresses.iter().find(taken) else {
        return Ok(());
    };
    let on = facts.link_by_index(fact.link);
    let on = on.map_or("another device", |link| link.name.as_str());
    Err(format!(
        "{on} has {}, whose prefix overlaps; give the network another one",
        fact.with_prefix()
    ))
}

/// The way to a tunnel's other end would lead into the network.
fn check_tunnels(address: HostAddress, config: &Config, facts: &HostFacts) -> Result<(), String> {
    let net = address.net();
    let inside = |vtep: &IpAddr| address.overlaps(IpNet::from(*vtep));
    if let Ok(local) = local_ip(config, facts)
        && inside(&local.address())
    {
        return Err(format!("local_ip {local} of [host] is in {}", net.trunc()));
    }
    for (network, vxlan) in vxlans(config) {
        let peers = vxlan.flood.iter().copied();
        let peers = peers.chain(vxlan.hosts.iter().map(|port| port.vtep));
        let mut peers = peers.map(crate::model::Vtep::address);
        if let Some(peer) = peers.find(inside) {
            return Err(format!(
                "network {} has a peer {peer} in {}",
                network.name,
                net.trunc()
            ));
        }
    }
    Ok(())
}
