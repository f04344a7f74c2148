//! What an installation asks of other programs.

use std::path::Path;
use std::rc::Rc;
use std::time::Duration;

use super::HostError;
use super::deadline::Deadline;
use super::process::{Call, Runner};
use crate::installation::{EVENT, HOOKS};

/// The programs of this system.
#[derive(Debug)]
pub struct Programs(Runner);

impl Programs {
    /// The programs in `$PATH`; all that is run ends within `limit` from now.
    pub fn new(limit: Duration) -> Self {
        Self(Runner::new(Rc::new(Deadline::new(limit))))
    }

    /// Whether a program is there.
    pub fn has(&self, program: &str) -> bool {
        self.0.find(program).is_some()
    }

    /// Starts what the stubs start, without anything to do: this system can run it.
    ///
    /// # Errors
    /// [`HostError::Command`]: it cannot be started, or does not end well.
    pub fn try_event(&self) -> Result<(), HostError> {
        self.0.run_well(&Call::new(EVENT, &[])).map(drop)
    }

    /// **Changes**: gives what was installed the SELinux labels of its places.
    ///
    /// # Errors
    /// [`HostError::Command`].
    pub fn restore_labels(&self) -> Result<(), HostError> {
        let arguments = ["-RF", HOOKS, EVENT];
        self.0
            .run_well(&Call::new("restorecon", &arguments))
            .map(drop)
    }
}

/// Whether SELinux is at work on this system.
pub fn is_selinux_on() -> bool {
    Path::new("/sys/fs/selinux/enforce").exists()
}
