//! A network of the configuration, on this host.

mod adopt;
mod existing;
mod host_end;
mod local_ip;
mod physical;
mod vxlan;

use crate::config::{Config, NetworkConfig, NetworkKindConfig};
use crate::facts::{HostFacts, LinkFact};
use crate::model::{IfName, Mtu, Network, NetworkId, NetworkKind, Vlan};
use crate::plan::link::alias;

use adopt::Needed;

pub use existing::check_ports;
pub use local_ip::{destination, local_ip};

/// What a network must be on this host.
///
/// # Errors
/// Why it cannot be: a tunnel end point that no device has, an underlay too small for the network's
/// MTU, a physical network without a device, a name, a VNI or a VLAN that something else has, a bridge
/// of the host's that is not there, or that the host would be cut off from, an address of the host's
/// that it cannot have there.
pub fn network(
    config: &Config,
    network: &NetworkConfig,
    facts: &HostFacts,
) -> Result<Network, String> {
    let (mtu, kind) = match &network.kind {
        NetworkKindConfig::Vxlan(vxlan) => vxlan::kind(config, (network, vxlan), facts)?,
        NetworkKindConfig::Vlan(vlan) => physical::vlan(config, (network, vlan), facts)?,
        NetworkKindConfig::Flat(flat) => physical::flat(config, (network, flat), facts)?,
        NetworkKindConfig::Local => (network.mtu.unwrap_or(Mtu::ETHERNET), NetworkKind::Local),
        NetworkKindConfig::Bridge(named) => existing::existing(config, (network, named), facts)?,
    };
    let host_end = host_end::host_end(config, (network, mtu), facts)?;
    let resolved = Network {
        id: network.id.clone(),
        name: network.name.clone(),
        bridge: network.bridge.clone(),
        mtu,
        clamp_mss: network.clamp_mss,
        kind,
        keep: network.keep,
        host_end,
    };
    if let Some(link) = facts.link(&resolved.bridge)
        && resolved.existing().is_none()
    {
        let needed = Needed::Bridge(&resolved);
        adopt::check(link, needed, (&resolved.id, &resolved.bridge), facts)?;
    }
    Ok(resolved)
}

/// The links of a network besides its bridge, by name: what must be known of this host to resolve it.
pub fn devices(config: &Config, network: &NetworkConfig) -> Vec<IfName> {
    let physical = |name: &str| physical::device(config, name).into_iter().cloned();
    let to_host = [network.id.host_end(), network.id.host_port()];
    let to_host = network.host_addresses.iter().flat_map(|_| to_host.clone());
    let ways_out = match &network.kind {
        NetworkKindConfig::Vxlan(vxlan) => {
            let ends_at = local_ip::device(config).into_iter().cloned();
            ends_at.chain([vxlan::device(vxlan.vni)]).collect()
        }
        NetworkKindConfig::Vlan(vlan) => physical(&vlan.physical_network)
            .flat_map(|parent| [Vlan::of(&parent, vlan.vlan).device, parent])
            .collect(),
        NetworkKindConfig::Flat(flat) => physical(&flat.physical_network).collect(),
        NetworkKindConfig::Local => Vec::new(),
        NetworkKindConfig::Bridge(existing) => {
            let ports = existing.ways_out().cloned();
            ports.chain([network.bridge.clone()]).collect()
        }
    };
    ways_out.into_iter().chain(to_host).collect()
}

fn is_ours(link: &LinkFact, id: &NetworkId) -> bool {
    link.alias.as_deref() == Some(alias(id).as_str())
}
