//! Every type of network on a real kernel: its links as the machine that needs it starts, and nothing
//! of it once the last one has stopped.
//!
//! The test plays libvirt, in a network namespace of its own.

#![expect(
    clippy::disallowed_methods,
    reason = "tests are outside of the program's boundary"
)]

#[path = "../support/mod.rs"]
mod support;

mod flat;
mod keep;
mod local;
