//! The host's links, read when they are first asked for.

use std::cell::OnceCell;

use crate::facts::HostFacts;
use crate::host::{Host, HostError};

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
}
