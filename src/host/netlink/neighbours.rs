//! Neighbour tables: who has an address behind a link.
//!
//! Ours are the permanent entries (`ip neigh … nud permanent`). What the host resolved itself comes and
//! goes, and what a routing daemon put there (`extern_learn`) is that daemon's.

use std::net::IpAddr;

use nix::errno::Errno;
use rtnetlink::packet_core::{NLM_F_CREATE, NLM_F_REPLACE};
use rtnetlink::packet_route::neighbour::{
    NeighbourAddress, NeighbourAttribute, NeighbourFlags, NeighbourMessage, NeighbourState,
};
use rtnetlink::packet_route::{AddressFamily, RouteNetlinkMessage};

use crate::model::{Family, IfName, Neighbour};

use super::super::HostError;
use super::facts;
use super::session::{Refusal, Session};

/// The entries of the link with this index.
pub(super) fn entries(
    session: &Session,
    device: &IfName,
    index: u32,
) -> Result<Vec<Neighbour>, HostError> {
    let doing = format!("cannot list the neighbours of {device}");
    let mut found = Vec::new();
    for family in Family::BOTH {
        let mut request = NeighbourMessage::default();
        request.header.family = address_family(family);
        // The kernel sends this link's alone, if it is new enough to read attributes of a dump.
        request.attributes = vec![NeighbourAttribute::IfIndex(index)];
        let request = RouteNetlinkMessage::GetNeighbour(request);
        let entry = |message| match message {
            RouteNetlinkMessage::NewNeighbour(message) if message.header.ifindex == index => {
                read(&message, device)
            }
            _ => None,
        };
        let messages = session.dump(&request, &doing)?;
        found.extend(messages.into_iter().filter_map(entry));
    }
    Ok(found)
}

/// Sets an entry, in the place of the one for its address.
pub(super) fn set(session: &Session, index: u32, neighbour: &Neighbour) -> Result<(), Refusal> {
    let message = RouteNetlinkMessage::NewNeighbour(write(index, neighbour));
    session
        .request(message, NLM_F_CREATE | NLM_F_REPLACE)
        .map(drop)
}

/// Deletes an entry; one that is gone is no error.
pub(super) fn remove(session: &Session, index: u32, neighbour: &Neighbour) -> Result<(), Refusal> {
    let message = RouteNetlinkMessage::DelNeighbour(write(index, neighbour));
    match session.request(message, 0) {
        Err(refusal) if !refusal.is(Errno::ENOENT) => Err(refusal),
        _ => Ok(()),
    }
}

fn address_family(family: Family) -> AddressFamily {
    match family {
        Family::Ipv4 => AddressFamily::Inet,
        Family::Ipv6 => AddressFamily::Inet6,
    }
}

fn write(index: u32, neighbour: &Neighbour) -> NeighbourMessage {
    let mut message = NeighbourMessage::default();
    message.header.family = address_family(Family::of(neighbour.address));
    message.header.ifindex = index;
    message.header.state = NeighbourState::Permanent;
    message.attributes = vec![
        NeighbourAttribute::Destination(neighbour.address.into()),
        NeighbourAttribute::LinkLayerAddress(neighbour.mac.octets().to_vec()),
    ];
    message
}

fn read(message: &NeighbourMessage, device: &IfName) -> Option<Neighbour> {
    let daemons = NeighbourFlags::ExtLearned | NeighbourFlags::Proxy;
    if message.header.state != NeighbourState::Permanent || message.header.flags.intersects(daemons)
    {
        return None;
    }
    let (mut address, mut mac) = (None, None);
    for attribute in &message.attributes {
        match attribute {
            NeighbourAttribute::Destination(NeighbourAddress::Inet(ip)) => {
                address = Some(IpAddr::from(*ip));
            }
            NeighbourAttribute::Destination(NeighbourAddress::Inet6(ip)) => {
                address = Some(IpAddr::from(*ip));
            }
            NeighbourAttribute::LinkLayerAddress(bytes) => mac = facts::mac(bytes),
            _ => {}
        }
    }
    Some(Neighbour {
        device: device.clone(),
        address: address?,
        mac: mac?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn neighbour(address: &str) -> Neighbour {
        Neighbour {
            device: "vxlan-267".parse().unwrap(),
            address: address.parse().unwrap(),
            mac: "fa:16:3e:be:71:21".parse().unwrap(),
        }
    }

    #[test]
    fn what_is_written_reads_back() {
        for neighbour in [neighbour("192.168.101.88"), neighbour("2001:db8::88")] {
            let message = write(9, &neighbour);
            assert_eq!(read(&message, &neighbour.device), Some(neighbour));
        }
    }

    #[test]
    fn what_the_host_resolved_or_a_daemon_said_is_not_ours() {
        let neighbour = neighbour("192.168.101.88");
        let mut resolved = write(9, &neighbour);
        resolved.header.state = NeighbourState::Reachable;
        assert_eq!(read(&resolved, &neighbour.device), None);
        let mut said = write(9, &neighbour);
        said.header.flags = NeighbourFlags::ExtLearned;
        assert_eq!(read(&said, &neighbour.device), None);
    }
}
