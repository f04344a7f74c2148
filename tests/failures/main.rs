//! Failures and deaths in the middle of a hook, and others who were there: what is left, and what
//! the next hook makes of it.

#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "these tests are about files, processes and the kernel"
)]

#[path = "../support/mod.rs"]
mod support;

mod deaths;
mod faults;
mod stage;

use support::world::{assert_refused, assert_same, assert_silent};
use support::{Vm, World};
