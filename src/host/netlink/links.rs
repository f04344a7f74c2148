//! Looking links up, and deleting them.

use nix::errno::Errno;
use rtnetlink::packet_route::RouteNetlinkMessage;
use rtnetlink::packet_route::link::LinkMessage;

use crate::facts::LinkFact;
use crate::model::IfName;

use super::super::HostError;
use super::query::{self, Query};
use super::session::{Refusal, Session};

/// The link of this name. A text that no link can have for a name, as a definition may, is the name
/// of none; the kernel would refuse the question.
pub(super) fn named(name: &str) -> Result<Option<LinkFact>, HostError> {
    if name.is_empty() || name.len() > IfName::MAX {
        return Ok(None);
    }
    Ok(query::links(Query::Named(name))?.pop())
}

/// The link of this name, which must be there.
pub(super) fn present(name: &str, doing: impl FnOnce() -> String) -> Result<LinkFact, HostError> {
    named(name)?.ok_or_else(|| HostError::Netlink {
        doing: doing(),
        reason: format!("there is no device {name}"),
    })
}

/// Deletes the link with this index; one that is gone is no error.
pub(super) fn delete(session: &Session, index: u32) -> Result<(), Refusal> {
    let mut message = LinkMessage::default();
    message.header.index = index;
    match session.request(RouteNetlinkMessage::DelLink(message), 0) {
        Err(refusal) if !refusal.is(Errno::ENODEV) => Err(refusal),
        _ => Ok(()),
    }
}
