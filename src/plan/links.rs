//! The difference of two sets of links.

use std::collections::BTreeSet;

use crate::model::{BridgeSwitches, FdbEntry, IfName, Lent, Neighbour};
use crate::plan::link::{LinkChange, VxlanDevice};
use crate::state::{HostState, OwnLink};

/// The changes of links from one state to another: what goes, then what comes.
pub(super) fn changes(have: &HostState, want: &HostState) -> Vec<LinkChange> {
    let mut changes = removed(have, want);
    changes.extend(added(have, want));
    changes
}

/// Whether a link that is there can stay: a tunnel's identity cannot be changed while it lives, a
/// bridge can be brought back to anything in place, and a pair is whole or nothing. A link of another
/// network never stays: the alias tells whose it is, and nobody takes over what is another's.
fn stays(name: &IfName, have: &HostState, want: &HostState) -> bool {
    match (have.links.get(name), want.links.get(name)) {
        (Some(OwnLink::Vxlan(ours)), Some(OwnLink::Vxlan(wanted))) => {
            (&ours.tunnel, &ours.network) == (&wanted.tunnel, &wanted.network)
        }
        (Some(OwnLink::Vlan(ours)), Some(OwnLink::Vlan(wanted))) => {
            (&ours.vlan, &ours.network) == (&wanted.vlan, &wanted.network)
        }
        (Some(OwnLink::Bridge(ours)), Some(OwnLink::Bridge(wanted))) => {
            ours.network == wanted.network
        }
        (Some(OwnLink::HostEnd(ours)), Some(OwnLink::HostEnd(wanted))) => {
            let port = Some(OwnLink::HostPort(name.clone()));
            ours.is_same(wanted) && have.links.get(&ours.port) == port.as_ref()
        }
        (Some(OwnLink::HostPort(ours)), Some(OwnLink::HostPort(wanted))) => {
            ours == wanted && stays(ours, have, want)
        }
        (Some(OwnLink::Altered), Some(OwnLink::Bridge(_))) => true,
        _ => false,
    }
}

/// Whether a device is the host's, which is never made nor deleted.
fn is_the_hosts(device: &IfName, have: &HostState, want: &HostState) -> bool {
    !have.links.contains_key(device) && !want.links.contains_key(device)
}

/// Whether a device is and stays a port of the bridge.
fn stays_on(device: &IfName, bridge: &IfName, have: &HostState, want: &HostState) -> bool {
    let on = |state: &HostState| state.enslaved.get(device) == Some(bridge);
    let both_stay = || {
        let device_stays = stays(device, have, want) || is_the_hosts(device, have, want);
        device_stays && stays(bridge, have, want)
    };
    on(have) && on(want) && both_stay()
}

/// The bridges of the host's that filter from now on: as the rules are in, or traffic that those let
/// through would be at the mercy of the host's own.
pub(super) fn filtering(have: &HostState, want: &HostState) -> Vec<LinkChange> {
    let new = |(bridge, lent): &(&IfName, &Lent)| have.lent.get(*bridge) != Some(*lent);
    let new = want.lent.iter().filter(new);
    new.map(|(bridge, _)| LinkChange::SetSwitches {
        bridge: bridge.clone(),
        switches: BridgeSwitches::ON,
    })
    .collect()
}

/// The bridges that get back what they had, as long as the rules are there.
fn given_back(have: &HostState, want: &HostState) -> Vec<LinkChange> {
    let goes = |(bridge, _): &(&IfName, &Lent)| !want.lent.contains_key(*bridge);
    let changed = have.lent.iter().filter(goes);
    let changed = changed.filter(|(_, lent)| lent.before != BridgeSwitches::ON);
    changed
        .map(|(bridge, lent)| LinkChange::SetSwitches {
            bridge: bridge.clone(),
            switches: lent.before,
        })
        .collect()
}

/// A device before its bridge: deleting the bridge first would leave the device forwarding to
/// nobody for the length of a grace period. The host's own devices leave first of all.
fn removed(have: &HostState, want: &HostState) -> Vec<LinkChange> {
    // The port of a pair goes with the host's device.
    let goes_along = |name: &IfName| match &have.links[name] {
        OwnLink::HostPort(end) => matches!(have.links.get(end), Some(OwnLink::HostEnd(_))),
        _ => false,
    };
    let gone = |name: &&IfName| !stays(name, have, want) && !goes_along(name);
    let has_ports = |name: &IfName| have.enslaved.values().any(|bridge| bridge == name);
    let is_bridge =
        |name: &&IfName| has_ports(name) || matches!(have.links[*name], OwnLink::Bridge(_));
    let (bridges, devices): (Vec<_>, Vec<_>) = have.links.keys().filter(gone).partition(is_bridge);
    let leaves = have.enslaved.iter().filter(|(device, bridge)| {
        is_the_hosts(device, have, want) && !stays_on(device, bridge, have, want)
    });
    let take_out = leaves.map(|(device, bridge)| LinkChange::TakeOut {
        device: device.clone(),
        bridge: bridge.clone(),
    });
    let links = devices.into_iter().chain(bridges);
    let links = links.map(|name| LinkChange::Delete(name.clone()));
    given_back(have, want)
        .into_iter()
        .chain(removed_entries(have, want))
        .chain(take_out)
        .chain(links)
        .collect()
}

