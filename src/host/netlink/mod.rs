//! Links, addresses and forwarding databases, by rtnetlink.
//!
//! One socket for the whole call of the program; requests go one after the other, each within the
//! time limit. [`session`] sends and receives, [`facts`] reads the kernel's messages as values,
//! [`make`] makes links so that nobody ever sees half of one, [`change`] does the small changes.

mod addresses;
mod change;
mod dump;
mod facts;
mod fdb;
mod links;
mod make;
mod session;

pub(super) use change::apply;
pub(super) use session::Session;

use crate::facts::{HostFacts, LinkFact};
use crate::model::{FdbEntry, IfName};

use super::HostError;

/// All links and addresses.
pub(super) fn read_facts(session: &Session) -> Result<HostFacts, HostError> {
    Ok(HostFacts {
        links: dump::links()?,
        addresses: addresses::all(session)?,
    })
}

/// The link of this name.
pub(super) fn read_link(session: &Session, name: &str) -> Result<Option<LinkFact>, HostError> {
    links::named(session, name)
}

/// The permanent entries of a device; none if there is no such device.
pub(super) fn read_fdb(session: &Session, device: &IfName) -> Result<Vec<FdbEntry>, HostError> {
    match links::named(session, device.as_str())? {
        Some(link) => fdb::entries(session, device, link.index),
        None => Ok(Vec::new()),
    }
}
