//! A change that fails: all of a start is undone, and a stop goes on.

use super::stage::{Stage, assert_closed_or_whole, whole_rules};
use super::*;

/// Lets a stage by which something comes fail at each of its changes.
fn is_undone_anywhere(stage: Stage) {
    World::run(|world| {
        let vm = Vm::new(1);
        let empty = world.dump();
        let last = stage.changes(world, &vm);
        // The last one is that the want goes, which is applied by then.
        for change in 1..last {
            let fault = format!("fail:{change}");
            let when = format!("{stage:?} {fault}");
            stage.reach(world, &vm);
            let before = world.kernel();
            let outcome = world.call(stage.word(), &vm).fault(&fault).end();
            assert_refused(&outcome, &["vmhook: domain vm1", "told to fail"]);
            assert_same(&world.kernel(), &before, &when);
            world.take_down(&[&vm]);
            assert_same(&world.dump(), &empty, &when);
        }
    });
}

#[test]
fn a_prepare_that_fails_anywhere_leaves_the_kernel_as_it_was() {
    is_undone_anywhere(Stage::Prepare);
}

#[test]
fn a_start_that_fails_anywhere_leaves_the_kernel_as_it_was() {
    is_undone_anywhere(Stage::Start);
}

/// Whoever waits for it may have gone already, so what it wanted is never undone.
#[test]
fn a_want_that_is_applied_and_cannot_go_is_no_reason_to_go_back() {
    World::run(|world| {
        let (vm, other) = (Vm::new(1), Vm::new(2));
        let empty = world.dump();
        for stage in [Stage::Prepare, Stage::Start] {
            let last = stage.changes(world, &vm);
            stage.reach(world, &vm);
            let fault = format!("fail:{last}");
            assert_silent(&world.call(stage.word(), &vm).fault(&fault).end());
            let kernel = world.kernel();
            let wanted = || {
                let files = world.state_files();
                files.iter().any(|file| file.starts_with("wants/"))
            };
            assert!(wanted(), "{stage:?}");
            world.ok("prepare", &other);
            world.ok("release", &other);
            assert!(!wanted(), "{stage:?}");
            assert_same(&world.kernel(), &kernel, "it was true already");
            world.take_down(&[&vm]);
            assert_same(&world.dump(), &empty, "after it");
        }
    });
}

#[test]
fn a_start_that_fails_and_cannot_read_back_leaves_the_port_closed() {
    World::run(|world| {
        let (vm, other) = (Vm::new(1), Vm::new(2));
        let empty = world.dump();
        let whole = whole_rules(world, &vm);
        for change in 1..=Stage::Start.changes(world, &vm) {
            let fault = format!("fail:{change},fail-reads-after:{change}");
            Stage::Start.reach(world, &vm);
            let outcome = world.call("start", &vm).fault(&fault).end();
            assert_refused(&outcome, &["vmhook: domain vm1", "told to fail"]);
            assert_closed_or_whole(world, &vm, &whole, &fault);

            world.ok("prepare", &other);
            assert_eq!(world.open_taps().len(), 0, "{fault}");
            world.take_down(&[&vm, &other]);
            assert_same(&world.dump(), &empty, &fault);
        }
    });
}

#[test]
fn a_start_whose_records_fail_and_whose_undoing_fails_too_can_be_tried_again() {
    World::run(|world| {
        let vm = Vm::new(1);
        let empty = world.dump();
        world.bring_up(&[&vm]);
        let whole = world.kernel();
        world.take_down(&[&vm]);
        let last = Stage::Start.changes(world, &vm);
        // The last changes but one are those of the records.
        let pairs = (last - 5..last).flat_map(|one| (one + 1..last + 9).map(move |two| (one, two)));
        for (one, two) in pairs {
            let fault = format!("fail:{one},fail:{two}");
            Stage::Start.reach(world, &vm);
            let outcome = world.call("start", &vm).fault(&fault).end();
            assert_refused(&outcome, &["vmhook: domain vm1", "told to fail"]);
            world.ok("start", &vm);
            assert_same(&world.kernel(), &whole, &fault);
            world.take_down(&[&vm]);
            assert_same(&world.dump(), &empty, &fault);
        }
    });
}

/// Lets a stage by which things only go fail at each of its changes.
fn goes_on(stage: Stage) {
    World::run(|world| {
        let (vm, other) = (Vm::new(1), Vm::new(2));
        let empty = world.dump();
        let whole = whole_rules(world, &vm);
        let kernels = stage.kernels(world, &vm, &other);
        for change in 1..=stage.changes(world, &vm) {
            let fault = format!("fail:{change}");
            let when = format!("{stage:?} {fault}");
            stage.reach(world, &vm);
            let outcome = world.call(stage.word(), &vm).fault(&fault).end();
            assert_eq!(outcome.code, 0, "{outcome:#?}");
            assert_closed_or_whole(world, &vm, &whole, &when);
            world.ok("prepare", &other);
            kernels.assert_either(&world.kernel(), true, &when);
            world.take_down(&[&vm, &other]);
            assert_same(&world.dump(), &empty, &when);
        }
    });
}

#[test]
fn a_stopped_goes_on_after_a_failure_and_the_next_hook_does_the_rest() {
    goes_on(Stage::Stopped);
}

#[test]
fn a_release_goes_on_after_a_failure_and_the_next_hook_does_the_rest() {
    goes_on(Stage::Release);
}

#[test]
fn a_bug_of_ours_refuses_a_start_and_kills_nothing_that_runs() {
    World::run(|world| {
        let vm = Vm::new(1);
        world.bring_up(&[&vm]);
        let before = world.kernel();
        for (operation, code) in [
            ("started", 1),
            ("reconnect", 0),
            ("stopped", 0),
            ("release", 0),
        ] {
            // Such a text makes the program panic.
            let outcome = world.call(operation, &vm).fault("no fault").end();
            assert_eq!(
                (outcome.code, outcome.out.as_str()),
                (code, ""),
                "{outcome:#?}"
            );
            assert!(
                outcome.err.contains("vmhook-event has a bug"),
                "{outcome:#?}"
            );
        }
        assert_same(&world.kernel(), &before, "nothing was done");
    });
}

#[test]
fn a_mac_address_that_could_not_be_given_up_is_not_given_to_another() {
    World::run(|world| {
        let vm = Vm::new(1);
        let mac = vm.nics[0].mac.clone();
        let changed = Vm::new(1).with(|nic| nic.mac = "fa:16:3e:00:00:77".into());
        let heir = Vm::new(2).with(|nic| nic.mac.clone_from(&mac));
        for (one, two) in (2..8).flat_map(|one| (one + 1..one + 6).map(move |two| (one, two))) {
            let fault = format!("fail:{one},fail:{two}");
            world.ok("prepare", &vm);
            // Its want is written, and left to the next hook, which serves both.
            world.call("prepare", &changed).fault("die-after:1").end();
            world.call("prepare", &heir).fault(&fault).end();

            let index = std::fs::read_to_string(world.state_dir().join("index")).unwrap();
            let owners = index.matches(&format!("\"mac\":\"{mac}\"")).count();
            assert!(owners <= 1, "{fault}: {index}");
            world.take_down(&[&vm, &heir]);
        }
    });
}
