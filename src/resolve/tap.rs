//! A port's tap: is it the device that the port needs?

use crate::config::GuestMtu;
use crate::domain::Interface;
use crate::facts::HostFacts;
use crate::model::{IfName, Mtu, Network, Port, Tap};

/// Gives a port the tap that its interface names now: it must exist, be on the network's bridge,
/// and have no larger MTU than the network, or than the interface was let in with.
///
/// # Errors
/// What is not as it must be, with both values.
pub fn attach(
    port: &mut Port,
    interface: &Interface,
    network: &Network,
    facts: &HostFacts,
) -> Result<(), String> {
    let target = interface
        .target
        .as_deref()
        .ok_or("libvirt names no tap for it")?;
    let name: IfName = target
        .parse()
        .map_err(|error: crate::model::IfNameError| error.to_string())?;
    let link = facts
        .link(&name)
        .ok_or_else(|| format!("its tap {name} is not there"))?;
    let master = link.master.and_then(|index| facts.link_by_index(index));
    let on = master.map_or("no bridge", |bridge| bridge.name.as_str());
    if on != network.bridge.as_str() {
        return Err(format!(
            "its tap {name} is on {on}, not on {}",
            network.bridge
        ));
    }
    // A larger one that the interface names was judged when the port was resolved.
    let told = interface.mtu.clone().ok().flatten();
    let most = told.map_or(network.mtu, |told| told.max(network.mtu));
    if link.mtu > u32::from(most) {
        return Err(format!(
            "its tap {name} has MTU {}, network {} has {}",
            link.mtu, network.name, network.mtu
        ));
    }
    port.tap = Some(Tap {
        name,
        index: link.index,
    });
    Ok(())
}

/// What of its network's MTU an interface's guest does not know, in words; `None` if it is told what
/// fits. What does not fit is lost in silence: a bridge tells nobody.
///
/// # Errors
/// If the XML names no MTU where it should.
pub fn untold_mtu(interface: &Interface, network: &Network) -> Result<Option<String>, String> {
    let Network { name, mtu, .. } = network;
    let told = interface.mtu.clone().map_err(|error| error.to_string())?;
    Ok(match told {
        Some(told) if told > *mtu => Some(format!(
            "<mtu size='{told}'/> is above the {mtu} of network {name}; write <mtu size='{mtu}'/>"
        )),
        None if *mtu < Mtu::ETHERNET => Some(format!(
            "it has no <mtu>: unless DHCP tells its guest, that takes {}, and network {name} carries \
             {mtu}; write <mtu size='{mtu}'/>",
            Mtu::ETHERNET
        )),
        _ => None,
    })
}

/// Whether an interface may have what its guest is told; a warning where it may all the same.
///
/// # Errors
/// Why not, with both values.
pub fn check_mtu(
    interface: &Interface,
    network: &Network,
    policy: Option<GuestMtu>,
) -> Result<Option<String>, String> {
    let Some(untold) = untold_mtu(interface, network)? else {
        return Ok(None);
    };
    let is_told_another = interface.mtu != Ok(None);
    match policy {
        Some(GuestMtu::Warn) => Ok(Some(untold)),
        None if !is_told_another => Ok(None),
        Some(GuestMtu::Refuse) | None => Err(untold),
    }
}