/// The entries of links that stay. One whose place another one takes is not deleted before: nobody is
/// out of reach in between.
fn removed_entries(have: &HostState, want: &HostState) -> Vec<LinkChange> {
    let kept = |device: &IfName| stays(device, have, want);
    let taken: BTreeSet<_> = want.fdb.iter().filter_map(FdbEntry::place).collect();
    let is_taken = |entry: &FdbEntry| entry.place().is_some_and(|it| taken.contains(&it));
    let entries = have.fdb.difference(&want.fdb);
    let entries = entries.filter(|entry| kept(&entry.device) && !is_taken(entry));
    let named: BTreeSet<_> = want.neighbours.iter().map(Neighbour::key).collect();
    let neighbours = have.neighbours.difference(&want.neighbours);
    let neighbours = neighbours.filter(|it| kept(&it.device) && !named.contains(&it.key()));
    entries
        .cloned()
        .map(LinkChange::RemoveFdb)
        .chain(neighbours.cloned().map(LinkChange::RemoveNeighbour))
        .collect()
}

/// The entries that a link of what is wanted lacks.
fn added_entries(have: &HostState, want: &HostState) -> Vec<LinkChange> {
    let kept = |device: &IfName| stays(device, have, want);
    let missing = |entry: &&FdbEntry| !have.fdb.contains(*entry) || !kept(&entry.device);
    let unsaid = |it: &&Neighbour| !have.neighbours.contains(*it) || !kept(&it.device);
    let entries = want.fdb.iter().filter(missing).cloned();
    let neighbours = want.neighbours.iter().filter(unsaid).cloned();
    entries
        .map(LinkChange::AddFdb)
        .chain(neighbours.map(LinkChange::SetNeighbour))
        .collect()
}

/// The ports that are to suppress neighbours and do not, or come to their bridge only now.
fn suppressed(have: &HostState, want: &HostState, joining: &BTreeSet<&IfName>) -> Vec<LinkChange> {
    let lacks = |port: &&IfName| !have.suppressed.contains(*port) || joining.contains(*port);
    let ports = want.suppressed.iter().filter(lacks).cloned();
    ports.map(LinkChange::Suppress).collect()
}

/// A bridge, its device, the device's entries; the device becomes a port last, when it can carry
/// what it gets, and comes up only then. A link that is there in another form is made again in place:
/// making is idempotent.
fn added(have: &HostState, want: &HostState) -> Vec<LinkChange> {
    let is_as_wanted = |name: &IfName| have.links.get(name) == want.links.get(name);
    let new = |name: &&IfName| !(is_as_wanted(name) && stays(name, have, want));
    let names: Vec<&IfName> = want.links.keys().filter(new).collect();
    let make = |name: &&IfName| match (have.links.get(*name), &want.links[*name]) {
        (_, OwnLink::Bridge(bridge)) => Some(LinkChange::AddBridge(bridge.clone())),
        (Some(OwnLink::Vxlan(had)), OwnLink::Vxlan(device)) if differ_in_header(had, device) => {
            Some(LinkChange::SetHeader(device.clone()))
        }
        (_, OwnLink::Vxlan(device)) => Some(LinkChange::AddVxlan(device.clone())),
        (_, OwnLink::Vlan(device)) => Some(LinkChange::AddVlan(device.clone())),
        (_, OwnLink::HostEnd(pair)) => Some(LinkChange::AddHostEnd(pair.clone())),
        // The host's device brings it.
        (_, OwnLink::HostPort(_) | OwnLink::Altered) => None,
    };
    let is_bridge = |change: &LinkChange| matches!(change, LinkChange::AddBridge(_));
    let (bridges, devices): (Vec<_>, Vec<_>) = names.iter().filter_map(make).partition(is_bridge);
    let joining: Vec<_> = want
        .enslaved
        .iter()
        .filter(|(device, bridge)| !stays_on(device, bridge, have, want))
        .collect();
    let ports = joining.iter().map(|(device, bridge)| LinkChange::Enslave {
        device: (*device).clone(),
        bridge: (*bridge).clone(),
    });
    let names = joining.iter().map(|(device, _)| *device).collect();
    let carries = |device: &IfName| {
        matches!(
            want.links.get(device),
            Some(OwnLink::Vxlan(_) | OwnLink::Vlan(_))
        )
    };
    let own = joining.iter().filter(|(device, _)| carries(device));
    let raised = own.map(|(device, _)| LinkChange::Raise((*device).clone()));
    bridges
        .into_iter()
        .chain(devices)
        .chain(added_entries(have, want))
        .chain(ports)
        .chain(suppressed(have, want, &names))
        .chain(raised)
        .collect()
}

/// Whether nothing but the outer header is to change, which needs no device to be made.
fn differ_in_header(had: &VxlanDevice, wanted: &VxlanDevice) -> bool {
    let changed = VxlanDevice {
        outer: wanted.outer.clone(),
        ..had.clone()
    };
    changed == *wanted
}

#[cfg(test)]
mod tests;
