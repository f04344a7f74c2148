//! Domains that are about to come from another host.
//!
//! Noted by the domain's own hook at `migrate`, without the lock, and taken by it at `start`. What
//! cannot be read or is too old is no note: then connections begin anew, as at any start.

use anyhow::Result;

use super::Store;
use crate::model::DomainUuid;
use crate::record::{Incoming, decode};

impl Store<'_> {
    /// Notes that the domain's next start is the end of a migration.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn put_incoming(&self, uuid: &DomainUuid) -> Result<()> {
        let incoming = Incoming {
            epoch: self.epoch().clone(),
            caller: self.host.caller(),
            told: self.host.uptime()?,
        };
        self.write(&Incoming::file_of(uuid), &incoming)
    }

    /// Whether it is noted that the domain comes from another host; tells it once.
    ///
    /// # Errors
    /// If the note cannot be removed.
    pub fn take_incoming(&self, uuid: &DomainUuid) -> Result<bool> {
        let file = Incoming::file_of(uuid);
        let Some(bytes) = self.host.read_state(&file)? else {
            return Ok(false);
        };
        let arrives = self.arrives(&bytes);
        self.host.remove_state(&file)?;
        Ok(arrives)
    }

    /// Forgets migrations that have failed without a word.
    ///
    /// # Errors
    /// If the state directory cannot be read or changed.
    pub fn drop_failed_incoming(&self) -> Result<()> {
        for name in self.host.list_state(Incoming::FOLDER)? {
            let file = format!("{}/{name}", Incoming::FOLDER);
            let bytes = self.host.read_state(&file)?;
            if bytes.is_some_and(|bytes| !self.arrives(&bytes)) {
                self.host.remove_state(&file)?;
            }
        }
        Ok(())
    }

    fn arrives(&self, bytes: &[u8]) -> bool {
        let (Ok(incoming), Ok(now)) = (decode::<Incoming>(bytes), self.host.uptime()) else {
            return false;
        };
        incoming.may_arrive(self.epoch(), now) && self.host.is_running(&incoming.caller)
    }
}
