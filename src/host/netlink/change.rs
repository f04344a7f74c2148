//! Doing one [`LinkChange`]. What is there already, or gone already, is success.

use rtnetlink::packet_route::RouteNetlinkMessage;
use rtnetlink::packet_route::link::{InfoKind, LinkMessage};
use rtnetlink::{LinkBridge, LinkBridgePort, LinkMessageBuilder, LinkUnspec};

use crate::facts::{HostFacts, LinkFact};
use crate::model::{BridgeSwitches, FdbEntry, IfName, Mtu, Neighbour};
use crate::plan::link::{ALIAS_PREFIX, LinkChange, RESERVED, UNFINISHED};

use super::super::{HostError, sysctl};
use super::session::Session;
use super::{addresses, fdb, host_end, links, make, neighbours, vxlan};

/// Does a change.
pub(in crate::host) fn apply(session: &Session, change: &LinkChange) -> Result<(), HostError> {
    match change {
        LinkChange::AddBridge(bridge) => make::bridge(session, bridge),
        LinkChange::AddVxlan(device) => vxlan::vxlan(session, device),
        LinkChange::SetHeader(device) => vxlan::set_header(session, device),
        LinkChange::AddVlan(device) => make::vlan(session, device),
        LinkChange::AddHostEnd(pair) => host_end::host_end(session, pair),
        LinkChange::AddFdb(entry) => add_fdb(session, entry),
        LinkChange::RemoveFdb(entry) => remove_fdb(session, entry),
        LinkChange::SetNeighbour(neighbour) => set_neighbour(session, neighbour),
        LinkChange::RemoveNeighbour(neighbour) => remove_neighbour(session, neighbour),
        LinkChange::Suppress(port) => suppress(session, port),
        LinkChange::Enslave { device, bridge } => enslave(session, device, bridge),
        LinkChange::Raise(device) => raise(session, device),
        LinkChange::TakeOut { device, bridge } => take_out(session, device, bridge),
        LinkChange::SetMtu { device, mtu } => set_mtu(session, device, *mtu),
        LinkChange::QuietTap(tap) => sysctl::set("ipv6", tap.as_str(), "disable_ipv6", "1"),
        LinkChange::ShutTap(tap) => shut(session, tap),
        LinkChange::FenceTap(tap) => fence(session, tap),
        LinkChange::SetSwitches { bridge, switches } => set_switches(session, bridge, *switches),
        LinkChange::Delete(name) => delete(session, name),
    }
}

fn add_fdb(session: &Session, entry: &FdbEntry) -> Result<(), HostError> {
    let (device, vtep) = (&entry.device, entry.vtep);
    let doing = || format!("cannot add a forwarding entry to {vtep} on {device}");
    let link = links::present(device.as_str(), doing)?;
    fdb::add(session, link.index, entry).map_err(|refusal| refusal.in_doing(doing()))
}

fn remove_fdb(session: &Session, entry: &FdbEntry) -> Result<(), HostError> {
    let (device, vtep) = (&entry.device, entry.vtep);
    let Some(link) = links::named(device.as_str())? else {
        return Ok(());
    };
    fdb::remove(session, link.index, entry).map_err(|refusal| {
        refusal.in_doing(format!(
            "cannot delete the forwarding entry to {vtep} on {device}"
        ))
    })
}

fn set_neighbour(session: &Session, neighbour: &Neighbour) -> Result<(), HostError> {
    let Neighbour {
        device, address, ..
    } = neighbour;
    let doing = || format!("cannot say on {device} who has {address}");
    let link = links::present(device.as_str(), doing)?;
    neighbours::set(session, link.index, neighbour).map_err(|refusal| refusal.in_doing(doing()))
}

fn remove_neighbour(session: &Session, neighbour: &Neighbour) -> Result<(), HostError> {
    let Neighbour {
        device, address, ..
    } = neighbour;
    let Some(link) = links::named(device.as_str())? else {
        return Ok(());
    };
    neighbours::remove(session, link.index, neighbour)
        .map_err(|refusal| refusal.in_doing(format!("cannot delete on {device} who has {address}")))
}

fn suppress(session: &Session, port: &IfName) -> Result<(), HostError> {
    let doing = || format!("cannot have the bridge of {port} answer for its neighbours");
    let link = links::present(port.as_str(), doing)?;
    let message = LinkBridgePort::new(link.index)
        .learning(false)
        .neigh_suppress(true);
    // What a port has, the kernel takes in this request alone.
    make::change(session, message.build(), &doing)
}

/// A tap that is gone needs nothing: its machine may end while others are repaired.
fn fence(session: &Session, tap: &IfName) -> Result<(), HostError> {
    let doing =
        || format!("cannot have the bridge of {tap} take reserved addresses for any others");
    let Some(link) = links::named(tap.as_str())? else {
        return Ok(());
    };
    let message = LinkBridgePort::new(link.index).group_fwd_mask(RESERVED);
    make::change(session, message.build(), &doing)
}

