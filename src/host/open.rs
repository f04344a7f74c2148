//! Opening the boundary: the one place where a program gets its [`Host`].

use std::time::Duration;

use super::{Host, Machine, Paths};

/// The host of this program.
///
/// With the feature `faults`, `$VMHOOK_FAULT` says what is to fail; a text there that means nothing
/// is an error, or a test would pass for the wrong reason.
///
/// # Errors
/// A wrong `$VMHOOK_FAULT`; without the feature none.
#[cfg(feature = "faults")]
pub fn open(paths: Paths, limit: Duration) -> Result<Box<dyn Host>, super::FaultError> {
    let machine = Machine::new(paths, limit);
    Ok(match std::env::var("VMHOOK_FAULT") {
        Ok(text) => Box::new(super::Faulty::new(machine, text.parse()?)),
        Err(_) => Box::new(machine),
    })
}

/// The host of this program.
///
/// # Errors
/// None; there is one kind with the feature `faults`.
#[cfg(not(feature = "faults"))]
pub fn open(paths: Paths, limit: Duration) -> Result<Box<dyn Host>, std::convert::Infallible> {
    Ok(Box::new(Machine::new(paths, limit)))
}
