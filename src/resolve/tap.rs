//! A port's tap: is it the device that the port needs?

use crate::domain::Interface;
use crate::facts::HostFacts;
use crate::model::{IfName, Network, Port, Tap};

/// Gives a port the tap that its interface names now: it must exist, be on the network's bridge,
/// and have the MTU that the interface, or else the network, has.
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
    if link.mtu > u32::from(network.mtu) {
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

/// An interface that is told a larger MTU than its network has would lose large packets in silence.
///
/// # Errors
/// Both values.
pub fn check_mtu(interface: &Interface, network: &Network) -> Result<(), String> {
    let mtu = interface.mtu.clone().map_err(|error| error.to_string())?;
    match mtu {
        Some(mtu) if mtu > network.mtu => Err(format!(
            "<mtu size='{mtu}'/> is above the {} of network {}; write <mtu size='{}'/>",
            network.mtu, network.name, network.mtu
        )),
        _ => Ok(()),
    }
}
