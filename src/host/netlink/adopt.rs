//! Taking over a link that is there under a name of ours and that nobody has marked.
//!
//! Who resolved the network has looked; this is the last guard, also of a repair long after that. The
//! alias comes first: whoever dies after it leaves a link of ours that is not as we make it, which the
//! next repair sees. Of a bridge's ports nothing is asked here: the guard knows the bridge already, and
//! whoever is no member is closed.

use rtnetlink::LinkUnspec;
use rtnetlink::packet_route::RouteNetlinkMessage;

use crate::facts::{HostFacts, LinkFact, LinkKind};
use crate::model::IfName;

use super::super::HostError;
use super::make::refused;
use super::query::{self, Query};
use super::session::Session;
use super::{addresses, fdb, neighbours};

/// Gives a link our alias.
pub(super) fn adopt(
    session: &Session,
    link: &LinkFact,
    alias: &str,
    doing: &impl Fn() -> String,
) -> Result<(), HostError> {
    if let Some(whose) = whose(session, link, alias)? {
        return Err(refused(doing(), &whose));
    }
    let message = LinkUnspec::new_with_index(link.index).alias(alias);
    // A device that was a link of the host's own comes up again as a port of its bridge.
    let is_bridge = matches!(link.kind, LinkKind::Bridge(_));
    let message = if is_bridge { message } else { message.down() };
    session
        .request(RouteNetlinkMessage::SetLink(message.build()), 0)
        .map(drop)
        .map_err(|refusal| refusal.in_doing(doing()))
}

/// By what it is somebody else's.
fn whose(session: &Session, link: &LinkFact, alias: &str) -> Result<Option<String>, HostError> {
    if let Some(other) = &link.alias {
        return Ok(Some(format!(
            "it is there with the alias {other} and without {alias}, so it is somebody else's"
        )));
    }
    if let Some(master) = link.master
        && query::links(Query::Index(master))?
            .iter()
            .all(|master| master.alias.as_deref() != Some(alias))
    {
        return Ok(Some("it is there as a port of another device".to_owned()));
    }
    let facts = HostFacts {
        addresses: addresses::all(session)?,
        ..HostFacts::default()
    };
    let address = link.own_addresses(&facts).next();
    Ok(address.map(|address| format!("it is there with address {address}, so somebody uses it")))
}

/// Takes from a device what somebody told it of other hosts.
pub(super) fn forget(session: &Session, device: &IfName, index: u32) -> Result<(), HostError> {
    let doing = || format!("cannot take over the entries of {device}");
    for entry in fdb::entries(session, device, index)? {
        fdb::remove(session, index, &entry).map_err(|refusal| refusal.in_doing(doing()))?;
    }
    for neighbour in neighbours::entries(session, device, index)? {
        neighbours::remove(session, index, &neighbour)
            .map_err(|refusal| refusal.in_doing(doing()))?;
    }
    Ok(())
}
