//! Many hooks at once.

use super::*;
use nix::net::if_::if_nametoindex;
use support::call::{Call, Running};
use support::world::{BRIDGE, CONFIG};

/// Calls the hook for all of them at once.
fn all(world: &World, operation: &str, vms: &[Vm]) {
    let begun: Vec<Running> = vms
        .iter()
        .map(|vm| world.call(operation, vm).begin())
        .collect();
    for running in begun {
        assert_silent(&running.end());
    }
}

fn plug(world: &World, vms: &[Vm]) {
    for vm in vms {
        world.plug(vm);
    }
}

fn unplug(world: &World, vms: &[Vm]) {
    for vm in vms {
        world.unplug(vm);
    }
}

/// The whole lives of some machines, each call of all of them at once.
fn live_together(count: u8) {
    World::run(|world| {
        let empty = world.dump();
        let vms: Vec<Vm> = (1..=count).map(Vm::new).collect();
        let one_by_one = {
            world.bring_up(&vms.iter().collect::<Vec<_>>());
            let kernel = world.kernel();
            world.take_down(&vms.iter().collect::<Vec<_>>());
            kernel
        };
        all(world, "prepare", &vms);
        plug(world, &vms);
        all(world, "start", &vms);
        assert_eq!(world.open_taps().len(), usize::from(count));
        assert_same(&world.kernel(), &one_by_one, "all at once is as one by one");
        all(world, "started", &vms);
        unplug(world, &vms);
        all(world, "stopped", &vms);
        assert!(world.open_taps().is_empty());
        all(world, "release", &vms);
        assert_same(&world.dump(), &empty, "after the last one");
    });
}

#[test]
fn eight_machines_come_and_go_at_once() {
    live_together(8);
}

#[test]
fn sixteen_machines_come_and_go_at_once() {
    live_together(16);
}

/// A machine's whole life, whatever the others do. The bridge that `prepare` gave it, by index, is its
/// bridge until it says that it is gone.
fn live(world: &World, vm: &Vm) {
    let bridge = || if_nametoindex(BRIDGE).ok();
    world.ok("prepare", vm);
    let given = bridge();
    assert!(given.is_some(), "{}: prepared without a bridge", vm.name);
    world.plug(vm);
    for operation in ["start", "started"] {
        world.ok(operation, vm);
        assert_eq!(bridge(), given, "{} after {operation}", vm.name);
    }
    assert!(world.open_taps().contains(&vm.nics[0].tap));
    world.unplug(vm);
    world.ok("stopped", vm);
    assert_eq!(bridge(), given, "{} has stopped", vm.name);
    world.ok("release", vm);
}

/// Nobody waits for another: the network goes with whoever is the last for a moment, and comes again.
#[test]
fn a_crowd_lives_at_once_and_nobody_is_ever_without_a_bridge() {
    let (count, rounds) = support::crowd(24, 1);
    World::run(|world| {
        // Whoever waits behind many others on a busy machine is not what is tried here.
        world.configure(&CONFIG.replace("[host]", "[host]\nhook_timeout = 120"));
        let empty = world.dump();
        let vms: Vec<Vm> = (1..=count).map(Vm::new).collect();
        for round in 1..=rounds {
            std::thread::scope(|scope| {
                for vm in &vms {
                    scope.spawn(|| live(world, vm));
                }
            });
            assert_same(&world.dump(), &empty, &format!("after round {round}"));
        }
    });
}

/// Its own want is served, and there are many others: it need not wait for them.
#[test]
fn who_waits_leaves_as_soon_as_somebody_else_has_served_it() {
    World::run(|world| {
        let (goes, comes) = (Vm::new(1), Vm::new(2));
        world.bring_up(&[&goes]);
        world.unplug(&goes);
        let wanted = || {
            let files = world.state_files().into_iter();
            files.filter(|file| file.starts_with("wants/")).count()
        };
        let lock = std::fs::File::open(world.state_dir()).unwrap();
        lock.lock().unwrap();
        let waits = world.call("stopped", &goes).begin();
        while wanted() == 0 {
            std::thread::yield_now();
        }
        waits.pause();
        drop(lock);
        // It stands still behind each of its changes, with the lock.
        let everywhere: Vec<String> = (1..100).map(|at| format!("stop-after:{at}")).collect();
        let holds = world.call("prepare", &comes).fault(&everywhere.join(","));
        let holds = holds.begin();
        holds.stands_still();
        while wanted() > 0 {
            holds.resume();
            holds.stands_still();
        }
        waits.resume();
        assert_silent(&waits.end());
        assert!(world.open_taps().is_empty());

        holds.resume();
        assert_silent(&holds.end());
        world.take_down(&[&comes]);
    });
}

#[test]
fn some_come_while_others_go() {
    World::run(|world| {
        let empty = world.dump();
        let (going, coming): (Vec<Vm>, Vec<Vm>) = (
            (1..=6).map(Vm::new).collect(),
            (11..=16).map(Vm::new).collect(),
        );
        world.bring_up(&going.iter().collect::<Vec<_>>());
        all(world, "prepare", &coming);
        plug(world, &coming);
        unplug(world, &going);
        let begun: Vec<Running> = going
            .iter()
            .zip(&coming)
            .flat_map(|(goes, comes)| {
                [world.call("stopped", goes), world.call("start", comes)].map(Call::begin)
            })
            .collect();
        for running in begun {
            assert_silent(&running.end());
        }
        all(world, "release", &going);
        let mut open: Vec<String> = coming.iter().map(|vm| vm.nics[0].tap.clone()).collect();
        open.sort();
        assert_eq!(world.open_taps().into_iter().collect::<Vec<_>>(), open);
        world.take_down(&coming.iter().collect::<Vec<_>>());
        assert_same(&world.dump(), &empty, "after the last one");
    });
}

#[test]
fn one_that_is_refused_holds_up_nobody() {
    World::run(|world| {
        let empty = world.dump();
        let mut vms: Vec<Vm> = (1..=6).map(Vm::new).collect();
        world.bring_up(&[&vms[0]]);
        // All of them take the first one's address.
        let thief = Vm::new(9).with(|nic| nic.mac = "fa:16:3e:00:00:01".into());
        let theft = world.call("prepare", &thief).begin();
        all(world, "prepare", &vms[1..]);
        assert_refused(
            &theft.end(),
            &["vm9", "fa:16:3e:00:00:01", "in use by domain vm1"],
        );
        plug(world, &vms[1..]);
        all(world, "start", &vms[1..]);
        assert_eq!(world.open_taps().len(), 6);
        vms.reverse();
        world.take_down(&vms.iter().collect::<Vec<_>>());
        world.ok("release", &thief);
        assert_same(&world.dump(), &empty, "after the last one");
    });
}
