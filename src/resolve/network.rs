//! A network of the configuration, on this host.

use crate::config::{Config, NetworkConfig, NetworkKindConfig, VxlanConfig};
use crate::facts::{HostFacts, LinkFact, LinkKind, VxlanFact};
use crate::model::{Family, IfName, Mtu, Network, NetworkId, NetworkKind, Tunnel, Vtep, Vxlan};
use crate::plan::link::{UNFINISHED, alias};

/// What a network must be on this host.
///
/// # Errors
/// Why it cannot be: a tunnel end point that no device has, an underlay too small for the network's
/// MTU, a name or a VNI that something else has.
pub fn network(
    config: &Config,
    network: &NetworkConfig,
    facts: &HostFacts,
) -> Result<Network, String> {
    let NetworkKindConfig::Vxlan(vxlan) = &network.kind;
    let host = config.host.as_ref().map_err(ToString::to_string)?;
    let local = host.local_ip.ok_or("local_ip is missing in [host]")?;
    let underlay = underlay(local, facts)?;
    let name = underlay
        .name
        .parse::<IfName>()
        .map_err(|error| error.to_string())?;
    let mtu = mtu(network, local, underlay)?;
    let tunnel = Tunnel {
        vni: vxlan.vni,
        device: device(network),
        local,
        underlay: name,
        port: host.vxlan_port,
    };
    check_bridge(&network.bridge, &network.id, facts)?;
    check_device(&tunnel, &network.id, facts)?;
    Ok(Network {
        id: network.id.clone(),
        name: network.name.clone(),
        bridge: network.bridge.clone(),
        mtu,
        kind: NetworkKind::Vxlan(Vxlan {
            tunnel,
            flood: vxlan.flood.clone(),
        }),
    })
}

/// The device behind a network's bridge, by Neutron's name: `vxlan-<vni>`.
pub fn device(network: &NetworkConfig) -> IfName {
    let NetworkKindConfig::Vxlan(VxlanConfig { vni, .. }) = &network.kind;
    let name = format!("vxlan-{vni}");
    name.parse()
        .expect("vxlan- and at most eight digits are a device's name")
}

fn underlay(local: Vtep, facts: &HostFacts) -> Result<&LinkFact, String> {
    let link = facts.carrier(local.address()).ok_or_else(|| {
        format!("no device of this host has local_ip {local}; set [host] local_ip to one that has")
    })?;
    if link.up {
        Ok(link)
    } else {
        Err(format!(
            "{}, which has local_ip {local}, is down",
            link.name
        ))
    }
}

/// Outer headers of a VXLAN packet (RFC 7348): IP, 8 bytes of UDP, 8 of VXLAN, 14 of Ethernet.
fn overhead(local: Vtep) -> u32 {
    match Family::of(local.address()) {
        Family::Ipv4 => 50,
        Family::Ipv6 => 70,
    }
}

fn mtu(network: &NetworkConfig, local: Vtep, underlay: &LinkFact) -> Result<Mtu, String> {
    let LinkFact {
        name: device,
        mtu: below,
        ..
    } = underlay;
    let overhead = overhead(local);
    let most = below.saturating_sub(overhead).min(65535);
    let wanted = network.mtu.map_or(most, u32::from);
    if wanted > most {
        return Err(format!(
            "network {} has MTU {wanted}, but {device} with MTU {below} carries at most {most} \
             behind {overhead} bytes of VXLAN",
            network.name
        ));
    }
    Mtu::try_from(wanted)
        .map_err(|error| format!("{device} has MTU {below}, too small for VXLAN: {error}"))
}

fn is_ours(link: &LinkFact, id: &NetworkId) -> bool {
    link.alias.as_deref() == Some(alias(id).as_str())
}

fn check_bridge(name: &IfName, id: &NetworkId, facts: &HostFacts) -> Result<(), String> {
    match facts.link(name) {
        None => Ok(()),
        Some(link) if matches!(link.kind, LinkKind::Bridge(_)) && is_ours(link, id) => Ok(()),
        Some(_) => Err(format!(
            "a device named {name} is there already and was not made by vmhook for this network \
             (alias {:?}); remove it, or use another network id",
            alias(id)
        )),
    }
}

fn check_device(tunnel: &Tunnel, id: &NetworkId, facts: &HostFacts) -> Result<(), String> {
    let Tunnel {
        vni, device, port, ..
    } = tunnel;
    if let Some(link) = facts.link(device)
        && !is_ours(link, id)
    {
        return Err(format!(
            "a device named {device} is there already and was not made by vmhook"
        ));
    }
    let same = |fact: &VxlanFact| fact.vni == Some(*vni) && fact.port == *port;
    let taken = |link: &&LinkFact| {
        let is_one = matches!(&link.kind, LinkKind::Vxlan(fact) if same(fact));
        is_one && link.name != UNFINISHED && !is_ours(link, id)
    };
    match facts.links.iter().find(taken) {
        Some(link) => Err(format!(
            "VNI {vni} on UDP port {port} is used by device {} already",
            link.name
        )),
        None => Ok(()),
    }
}
