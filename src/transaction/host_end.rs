//! What the host's ends of networks allow nobody else to have.

use super::Records;
use crate::model::{HostEnd, Network, Port};
use crate::record::Want;
use crate::refusal::Refusal;

/// No port has an address that is the host's on its network, as the network stands or is about to.
///
/// # Errors
/// The refusal of such a port.
pub(super) fn check_addresses(want: &Want, records: &Records) -> Result<(), Refusal> {
    for port in &want.ports {
        let stands = records.networks.get(&port.network);
        let stands = stands.map(|record| &record.network);
        let asked = || want.networks.iter().find(|it| it.id == port.network);
        let Some(network) = stands.or_else(asked) else {
            continue;
        };
        if let Some(cause) = network.host_end.as_ref().and_then(|end| taken(port, end)) {
            let cause = format!("{cause} on network {}; give it another one", network.name);
            return Err(Refusal::of_interface(&want.name, port.mac, cause));
        }
    }
    Ok(())
}

fn taken(port: &Port, end: &HostEnd) -> Option<String> {
    let mut own = end.addresses.iter().map(|own| own.address());
    let address = own.find(|address| port.fixed_ips.contains(address))?;
    Some(format!("its address {address} is the host's own"))
}

/// The host finds each prefix on one network.
///
/// # Errors
/// The two addresses, and the other network.
pub(super) fn check_prefixes(network: &Network, other: &Network) -> Result<(), String> {
    let (Some(ours), Some(theirs)) = (&network.host_end, &other.host_end) else {
        return Ok(());
    };
    let mut pairs = ours
        .addresses
        .iter()
        .flat_map(|own| theirs.addresses.iter().map(move |its| (own, its)));
    match pairs.find(|(own, its)| own.overlaps(its.net())) {
        Some((own, its)) => Err(format!(
            "the prefix of its host_address {own} overlaps that of {its}, network {}'s",
            other.name
        )),
        None => Ok(()),
    }
}
