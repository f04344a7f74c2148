//! The tunnel of a VXLAN network.

use super::adopt::{self, Needed};
use super::local_ip;
use crate::config::{Config, NetworkConfig, VxlanConfig};
use crate::facts::{HostFacts, LinkFact, LinkKind, VxlanFact};
use crate::model::{Family, IfName, Mtu, NetworkKind, Tunnel, Vni, Vtep, Vxlan};
use crate::plan::link::UNFINISHED;

/// The tunnel, and the MTU that it leaves.
pub(super) fn kind(
    config: &Config,
    (network, vxlan): (&NetworkConfig, &VxlanConfig),
    facts: &HostFacts,
) -> Result<(Mtu, NetworkKind), String> {
    let host = config.host.as_ref().map_err(ToString::to_string)?;
    let local = local_ip(config, facts)?;
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
        port: vxlan.port.unwrap_or(host.vxlan_port),
        options: vxlan.options(),
    };
    check_group(&tunnel)?;
    check_device(&tunnel, network, facts)?;
    let vxlan = Vxlan {
        tunnel,
        outer: vxlan.outer.clone(),
        flood: without(local, &vxlan.flood, |peer| *peer),
        hosts: without(local, &vxlan.hosts, |port| port.vtep),
    };
    Ok((mtu, NetworkKind::Vxlan(vxlan)))
}

/// A list that serves all hosts, without this one's part.
fn without<T: Clone>(local: Vtep, all: &[T], end: impl Fn(&T) -> Vtep) -> Vec<T> {
    let others = all.iter().filter(|it| end(it) != local);
    others.cloned().collect()
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

/// A group is joined on the device that has the local address, and from there packets to it go out.
fn check_group(tunnel: &Tunnel) -> Result<(), String> {
    match tunnel.options.group {
        Some(group) if tunnel.underlay.as_str() == "lo" => Err(format!(
            "multicast group {group} needs a device that leads to the other hosts, but local_ip {} \
             is on lo; set [host] local_ip to an address of that device",
            tunnel.local
        )),
        _ => Ok(()),
    }
}

fn check_device(tunnel: &Tunnel, network: &NetworkConfig, facts: &HostFacts) -> Result<(), String> {
    let Tunnel {
        vni, device, port, ..
    } = tunnel;
    if let Some(link) = facts.link(device) {
        let place = (&network.id, &network.bridge);
        adopt::check(link, Needed::Tunnel(tunnel), place, facts)?;
    }
    let same = |fact: &VxlanFact| fact.vni == Some(*vni) && fact.port == *port;
    let taken = |link: &&LinkFact| {
        let is_one = matches!(&link.kind, LinkKind::Vxlan(fact) if same(fact));
        is_one && link.name != UNFINISHED && link.name != device.as_str()
    };
    if let Some(link) = facts.links.iter().find(taken) {
        return Err(format!(
            "VNI {vni} on UDP port {port} is used by device {} already",
            link.name
        ));
    }
    check_checksum(tunnel, facts)
}

/// Over IPv6 all VXLAN devices on a port share a socket, which takes packets without a UDP checksum or
/// does not.
fn check_checksum(tunnel: &Tunnel, facts: &HostFacts) -> Result<(), String> {
    let wanted = tunnel.options.udp_checksum;
    let other = |link: &&LinkFact| match &link.kind {
        LinkKind::Vxlan(fact) => {
            let six = fact.local.is_some_and(|local| local.is_ipv6());
            let shares = six && fact.port == tunnel.port && link.name != tunnel.device.as_str();
            shares && link.up && fact.takes_no_checksum6 == wanted
        }
        _ => false,
    };
    if tunnel.local.address().is_ipv4() {
        return Ok(());
    }
    match facts.links.iter().find(other) {
        Some(link) => Err(format!(
            "udp_checksum = {wanted} here, but device {} on UDP port {} is made with {}, and over \
             IPv6 all on a port are alike; set it alike, or another `port`",
            link.name, tunnel.port, !wanted
        )),
        None => Ok(()),
    }
}
