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
use support::world::{CONFIG, assert_same};
use support::{Vm, VmNic, World};

/// `prepare` refuses the machine with a line that has its name and these words, and changes nothing.
#[track_caller]
fn assert_refuses(world: &World, vm: &Vm, words: &[&str]) {
    let before = world.dump();
    let outcome = world.event("prepare", vm);
    assert_refused(
        &outcome,
        &[&["vmhook: domain ", &vm.name][..], words].concat(),
    );
    assert_same(&world.dump(), &before, &format!("{words:?}"));
    assert_silent(&world.event("stopped", vm));
    assert_silent(&world.event("release", vm));
    assert_same(&world.dump(), &before, &format!("{words:?}"));
}
