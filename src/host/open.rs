//! Opening the boundary: the one place where a program gets its [`Host`].

use std::time::Duration;

use super::{Host, Machine, Paths};

/// The host of this program: see [`Machine::new`].
///
/// With the feature `faults`, `$VMHOOK_FAULT` says what is to fail.
#[cfg(feature = "faults")]
pub fn open(paths: Paths, limit: Duration) -> Box<dyn Host> {
    let machine = Machine::new(paths, limit);
    match std::env::var("VMHOOK_FAULT") {
        // A test with a wrong text there would pass for the wrong reason.
        Ok(text) => Box::new(super::Faulty::new(
            machine,
            text.parse().unwrap_or_else(|error| panic!("{error}")),
        )),
        Err(_) => Box::new(machine),
    }
}

/// The host of this program: see [`Machine::new`].
#[cfg(not(feature = "faults"))]
pub fn open(paths: Paths, limit: Duration) -> Box<dyn Host> {
    Box::new(Machine::new(paths, limit))
}
