//! A network of the configuration, on this host.

mod local_ip;
mod physical;
mod vxlan;

use std::fmt::Display;

use crate::config::{Config, NetworkConfig, NetworkKindConfig};
use crate::facts::{HostFacts, LinkFact, LinkKind};
use crate::model::{IfName, Mtu, Network, NetworkId, NetworkKind, Vlan};
use crate::plan::link::alias;

pub use local_ip::{destination, local_ip};

/// What a network must be on this host.
///
/// # Errors
/// Why it cannot be: a tunnel end point that no device has, an underlay too small for the network's
/// MTU, a physical network without a device, a name, a VNI or a VLAN that something else has.
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
    };
    check_bridge(&network.bridge, &network.id, facts)?;
    Ok(Network {
        id: network.id.clone(),
        name: network.name.clone(),
        bridge: network.bridge.clone(),
        mtu,
        clamp_mss: network.clamp_mss,
        kind,
        keep: network.keep,
    })
}

/// The links of a network besides its bridge, by name: what must be known of this host to resolve it.
pub fn devices(config: &Config, network: &NetworkConfig) -> Vec<IfName> {
    let physical = |name: &str| physical::device(config, name).into_iter().cloned();
    match &network.kind {
        NetworkKindConfig::Vxlan(vxlan) => {
            let ends_at = local_ip::device(config).into_iter().cloned();
            ends_at.chain([vxlan::device(vxlan.vni)]).collect()
        }
        NetworkKindConfig::Vlan(vlan) => physical(&vlan.physical_network)
            .flat_map(|parent| [Vlan::of(&parent, vlan.vlan).device, parent])
            .collect(),
        NetworkKindConfig::Flat(flat) => physical(&flat.physical_network).collect(),
        NetworkKindConfig::Local => Vec::new(),
    }
}

fn is_ours(link: &LinkFact, id: &NetworkId) -> bool {
    link.alias.as_deref() == Some(alias(id).as_str())
}

/// That a device of this name is somebody else's: what it is, and what the network needs there.
fn not_ours(link: &LinkFact, wanted: &impl Display, facts: &HostFacts) -> String {
    let LinkFact { name, .. } = link;
    let found = found(link, facts);
    format!(
        "a device named {name} is there already and was not made by vmhook: it is {found}, and this \
         network needs {wanted}; remove it (ip link delete {name})"
    )
}

/// What a device is, in the words of [`Tunnel`](crate::model::Tunnel) and [`Vlan`].
fn found(link: &LinkFact, facts: &HostFacts) -> String {
    let on = |index: Option<u32>| {
        let link = index.and_then(|index| facts.link_by_index(index));
        link.map_or("another device", |link| link.name.as_str())
    };
    match &link.kind {
        LinkKind::Vxlan(fact) => {
            let vni = fact
                .vni
                .map_or("no VNI".to_owned(), |vni| format!("VNI {vni}"));
            let local = fact
                .local
                .map_or("none".to_owned(), |local| local.to_string());
            let group = fact.group.map(|group| format!(", multicast group {group}"));
            format!(
                "{vni}, local address {local} on {}, UDP port {}{}",
                on(fact.underlay),
                fact.port,
                group.unwrap_or_default()
            )
        }
        LinkKind::Vlan(fact) => {
            let id = fact
                .id
                .map_or("of another tag".to_owned(), |id| id.to_string());
            format!("VLAN {id} of {}", on(fact.parent))
        }
        LinkKind::Bridge(_) => "a bridge".to_owned(),
        LinkKind::Tun => "a tap".to_owned(),
        LinkKind::Other(kind) if kind.is_empty() => "a physical device".to_owned(),
        LinkKind::Other(kind) => format!("a device of kind {kind}"),
    }
}

fn check_bridge(name: &IfName, id: &NetworkId, facts: &HostFacts) -> Result<(), String> {
    match facts.link(name) {
        None => Ok(()),
        Some(link) if matches!(link.kind, LinkKind::Bridge(_)) && is_ours(link, id) => Ok(()),
        Some(link) => {
            let alias = alias(id);
            Err(match &link.alias {
                Some(other) if link.is_ours() && *other != alias => format!(
                    "a device named {name} is there already and was made for another network \
                     (alias {other:?}, not {alias:?}); use another network id"
                ),
                _ => not_ours(link, &format!("a bridge with alias {alias:?}"), facts),
            })
        }
    }
}
