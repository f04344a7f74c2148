//! `host_address`: the host's own addresses on a network.

use std::collections::BTreeSet;

use ipnet::IpNet;

use super::super::source::Site;
use super::{Checked, HostVtep, NetworkObject, Value};
use crate::model::HostAddress;

/// One address with its prefix, or a list of them.
pub(super) fn host_address(local: HostVtep, value: &Value<'_>) -> Checked<BTreeSet<HostAddress>> {
    let one = |value: &Value<'_>| address(local, value);
    if !value.is_array() {
        return Ok(BTreeSet::from([one(value)?]));
    }
    let listed = value.set(one)?;
    if listed.is_empty() {
        let message = "an empty list gives the host no end there; leave the key out";
        return Err(value.error(message).into());
    }
    Ok(listed.into_iter().collect())
}

/// Through a network with the tunnel's own end in its prefix, no packet would find the tunnel.
fn address(local: HostVtep, value: &Value<'_>) -> Checked<HostAddress> {
    let text = value.string()?;
    let Ok(net) = text.parse::<IpNet>() else {
        let message =
            format!("{text:?} is not an address with its prefix, such as \"192.168.101.1/24\"");
        return Err(value.error(message).into());
    };
    let address = HostAddress::try_from(net).map_err(|error| value.error(error))?;
    match local {
        HostVtep::Is(vtep) if address.overlaps(vtep.address().into()) => {
            let message = format!("local_ip {vtep} of [host] is in the prefix of {address}");
            Err(value.error(message).into())
        }
        _ => Ok(address),
    }
}

/// Two networks whose prefixes overlap: to the host both would be one.
pub(super) fn clashes(networks: &mut [NetworkObject<'_>]) {
    let mut errors = Vec::new();
    for (at, me) in networks.iter().enumerate() {
        let others = networks.iter().enumerate();
        let mut others = others.filter(|(other, it)| *other != at && it.name != me.name);
        let told = others.find_map(|(_, other)| told(me, other));
        errors.extend(told.map(|error| (at, error)));
    }
    for (at, (site, message)) in errors {
        networks[at].add(site.error(&message));
    }
}

/// What is wrong with a network's address beside another one's, and where.
fn told<'a>(me: &NetworkObject<'a>, other: &NetworkObject<'a>) -> Option<(Site<'a>, String)> {
    let (mine, site) = me.facts.host_addresses.as_ref()?;
    let (theirs, there) = other.facts.host_addresses.as_ref()?;
    let mut pairs = mine
        .iter()
        .flat_map(|own| theirs.iter().map(move |it| (own, it)));
    let (own, its) = pairs.find(|(own, its)| own.overlaps(its.net()))?;
    let message = format!(
        "{}.host_address: the prefix of {own} overlaps that of {its}, {}'s at {}",
        me.path,
        other.path,
        there.place()
    );
    Some((*site, message))
}
