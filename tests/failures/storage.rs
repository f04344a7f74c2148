//! A state directory that is full, or that nobody can write.

use nix::sched::{CloneFlags, unshare};

use super::*;
use support::netns::run;

/// Lays a small file system over the state directory, for this test alone.
fn small_state(world: &World) {
    unshare(CloneFlags::CLONE_NEWNS).expect("root can have mounts of its own");
    run("mount --make-rprivate /");
    let state = world.state_dir();
    std::fs::create_dir_all(&state).unwrap();
    run(&format!(
        "mount -t tmpfs -o size=256k state {}",
        state.display()
    ));
}

/// Leaves no room at all.
fn fill(world: &World) {
    let filler = world.state_dir().join("filler");
    let error = std::fs::write(filler, vec![0; 1 << 20]).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::StorageFull);
}

fn make_read_only(world: &World) {
    run(&format!(
        "mount -o remount,ro {}",
        world.state_dir().display()
    ));
}

fn make_writable_again(world: &World) {
    run(&format!(
        "mount -o remount,rw {}",
        world.state_dir().display()
    ));
    let filler = world.state_dir().join("filler");
    if filler.exists() {
        std::fs::remove_file(filler).unwrap();
    }
}

/// A start is refused, a running machine's end is served, and later nothing is left.
fn is_survived(spoil: fn(&World), word: &str) {
    World::run(|world| {
        small_state(world);
        let empty = world.dump();
        let (runs, comes) = (Vm::new(1), Vm::new(2));
        world.bring_up(&[&runs]);
        spoil(world);
        let before = world.dump();
        let outcome = world.event("prepare", &comes);
        assert_refused(&outcome, &["domain vm2", "cannot write", word]);
        assert_same(&world.dump(), &before, "nothing was begun");

        world.unplug(&runs);
        for operation in ["stopped", "release"] {
            let outcome = world.event(operation, &runs);
            assert_eq!(
                (outcome.code, outcome.out.as_str()),
                (0, ""),
                "{outcome:#?}"
            );
            assert!(world.open_taps().is_empty(), "{operation}: {outcome:#?}");
        }
        assert!(!world.rules().contains("00000001-7"), "its rules are gone");
        make_writable_again(world);
        world.ok("prepare", &comes);
        world.ok("release", &comes);
        world.ok("release", &runs);
        assert_same(&world.dump(), &empty, "after all");
    });
}

#[test]
fn a_full_state_directory_refuses_starts_and_serves_ends() {
    is_survived(fill, "No space left on device");
}

#[test]
fn a_read_only_state_directory_refuses_starts_and_serves_ends() {
    is_survived(make_read_only, "Read-only file system");
}
