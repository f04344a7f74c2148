//! Files of the state directory that somebody or something damaged.

use std::fs;

use super::*;

fn damage(world: &World, file: &str) {
    let path = world.state_dir().join(file);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, b"\0garbage").unwrap();
}

#[test]
fn a_damaged_want_holds_up_nobody() {
    World::run(|world| {
        let empty = world.dump();
        let (runs, comes) = (Vm::new(1), Vm::new(2));
        world.bring_up(&[&runs]);
        damage(world, "wants/00000000-0000-4000-8000-000000000009.1");
        world.bring_up(&[&comes]);
        damage(world, "wants/00000000-0000-4000-8000-000000000008.1");
        world.take_down(&[&runs, &comes]);
        fs::remove_dir_all(world.state_dir().join("failed")).unwrap();
        assert_same(&world.dump(), &empty, "after the end");
    });
}

/// Another machine's, its own, or the network's: whoever gets the tap's name next must not find it
/// open.
#[test]
fn a_machine_that_stops_is_closed_whatever_record_is_damaged() {
    for file in [
        "domains/00000000-0000-4000-8000-000000000001",
        "domains/00000000-0000-4000-8000-000000000009",
        "networks/c08e7dcd-4acb-4cd0-ad08-ebd3b48467ee",
        "host",
    ] {
        World::run(|world| {
            let (stops, runs) = (Vm::new(1), Vm::new(2));
            world.bring_up(&[&stops, &runs]);
            damage(world, file);
            world.unplug(&stops);
            let outcome = world.event("stopped", &stops);
            assert!(outcome.err.contains(file), "{outcome:?}");
            let open: Vec<_> = world.open_taps().into_iter().collect();
            assert_eq!(open, ["tap00000002-75"], "{file}");
        });
    }
}
