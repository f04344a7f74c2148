//! The host's links, read when they are first asked for.

use std::cell::OnceCell;

use crate::facts::{HostFacts, LinkFact};
use crate::host::{Host, HostError};
use crate::model::{IfName, Tap};

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

    /// Whether a port has lost its tap: it is gone, or on another bridge than its network's. One on
    /// no bridge is not lost: somebody deleted the bridge, and puts the tap back. Asks for these
    /// links alone where not all were read.
    pub(super) fn has_lost(&self, tap: &Tap, bridge: Option<&IfName>) -> Result<bool, HostError> {
        let Some(link) = self.link(&tap.name)?.filter(|link| link.index == tap.index) else {
            return Ok(true);
        };
        let (Some(master), Some(bridge)) = (link.master, bridge) else {
            return Ok(false);
        };
        let bridge = self.link(bridge)?;
        Ok(bridge.is_none_or(|bridge| bridge.index != master))
    }

    fn link(&self, name: &IfName) -> Result<Option<LinkFact>, HostError> {
        match self.read.get() {
            Some(facts) => Ok(facts.link(name).cloned()),
            None => self.host.link(name.as_str()),
        }
    }
}
