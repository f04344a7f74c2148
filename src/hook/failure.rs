//! What a call says when it fails: one line, once.
//!
//! Whoever applies a want tells the journal of it: see [`journal`](crate::apply::journal). What fails
//! before that, or for want of the lock, is told here, when it comes out of the call.

use std::fmt;

use super::input::Input;
use crate::apply::Stuck;
use crate::apply::journal::{Line, Outcome, input as given};
use crate::domain::parse_network_port;
use crate::event::Event;
use crate::host::Host;
use crate::model::DomainUuid;
use crate::record::Want;
use crate::refusal::Refusal;

/// Why a want did not become true.
#[derive(Debug, thiserror::Error)]
#[error("{refusal}")]
pub(super) struct Failure {
    refusal: Refusal,
    /// The journal has it already.
    told: bool,
}

impl Failure {
    /// The reason that whoever held the lock has left, and told.
    pub(super) fn told(refusal: Refusal) -> Self {
        Self {
            refusal,
            told: true,
        }
    }

    /// The wants could not be settled.
    pub(super) fn of(want: &Want, error: &anyhow::Error) -> Self {
        let stuck = error.downcast_ref::<Stuck>();
        Self {
            refusal: want.refusal(format!("{error:#}")),
            told: stuck.is_some_and(|stuck| stuck.tells_of(&want.uuid)),
        }
    }

    /// The same, with what went wrong besides.
    pub(super) fn beside<T>(mut self, what: &str, second: Result<T, anyhow::Error>) -> Self {
        if let Err(second) = second {
            self.refusal.cause = format!("{}; {what}: {second:#}", self.refusal.cause);
        }
        self
    }
}

/// Tells the journal of a call that failed, unless it knows.
pub(super) fn tell(host: &dyn Host, event: &Event, input: &Input, error: &anyhow::Error) {
    let failure = error.downcast_ref::<Failure>();
    let stuck = error.downcast_ref::<Stuck>();
    if failure.is_some_and(|it| it.told) || stuck.is_some_and(Stuck::is_told) {
        return;
    }
    let refused = error.downcast_ref::<Refusal>();
    let outcome = refused.map_or(Outcome::Failed, |_| Outcome::Refused);
    let refusal = refused.or(failure.map(|it| &it.refusal));
    let (name, uuid) = subject(event, input);
    let interface = refusal.and_then(|it| it.interface.map(|mac| mac.to_string()));
    let line = Line {
        domain: refusal.map(|it| it.domain.as_str()).or(name.as_deref()),
        uuid: uuid.as_ref(),
        interface: interface.as_deref(),
        input: given(error),
        ..Line::of_host(event.call(), outcome)
    };
    let message = match &name {
        Some(name) if refusal.is_none() => named(name, format!("{error:#}")).to_string(),
        _ => format!("{error:#}"),
    };
    line.write(host, &message);
}

/// The refusal that an error is; the error if it is none.
pub(super) fn refusal(error: anyhow::Error) -> Result<Refusal, anyhow::Error> {
    match error.downcast::<Failure>() {
        Ok(failure) => Ok(failure.refusal),
        Err(error) => error.downcast(),
    }
}

/// An error that names the domain.
pub(super) fn named(name: &str, error: impl fmt::Display) -> Refusal {
    Refusal::of_domain(name, error)
}

/// The domain that a call is about, as far as anybody can tell.
fn subject(event: &Event, input: &Input) -> (Option<String>, Option<DomainUuid>) {
    match (event, input) {
        (Event::Domain { name, .. }, _) => {
            let uuid = input.domain(name).ok().map(|domain| domain.uuid);
            (Some(name.to_string_lossy().into_owned()), uuid)
        }
        (Event::PortCreated | Event::PortDeleted, Input::Xml(xml)) => match parse_network_port(xml)
        {
            Ok(port) => (Some(port.owner_name), Some(port.owner_uuid)),
            Err(_) => (None, None),
        },
        _ => (None, None),
    }
}
