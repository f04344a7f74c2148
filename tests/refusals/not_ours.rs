//! What is none of our business: exit 0, nothing said, nothing written, whatever else is wrong.

use super::*;

const OPERATIONS: [&str; 6] = [
    "prepare",
    "start",
    "started",
    "reconnect",
    "stopped",
    "release",
];

/// Machines without an interface of ours.
fn strangers() -> [Vm; 2] {
    let mut none = Vm::new(7);
    none.nics.clear();
    [none, Vm::new(8).with(|nic| nic.bridge = "virbr0".into())]
}

/// All calls of all strangers, each made by `call`.
fn are_let_through(world: &World, call: impl Fn(&str, &Vm) -> support::Outcome) {
    let before = world.dump();
    for vm in strangers() {
        for operation in OPERATIONS {
            assert_silent(&call(operation, &vm));
        }
    }
    assert_same(&world.dump(), &before, "nothing is written");
}

#[test]
fn with_a_configuration_that_is_right_broken_or_missing() {
    World::run(|world| {
        are_let_through(world, |operation, vm| world.event(operation, vm));
        assert!(!world.state_dir().exists(), "not even a folder is made");
        world.configure("this is no TOML");
        are_let_through(world, |operation, vm| world.event(operation, vm));
        std::fs::remove_dir_all(world.config_dir()).unwrap();
        are_let_through(world, |operation, vm| world.event(operation, vm));
    });
}

#[test]
fn without_any_program() {
    World::run(|world| {
        let path = world.config_dir();
        std::os::unix::fs::symlink(run("which setsid").trim(), path.join("setsid")).unwrap();
        are_let_through(world, |operation, vm| {
            world.call(operation, vm).path(&path).end()
        });
    });
}

#[test]
fn while_the_lock_is_held_and_others_run() {
    World::run(|world| {
        world.bring_up(&[&Vm::new(1)]);
        let lock = std::fs::File::open(world.state_dir()).unwrap();
        lock.lock().unwrap();
        are_let_through(world, |operation, vm| world.event(operation, vm));
    });
}

#[test]
fn by_an_ordinary_user() {
    World::run(|world| {
        world.bring_up(&[&Vm::new(1)]);
        are_let_through(world, |operation, vm| {
            world.call(operation, vm).by_nobody().end()
        });
        world.configure("this is no TOML");
        are_let_through(world, |operation, vm| {
            world.call(operation, vm).by_nobody().end()
        });
    });
}

#[test]
fn an_ordinary_users_machine_on_a_bridge_of_ours_is_refused_and_ends_in_silence() {
    World::run(|world| {
        world.bring_up(&[&Vm::new(1)]);
        let before = world.dump();
        let vm = Vm::new(2);
        for operation in ["prepare", "start", "started"] {
            let outcome = world.call(operation, &vm).by_nobody().end();
            assert_refused(&outcome, &["vmhook: domain vm2", "root"]);
        }
        for operation in ["migrate", "reconnect", "stopped", "release"] {
            assert_silent(&world.call(operation, &vm).by_nobody().end());
        }
        assert_silent(&world.daemon_start().by_nobody().end());
        assert_same(&world.dump(), &before, "nothing was done");
    });
}

#[test]
fn where_an_ordinary_user_cannot_read_the_configuration_nobody_can_tell() {
    World::run(|world| {
        let call = world.call("prepare", &Vm::new(1)).by_nobody();
        run(&format!(
            "chmod 600 {}/vmhook.toml",
            world.config_dir().display()
        ));
        assert_silent(&call.end());
    });
}

#[test]
fn operations_that_are_not_served() {
    World::run(|world| {
        let before = world.dump();
        for operation in ["restore", "attach", "from-the-future", "", "--help"] {
            assert_silent(&world.event(operation, &Vm::new(1)));
        }
        for arguments in [
            &["network", "net", "started", "begin", "-"][..],
            &["daemon", "-", "shutdown", "-", "shutdown"],
            &["lxc", "vm1", "prepare", "begin", "-"],
            &["qemu"],
            &[],
        ] {
            assert_silent(&world.call_with(arguments, b"nonsense".to_vec()).end());
        }
        assert_same(&world.dump(), &before, "nothing was done");
    });
}