/// A bridge that is gone needs nothing back.
fn set_switches(
    session: &Session,
    bridge: &IfName,
    switches: BridgeSwitches,
) -> Result<(), HostError> {
    let doing = || format!("cannot switch iptables on or off for bridge {bridge}");
    let link = match links::named(bridge.as_str())? {
        Some(link) if link.is_bridge_of_the_host() => link,
        _ if switches != BridgeSwitches::ON => return Ok(()),
        _ => {
            return Err(make::refused(
                doing(),
                "there is no such bridge of the host's",
            ));
        }
    };
    let kind = InfoKind::Bridge;
    let message = LinkMessageBuilder::<LinkBridge>::new_with_info_kind(kind)
        .index(link.index)
        .nf_call_iptables(switches.iptables)
        .nf_call_ip6tables(switches.ip6tables);
    make::change(session, message.build(), &doing)
}

fn enslave(session: &Session, device: &IfName, bridge: &IfName) -> Result<(), HostError> {
    let doing = || format!("cannot make {device} a port of {bridge}");
    let port = links::present(device.as_str(), doing)?;
    let bridge = links::present(bridge.as_str(), doing)?;
    if port.master == Some(bridge.index) {
        return Ok(());
    }
    if !port.is_ours() {
        must_be_free(session, &port, &doing)?;
    }
    let message = LinkUnspec::new_with_index(port.index).controller(bridge.index);
    set(session, message.build(), doing)
}

/// A device that is a port of nothing stays down.
fn raise(session: &Session, device: &IfName) -> Result<(), HostError> {
    let doing = || format!("cannot bring {device} up");
    let link = links::present(device.as_str(), doing)?;
    if link.master.is_none() {
        return Err(make::refused(doing(), "it is a port of no bridge"));
    }
    let message = LinkUnspec::new_with_index(link.index).up().build();
    session
        .request(RouteNetlinkMessage::SetLink(message), 0)
        .map(drop)
        .map_err(|refusal| {
            let why = |error| vxlan::why(error, &link.kind);
            refusal.explained(&why).in_doing(doing())
        })
}

/// Who resolved the network has looked; this is the last guard, also of a repair long after that.
fn must_be_free(
    session: &Session,
    device: &LinkFact,
    doing: &impl Fn() -> String,
) -> Result<(), HostError> {
    let refused = |reason: String| HostError::Netlink {
        doing: doing(),
        reason,
    };
    if device.master.is_some() {
        return Err(refused("it is a port of another device".to_owned()));
    }
    let facts = HostFacts {
        addresses: addresses::all(session)?,
        ..HostFacts::default()
    };
    match device.own_addresses(&facts).next() {
        Some(address) => Err(refused(format!("it has address {address}"))),
        None => Ok(()),
    }
}

fn take_out(session: &Session, device: &IfName, bridge: &IfName) -> Result<(), HostError> {
    let (Some(port), Some(on)) = (
        links::named(device.as_str())?,
        links::named(bridge.as_str())?,
    ) else {
        return Ok(());
    };
    if port.master != Some(on.index) {
        return Ok(());
    }
    let message = LinkUnspec::new_with_index(port.index).nocontroller();
    set(session, message.build(), || {
        format!("cannot take {device} out of {bridge}")
    })
}

fn set_mtu(session: &Session, device: &IfName, mtu: Mtu) -> Result<(), HostError> {
    let doing = || format!("cannot set the MTU of {device} to {mtu}");
    let link = links::present(device.as_str(), doing)?;
    let message = LinkUnspec::new_with_index(link.index).mtu(mtu.into());
    set(session, message.build(), doing)
}

fn shut(session: &Session, tap: &IfName) -> Result<(), HostError> {
    let Some(link) = links::named(tap.as_str())? else {
        return Ok(());
    };
    let message = LinkUnspec::new_with_index(link.index).down();
    set(session, message.build(), || {
        format!("cannot take {tap} down")
    })
}

fn set(
    session: &Session,
    message: LinkMessage,
    doing: impl FnOnce() -> String,
) -> Result<(), HostError> {
    session
        .request(RouteNetlinkMessage::SetLink(message), 0)
        .map(drop)
        .map_err(|refusal| refusal.in_doing(doing()))
}

/// By index: the link that was looked at is the link that goes, whatever bears its name by then.
fn delete(session: &Session, name: &IfName) -> Result<(), HostError> {
    let doing = || format!("cannot delete {name}");
    let Some(link) = links::named(name.as_str())? else {
        return Ok(());
    };
    if !link.is_ours() && link.name != UNFINISHED {
        return Err(HostError::Netlink {
            doing: doing(),
            reason: format!("it bears no alias {ALIAS_PREFIX}…, so it is somebody else's"),
        });
    }
    links::delete(session, link.index).map_err(|refusal| refusal.in_doing(doing()))
}
