//! Looking links up, and deleting them.

use nix::errno::Errno;
use rtnetlink::packet_core::NLM_F_REQUEST;
use rtnetlink::packet_route::RouteNetlinkMessage;
use rtnetlink::packet_route::link::{LinkAttribute, LinkExtentMask, LinkMessage};

use crate::facts::LinkFact;

use super::super::HostError;
use super::facts;
use super::session::{Refusal, Session};

/// The link of this name.
pub(super) fn named(session: &Session, name: &str) -> Result<Option<LinkFact>, HostError> {
    let mut message = without_statistics();
    message
        .attributes
        .push(LinkAttribute::IfName(name.to_owned()));
    match session.request(RouteNetlinkMessage::GetLink(message), NLM_F_REQUEST) {
        Ok(messages) => Ok(links(&messages).pop()),
        Err(refusal) if refusal.is(Errno::ENODEV) => Ok(None),
        Err(refusal) => Err(refusal.in_doing(format!("cannot look up {name}"))),
    }
}

/// The link of this name, which must be there.
pub(super) fn present(
    session: &Session,
    name: &str,
    doing: impl FnOnce() -> String,
) -> Result<LinkFact, HostError> {
    named(session, name)?.ok_or_else(|| HostError::Netlink {
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

fn without_statistics() -> LinkMessage {
    let mut message = LinkMessage::default();
    let mask = LinkAttribute::ExtMask(vec![LinkExtentMask::SkipStats]);
    message.attributes.push(mask);
    message
}

fn links(messages: &[RouteNetlinkMessage]) -> Vec<LinkFact> {
    let link = |message: &RouteNetlinkMessage| match message {
        RouteNetlinkMessage::NewLink(link) => Some(facts::link(link)),
        _ => None,
    };
    messages.iter().filter_map(link).collect()
}
