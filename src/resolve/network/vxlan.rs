//! The tunnel of a VXLAN network.

use super::is_ours;
use crate::config::{Config, NetworkConfig, VxlanConfig};
use crate::facts::{HostFacts, LinkFact, LinkKind, VxlanFact};
use crate::model::{Family, IfName, Mtu, NetworkId, NetworkKind, Tunnel, Vni, Vtep, Vxlan};
use crate::plan::link::UNFINISHED;

/// The tunnel, and the MTU that it leaves.
pub(super) fn kind(
    config: &Config,
    (network, vxlan): (&NetworkConfig, &VxlanConfig),
    facts: &HostFacts,
) -> Result<(Mtu, NetworkKind), String> {
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
        device: device(vxlan.vni),
        local,
        underlay: name,
        port: host.vxlan_port,
    };
    check_device(&tunnel, &network.id, facts)?;
    let flood = vxlan.flood.clone();
    Ok((mtu, NetworkKind::Vxlan(Vxlan { tunnel, flood })))
}

/// `vxlan-<vni>`
pub(super) fn device(vni: Vni) -> IfName {
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
