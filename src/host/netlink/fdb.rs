//! A VXLAN device's forwarding database.
//!
//! Ours are the permanent entries of the device itself (`bridge fdb … self permanent`) that name a
//! remote end. What the device learned from the wire comes and goes by itself.

use std::net::IpAddr;

use nix::errno::Errno;
use rtnetlink::packet_core::{NLM_F_APPEND, NLM_F_CREATE, NLM_F_REPLACE};
use rtnetlink::packet_route::neighbour::{
    NeighbourAddress, NeighbourAttribute, NeighbourFlags, NeighbourMessage, NeighbourState,
};
use rtnetlink::packet_route::{AddressFamily, RouteNetlinkMessage};

use crate::model::{FdbEntry, IfName, MacAddr, Vtep};

use super::super::HostError;
use super::facts;
use super::session::{Refusal, Session};

const PERMANENT: u16 = 0x80;
const NO_ARP: u16 = 0x40;

/// The entries of the device with this index.
pub(super) fn entries(
    session: &Session,
    device: &IfName,
    index: u32,
) -> Result<Vec<FdbEntry>, HostError> {
    let mut request = NeighbourMessage::default();
    request.header.family = AddressFamily::Bridge;
    // The kernel sends this device's alone, if it is new enough to check requests strictly.
    request.header.ifindex = index;
    let messages = session.dump(
        &RouteNetlinkMessage::GetNeighbour(request),
        &format!("cannot list the forwarding entries of {device}"),
    )?;
    let entry = |message| match message {
        RouteNetlinkMessage::NewNeighbour(message) if message.header.ifindex == index => {
            read(&message, device)
        }
        _ => None,
    };
    Ok(messages.into_iter().filter_map(entry).collect())
}

/// Adds an entry; one that is there is no error.
///
/// Several remote ends are *appended* to the all-zero address; any other address has one, which is
/// replaced.
pub(super) fn add(session: &Session, index: u32, entry: &FdbEntry) -> Result<(), Refusal> {
    let mode = match entry.mac {
        None => NLM_F_APPEND,
        Some(_) => NLM_F_REPLACE,
    };
    let message = RouteNetlinkMessage::NewNeighbour(write(index, entry));
    match session.request(message, NLM_F_CREATE | mode) {
        Err(refusal) if !refusal.is(Errno::EEXIST) => Err(refusal),
        _ => Ok(()),
    }
}

/// Deletes an entry; one that is gone is no error.
pub(super) fn remove(session: &Session, index: u32, entry: &FdbEntry) -> Result<(), Refusal> {
    let message = RouteNetlinkMessage::DelNeighbour(write(index, entry));
    match session.request(message, 0) {
        Err(refusal) if !refusal.is(Errno::ENOENT) => Err(refusal),
        _ => Ok(()),
    }
}

fn write(index: u32, entry: &FdbEntry) -> NeighbourMessage {
    let mac = entry.mac.map_or([0; 6], MacAddr::octets);
    let mut message = NeighbourMessage::default();
    message.header.family = AddressFamily::Bridge;
    message.header.ifindex = index;
    message.header.state = NeighbourState::Other(PERMANENT | NO_ARP);
    message.header.flags = NeighbourFlags::Own;
    message.attributes = vec![
        NeighbourAttribute::LinkLayerAddress(mac.to_vec()),
        NeighbourAttribute::Destination(entry.vtep.address().into()),
    ];
    message
}

fn read(message: &NeighbourMessage, device: &IfName) -> Option<FdbEntry> {
    let permanent = u16::from(message.header.state) & PERMANENT != 0;
    if !permanent || !message.header.flags.contains(NeighbourFlags::Own) {
        return None;
    }
    let mac = message
        .attributes
        .iter()
        .find_map(|attribute| match attribute {
            NeighbourAttribute::LinkLayerAddress(bytes) => Some(bytes),
            _ => None,
        })?;
    let remote = message
        .attributes
        .iter()
        .find_map(|attribute| match attribute {
            NeighbourAttribute::Destination(address) => ip(address),
            _ => None,
        })?;
    Some(FdbEntry {
        device: device.clone(),
        mac: facts::mac(mac),
        vtep: Vtep::try_from(remote).ok()?,
    })
}

/// In the bridge family the address comes without its family: its length tells.
fn ip(address: &NeighbourAddress) -> Option<IpAddr> {
    match address {
        NeighbourAddress::Inet(address) => Some((*address).into()),
        NeighbourAddress::Inet6(address) => Some((*address).into()),
        NeighbourAddress::Other(bytes) => {
            let v4 = <[u8; 4]>::try_from(&bytes[..]).map(IpAddr::from);
            let v6 = <[u8; 16]>::try_from(&bytes[..]).map(IpAddr::from);
            v4.or(v6).ok()
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(mac: Option<&str>) -> FdbEntry {
        FdbEntry {
            device: "vxlan-267".parse().unwrap(),
            mac: mac.map(|mac| mac.parse().unwrap()),
            vtep: Vtep::try_from("172.16.0.32".parse::<IpAddr>().unwrap()).unwrap(),
        }
    }

    #[test]
    fn what_is_written_reads_back() {
        for entry in [entry(None), entry(Some("fa:16:3e:be:71:21"))] {
            assert_eq!(read(&write(9, &entry), &entry.device), Some(entry));
        }
    }

    #[test]
    fn what_the_device_learned_is_not_ours() {
        let entry = entry(Some("fa:16:3e:be:71:21"));
        let mut learned = write(9, &entry);
        learned.header.state = NeighbourState::Reachable;
        assert_eq!(read(&learned, &entry.device), None);
    }
}
