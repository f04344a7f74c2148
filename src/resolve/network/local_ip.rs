//! Which address of this host its tunnels end at.
//!
//! What the host's links tell can change while it runs: a network keeps the address that it was made
//! with, and a start that finds another one is refused with both, as any change of a tunnel is.

use std::net::IpAddr;

use crate::config::{Config, LocalIp};
use crate::facts::HostFacts;
use crate::model::{Family, IfName, Vtep};

/// The address of `[host] local_ip` on this host.
///
/// # Errors
/// Why there is none: it is not given, the device is not there or has no such address or several, the
/// host has no route.
pub fn local_ip(config: &Config, facts: &HostFacts) -> Result<Vtep, String> {
    let host = config.host.as_ref().map_err(ToString::to_string)?;
    match &host.local_ip {
        None => Err("local_ip is missing in [host]".to_owned()),
        Some(LocalIp::Is(address)) => Ok(*address),
        Some(LocalIp::Of { device, family }) => of_device(device, *family, facts),
        Some(LocalIp::Towards(other)) => towards(other.address(), facts),
    }
}

/// The host of which the kernel must be asked from what address it is spoken to.
pub fn destination(config: &Config) -> Option<IpAddr> {
    match config.host.as_ref().ok()?.local_ip.as_ref()? {
        LocalIp::Towards(other) => Some(other.address()),
        LocalIp::Is(_) | LocalIp::Of { .. } => None,
    }
}

/// The device whose address is asked for.
pub(super) fn device(config: &Config) -> Option<&IfName> {
    match config.host.as_ref().ok()?.local_ip.as_ref()? {
        LocalIp::Of { device, .. } => Some(device),
        LocalIp::Is(_) | LocalIp::Towards(_) => None,
    }
}

fn of_device(device: &IfName, family: Family, facts: &HostFacts) -> Result<Vtep, String> {
    let link = facts.link(device).ok_or_else(|| {
        format!("local_ip is that of device {device}, which this host does not have")
    })?;
    let addresses = facts.addresses.iter().filter(|fact| {
        fact.link == link.index && fact.lasting && Family::of(fact.address) == family
    });
    let addresses: Vec<IpAddr> = addresses.map(|fact| fact.address).collect();
    match addresses.as_slice() {
        [address] => usable(*address),
        [] => Err(format!(
            "local_ip is that of device {device}, which has no {family} address that lasts (global, and \
             neither secondary, temporary, deprecated nor tentative)"
        )),
        several => {
            let several: Vec<String> = several.iter().map(ToString::to_string).collect();
            Err(format!(
                "local_ip is that of device {device}, which has {}; say which: local_ip = \"{}\"",
                several.join(" and "),
                several[0]
            ))
        }
    }
}

fn towards(other: IpAddr, facts: &HostFacts) -> Result<Vtep, String> {
    let address = *facts.sources.get(&other).ok_or_else(|| {
        format!("local_ip is the address from which {other} is reached, and this host has no route")
    })?;
    let mut known = facts.addresses.iter();
    let fact = known.find(|fact| fact.address == address);
    // IPv4 has no temporary addresses, and a route may well name a second one as its source.
    if address.is_ipv6() && fact.is_some_and(|fact| !fact.lasting) {
        return Err(format!(
            "local_ip is the address from which {other} is reached, which is {address} now, and that \
             one does not last (temporary, deprecated, tentative or of its link alone); name one that \
             does"
        ));
    }
    usable(address)
}

fn usable(address: IpAddr) -> Result<Vtep, String> {
    Vtep::try_from(address).map_err(|error| format!("local_ip: {error}"))
}
