//! What is refused, and how it is told: exit 1, one line that names domain, interface and cause, and
//! the kernel as it was. And what is let through whatever is wrong.

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::unwrap_used,
    reason = "these tests are about files, processes and the kernel"
)]

#[path = "../support/mod.rs"]
mod support;

mod configuration;
mod host;
mod input;
mod not_ours;
mod ports;
mod programs;

use support::call::{assert_refused, assert_silent};
use support::netns::run;
use support::world::{CONFIG, assert_refuses, assert_same};
use support::{Vm, VmNic, World};
