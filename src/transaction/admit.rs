//! What two domains must not both have.

use super::{Records, networks};
use crate::firewall::iptables::chain_suffix;
use crate::model::{Network, NetworkKind, Port, Vxlan};
use crate::record::{IndexLine, Phase, Want};
use crate::refusal::Refusal;

/// Whether a want can stand beside what the records hold. Checked under the lock, so that of two
/// domains that start at once only one gets what both name.
///
/// # Errors
/// [`Refusal`] that names the other domain.
pub fn admit(want: &Want, records: &Records) -> Result<(), Refusal> {
    if want.phase == Phase::Gone {
        return Ok(());
    }
    for (port, line) in pairs(want, records) {
        if let Some(shared) = shared(port, line) {
            let cause = format!(
                "{shared} is in use by domain {}; stop that domain or change one of the two",
                line.domain_name
            );
            return Err(Refusal::of_interface(&want.name, port.mac, cause));
        }
    }
    for network in &want.networks {
        check_network(network, records).map_err(|cause| Refusal::of_domain(&want.name, cause))?;
    }
    Ok(())
}

/// Whether a want and another domain's recorded port name the same thing.
pub fn clashes(want: &Want, line: &IndexLine) -> bool {
    let other = line.domain != want.uuid && want.phase != Phase::Gone;
    other && want.ports.iter().any(|port| shared(port, line).is_some())
}

fn pairs<'a>(
    want: &'a Want,
    records: &'a Records,
) -> impl Iterator<Item = (&'a Port, &'a IndexLine)> {
    let others = records
        .index
        .lines
        .iter()
        .filter(|line| line.domain != want.uuid);
    others.flat_map(|line| want.ports.iter().map(move |port| (port, line)))
}

/// What a port shares with another domain's port and must not.
fn shared(port: &Port, line: &IndexLine) -> Option<String> {
    let same_network = line.port.network == port.network;
    if same_network && line.port.mac == port.mac {
        return Some(format!(
            "MAC address {} on network {}",
            port.mac, port.network
        ));
    }
    let name = port
        .tap
        .as_ref()
        .map(|tap| &tap.name)
        .or(port.target.as_ref());
    let others = [line.tap.as_ref().map(|tap| &tap.name), line.target.as_ref()];
    if let Some(name) = name
        && others.contains(&Some(name))
    {
        return Some(format!("tap {name}"));
    }
    let chains = chain_suffix(port);
    (line.chains == chains).then(|| format!("chain name …{chains}"))
}

/// A network that stands must be the one that is wanted, and no other one may have its names.
fn check_network(network: &Network, records: &Records) -> Result<(), String> {
    let NetworkKind::Vxlan(Vxlan { tunnel, .. }) = &network.kind;
    for record in records.networks.values() {
        let other = &record.network;
        let NetworkKind::Vxlan(Vxlan { tunnel: theirs, .. }) = &other.kind;
        if other.id != network.id {
            if other.bridge == network.bridge {
                return Err(format!(
                    "bridge {} is network {}'s",
                    network.bridge, other.name
                ));
            }
            if theirs.vni == tunnel.vni {
                return Err(format!("VNI {} is network {}'s", tunnel.vni, other.name));
            }
            continue;
        }
        if !other.has_same_tunnel(network) {
            return Err(format!(
                "network {} runs with {theirs} and MTU {}, but the configuration now says {tunnel} \
                 and MTU {}; stop its domains first",
                network.name, other.mtu, network.mtu
            ));
        }
    }
    let new = !records.networks.contains_key(&network.id);
    if new && networks::free_zone(records).is_none() {
        return Err("no conntrack zone is left (4097 to 65535)".to_owned());
    }
    Ok(())
}
