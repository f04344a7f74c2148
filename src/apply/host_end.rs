//! The host's end of a network as the kernel has it.

use crate::facts::{AddressFact, HostFacts, LinkFact, LinkKind};
use crate::model::{IfName, Mtu, NetworkId};
use crate::plan::host_end::HostEndPair;
use crate::plan::link::alias;
use crate::state::OwnLink;

/// One of the two devices, if both are as we make them.
pub(super) fn as_made(
    facts: &HostFacts,
    link: &LinkFact,
    name: &IfName,
    network: NetworkId,
) -> Option<OwnLink> {
    let (end, port) = (network.host_end(), network.host_port());
    if *name == port {
        pair(facts, facts.link(&end)?, network)?;
        return Some(OwnLink::HostPort(end));
    }
    let pair = pair(facts, link, network).filter(|pair| pair.name == *name)?;
    Some(OwnLink::HostEnd(pair))
}

/// The pair of this host's device and its other end, with the addresses that the device has.
fn pair(facts: &HostFacts, end: &LinkFact, network: NetworkId) -> Option<HostEndPair> {
    let port = facts.link(&network.host_port())?;
    let alias = alias(&network);
    let is_ours = |link: &LinkFact| link.alias.as_ref() == Some(&alias) && link.up;
    let is_pair = end.kind == LinkKind::Veth(Some(port.index)) && end.mtu == port.mtu;
    if !(is_pair && is_ours(end) && is_ours(port)) {
        return None;
    }
    let own = facts.addresses.iter().filter(|fact| fact.link == end.index);
    Some(HostEndPair {
        name: end.name.parse().ok()?,
        port: network.host_port(),
        mac: end.mac?,
        port_mac: port.mac?,
        mtu: Mtu::try_from(end.mtu).ok()?,
        addresses: own.map(AddressFact::with_prefix).collect(),
        network,
    })
}
