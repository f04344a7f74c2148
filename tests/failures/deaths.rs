//! A hook that is killed before or after any of its changes.

use super::stage::{Stage, assert_closed_or_whole, whole_rules};
use super::*;
use support::netns::run;
use support::world::CONFIG;

const DEATHS: [&str; 2] = ["die-before", "die-after"];

/// Lets a stage die at each of its changes. What it left is closed or whole, the next hook of
/// another machine makes it one thing or the other, and in the end nothing is left.
fn dies_anywhere(stage: Stage) {
    dies_anywhere_on(CONFIG, stage);
}

/// The same with another configuration.
pub(super) fn dies_anywhere_on(configuration: &str, stage: Stage) {
    World::run(|world| {
        world.configure(configuration);
        let (vm, other) = (Vm::new(1), Vm::new(2));
        let empty = world.dump();
        let whole = whole_rules(world, &vm);
        let kernels = stage.kernels(world, &vm, &other);
        for change in 1..=stage.changes(world, &vm) {
            for death in DEATHS {
                let fault = format!("{death}:{change}");
                let when = format!("{stage:?} {fault}");
                stage.reach(world, &vm);
                let outcome = world.call(stage.word(), &vm).fault(&fault).end();
                assert_eq!(outcome.code, 128 + 9, "{when}: {outcome:#?}");
                assert_closed_or_whole(world, &vm, &whole, &when);

                let wanted = world
                    .state_files()
                    .iter()
                    .any(|file| file.starts_with("wants/"));
                world.ok("prepare", &other);
                kernels.assert_either(&world.kernel(), wanted, &when);
                world.take_down(&[&vm, &other]);
                assert_same(&world.dump(), &empty, &when);
            }
        }
    });
}

#[test]
fn a_prepare_that_dies_anywhere_leaves_no_trace_once_the_next_hook_has_run() {
    dies_anywhere(Stage::Prepare);
}

#[test]
fn a_start_that_dies_anywhere_leaves_the_port_closed_or_whole() {
    dies_anywhere(Stage::Start);
}

#[test]
fn a_stopped_that_dies_anywhere_leaves_the_port_closed_or_whole() {
    dies_anywhere(Stage::Stopped);
}

#[test]
fn a_release_that_dies_anywhere_leaves_no_trace_once_the_next_hook_has_run() {
    dies_anywhere(Stage::Release);
}

#[test]
fn a_link_that_a_death_left_unfinished_is_in_nobodys_way_and_goes() {
    World::run(|world| {
        let empty = world.dump();
        let (vm, other) = (Vm::new(1), Vm::new(2));
        for kind in [
            "bridge",
            "vxlan id 267 local 172.16.0.31 dev eth0 dstport 8472",
        ] {
            for next in ["prepare", "release"] {
                let call = world.call("prepare", &vm).fault("die-before:4");
                assert_eq!(call.end().code, 128 + 9);
                run(&format!("ip link add vmhook-new type {kind}"));
                let next_vm = if next == "prepare" { &other } else { &vm };
                world.ok(next, next_vm);
                assert!(!world.kernel().contains("vmhook-new"), "{kind} {next}");
                world.take_down(&[&vm, &other]);
                assert_same(&world.dump(), &empty, kind);
            }
        }
    });
}

#[test]
fn a_start_that_dies_with_its_libvirtd_is_not_carried_on() {
    World::run(|world| {
        let (vm, other) = (Vm::new(1), Vm::new(2));
        let empty = world.dump();
        for change in 1..=Stage::Start.changes(world, &vm) {
            let fault = format!("die-after:{change}");
            let prepare = world.call("prepare", &vm).by_a_caller_that_dies();
            assert_silent(&prepare.end());
            world.plug(&vm);
            let start = world.call("start", &vm).fault(&fault);
            let outcome = start.by_a_caller_that_dies().end();
            assert_eq!(outcome.code, 128 + 9, "{fault}: {outcome:#?}");
            world.unplug(&vm);

            world.ok("prepare", &other);
            let wanted = world
                .state_files()
                .into_iter()
                .find(|file| file.starts_with("wants/"));
            assert_eq!(wanted, None, "{fault}");
            world.take_down(&[&other]);
            // What was finished before the death is a record like any other.
            assert_silent(&world.daemon_start().end());
            assert_same(&world.dump(), &empty, &fault);
        }
    });
}
