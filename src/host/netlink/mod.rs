//! Links, addresses and forwarding databases, by rtnetlink.
//!
//! Links are looked at by [`query`], which never has to wait. All else goes through the one socket of
//! a [`session`], one request after the other, each within the time limit. [`facts`] reads the
//! kernel's attributes as values, [`make`] makes links so that nobody ever sees half of one
//! ([`vxlan`] and [`host_end`] those of their kind, [`adopt`] takes over what is there already),
//! [`change`] does the small changes. [`fdb`] and [`neighbours`] are what links know of other hosts,
//! [`addresses`] and [`routes`] what the host has of its own, which nothing here changes but for a
//! host's end.

mod addresses;
mod adopt;
mod change;
mod facts;
mod fdb;
mod host_end;
mod links;
mod make;
mod neighbours;
mod query;
mod routes;
mod session;
mod vxlan;

pub(super) use change::apply;
pub(super) use routes::source_to;
pub(super) use session::Session;

use query::Query;

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use crate::facts::{HostFacts, LinkFact};
use crate::model::{FdbEntry, IfName, Neighbour};

use super::HostError;

/// All links and addresses.
pub(super) fn read_facts(session: &Session) -> Result<HostFacts, HostError> {
    Ok(HostFacts {
        links: query::links(Query::All)?,
        addresses: addresses::all(session)?,
        sources: BTreeMap::new(),
    })
}

/// All addresses; of the links those of these names, what they are ports of, the ports of a bridge that
/// is not ours, every VXLAN device, and whatever has an address that is good beyond its link.
pub(super) fn read_facts_about(session: &Session, names: &[&str]) -> Result<HostFacts, HostError> {
    let addresses = addresses::all(session)?;
    let mut links = query::links(Query::Vxlan)?;
    for name in names {
        links.extend(links::named(name)?);
    }
    let bridges = links.iter().filter(|link| link.is_bridge_of_the_host());
    let bridges: Vec<u32> = bridges.map(|bridge| bridge.index).collect();
    for bridge in bridges {
        links.extend(query::links(Query::PortsOf(bridge))?);
    }
    let carriers = addresses
        .iter()
        .filter(|fact| is_global(fact.address))
        .map(|fact| fact.link);
    let masters = links.iter().filter_map(|link| link.master);
    let more: BTreeSet<u32> = carriers.chain(masters).collect();
    for index in more {
        links.extend(query::links(Query::Index(index))?);
    }
    links.sort_by_key(|link| link.index);
    links.dedup_by_key(|link| link.index);
    Ok(HostFacts {
        links,
        addresses,
        sources: BTreeMap::new(),
    })
}

fn is_global(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(_) => true,
        IpAddr::V6(address) => !address.is_unicast_link_local(),
    }
}

/// The link of this name.
pub(super) fn read_link(name: &str) -> Result<Option<LinkFact>, HostError> {
    links::named(name)
}

/// The permanent entries of a device; none if there is no such device.
pub(super) fn read_fdb(session: &Session, device: &IfName) -> Result<Vec<FdbEntry>, HostError> {
    match links::named(device.as_str())? {
        Some(link) => fdb::entries(session, device, link.index),
        None => Ok(Vec::new()),
    }
}

/// The permanent neighbours of a link; none if there is no such link.
pub(super) fn read_neighbours(
    session: &Session,
    device: &IfName,
) -> Result<Vec<Neighbour>, HostError> {
    match links::named(device.as_str())? {
        Some(link) => neighbours::entries(session, device, link.index),
        None => Ok(Vec::new()),
    }
}
