//! The host's links, read when they are first asked for.

use std::cell::OnceCell;

use crate::facts::HostFacts;
use crate::host::{Host, HostError};
use crate::model::Tap;

/// The host's links and addresses, read under the lock when they are first asked for: a dump of
/// all of them costs more than all else of a call that brings one more VM.
pub(super) struct Links<'a> {
    host: &'a dyn Host,
    read: OnceCell<HostFacts>,
}

impl<'a> Links<'a> {
    pub(super) fn of(host: &'a dyn Host) -> Self {
        Self {
            host,
            read: OnceCell::new(),
        }
    }

    /// Links and addresses as they were when this was first asked.
    pub(super) fn get(&self) -> Result<&HostFacts, HostError> {
        if let Some(facts) = self.read.get() {
            return Ok(facts);
        }
        let facts = self.host.facts()?;
        Ok(self.read.get_or_init(|| facts))
    }

    /// Whether this very tap is there. Asks for it alone where the links were not read.
    pub(super) fn has_tap(&self, tap: &Tap) -> Result<bool, HostError> {
        match self.read.get() {
            Some(facts) => Ok(facts.has_tap(tap)),
            None => has_tap(self.host, tap),
        }
    }
}

/// Whether this very tap is there: a later one of the same name has another index.
fn has_tap(host: &dyn Host, tap: &Tap) -> Result<bool, HostError> {
    let link = host.link(tap.name.as_str())?;
    Ok(link.is_some_and(|link| link.index == tap.index))
}
