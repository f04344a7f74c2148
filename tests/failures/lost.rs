//! Records that somebody removed or damaged.

use super::*;

fn remove(world: &World, file: &str) {
    std::fs::remove_file(world.state_dir().join(file)).unwrap();
}

/// The records of the host, of its index, and of the network.
fn shared_records(world: &World) -> Vec<String> {
    let files = world.state_files().into_iter();
    let shared: Vec<_> = files.filter(|file| !file.starts_with("domains/")).collect();
    assert_eq!(shared.len(), 3, "{shared:?}");
    shared
}

#[test]
fn what_several_share_is_made_again_and_no_machine_notices() {
    World::run(|world| {
        let (vm, other) = (Vm::new(1), Vm::new(2));
        let empty = world.dump();
        world.bring_up(&[&vm]);
        world.ok("prepare", &other);
        let whole = world.kernel();
        for file in shared_records(world) {
            remove(world, &file);
            assert_silent(&world.daemon_start().end());
            assert_same(
                &world.kernel(),
                &whole,
                &format!("{file}, libvirtd's start"),
            );
            // The index comes back only when it changes.
            if world.state_files().contains(&file) {
                remove(world, &file);
            }
            world.ok("prepare", &other);
            assert_same(&world.kernel(), &whole, &format!("{file}, the next hook"));
        }
        world.ok("release", &other);
        world.take_down(&[&vm]);
        assert_same(&world.dump(), &empty, "after all");
    });
}

#[test]
fn a_machine_whose_record_is_lost_is_closed_until_it_starts_again() {
    World::run(|world| {
        let (vm, other) = (Vm::new(1), Vm::new(2));
        let empty = world.dump();
        world.bring_up(&[&vm, &other]);
        let files = world.state_files();
        let own = files
            .iter()
            .find(|it| it.starts_with("domains/") && it.ends_with('1'));
        remove(world, own.unwrap());
        assert_silent(&world.daemon_start().end());
        assert_eq!(
            world.open_taps(),
            [other.nics[0].tap.clone()].into(),
            "the other one's stays open"
        );
        world.take_down(&[&vm]);
        world.bring_up(&[&vm]);
        assert_eq!(world.open_taps().len(), 2);
        world.take_down(&[&vm, &other]);
        assert_same(&world.dump(), &empty, "after all");
    });
}

#[test]
fn a_damaged_record_refuses_starts_by_its_name_and_ends_nothing() {
    World::run(|world| {
        let (vm, other) = (Vm::new(1), Vm::new(2));
        world.bring_up(&[&vm]);
        let whole = world.kernel();
        for file in shared_records(world) {
            if file == "index" {
                continue; // It is derived, and made again.
            }
            let path = world.state_dir().join(&file);
            let good = std::fs::read(&path).unwrap();
            std::fs::write(&path, "damaged").unwrap();
            let outcome = world.event("prepare", &other);
            let words = format!("state file {file} is damaged");
            assert_refused(&outcome, &["domain vm2", &words]);
            assert_eq!(world.event("reconnect", &vm).code, 0);
            assert_same(&world.kernel(), &whole, &file);
            std::fs::write(&path, good).unwrap();
        }
    });
}
