//! Failures and deaths in the middle of a hook, and others who were there: what is left, and what
//! the next hook makes of it.

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::unwrap_used,
    reason = "these tests are about files, processes and the kernel"
)]

#[path = "../support/mod.rs"]
mod support;

mod arrivals;
mod crowd;
mod deaths;
mod faults;
mod host_end;
mod journal;
mod legacy;
mod lost;
mod others;
mod patience;
mod stage;
mod stale;
mod storage;
mod upgrades;

use support::call::{assert_refused, assert_silent};
use support::world::assert_same;
use support::{Vm, World};
