//! The old iptables interface, which has no generation: its rules are read back at every call.

use std::path::PathBuf;

use super::*;

/// The programs with Debian's names, of the old kind.
fn legacy(world: &World) -> PathBuf {
    let mut programs = Vec::new();
    for family in ["iptables", "ip6tables"] {
        for tool in ["", "-save", "-restore"] {
            let name = format!("{family}{tool}");
            let script = format!("exec /usr/sbin/{family}-legacy{tool} \"$@\"");
            programs.push((name, script));
        }
    }
    let programs: Vec<_> = programs
        .iter()
        .map(|(name, script)| (name.as_str(), script.as_str()))
        .collect();
    world.programs(&programs)
}

fn ok(world: &World, operation: &str, vm: &Vm) {
    let programs = legacy(world);
    assert_silent(&world.call(operation, vm).programs_first(&programs).end());
}

fn begin(world: &World, vm: &Vm) {
    ok(world, "prepare", vm);
    world.plug(vm);
}

fn end(world: &World, vm: &Vm) {
    world.unplug(vm);
    ok(world, "stopped", vm);
    ok(world, "release", vm);
}

/// Rules of the old kind that name a machine's tap or its chains.
fn rules_of(world: &World, vm: &Vm) -> usize {
    let name = &vm.nics[0].tap[3..13];
    world
        .kernel()
        .lines()
        .filter(|line| line.starts_with("-A") && line.contains(name))
        .count()
}

#[test]
fn a_start_that_dies_is_put_right_by_the_next_hook() {
    World::run(|world| {
        let empty = world.dump();
        let (vm, other) = (Vm::new(1), Vm::new(2));
        begin(world, &vm);
        ok(world, "start", &vm);
        ok(world, "prepare", &other);
        let whole = world.kernel();
        end(world, &vm);
        end(world, &other);
        for fault in [
            "die-after:2",
            "die-before:5",
            "die-after:5",
            "die-after:6",
            "die-after:8",
        ] {
            begin(world, &vm);
            let call = world.call("start", &vm).programs_first(&legacy(world));
            assert_eq!(call.fault(fault).end().code, 128 + 9, "{fault}");
            ok(world, "prepare", &other);
            assert_same(&world.kernel(), &whole, fault);
            end(world, &vm);
            end(world, &other);
            assert_same(&world.dump(), &empty, fault);
        }
    });
}

#[test]
fn a_start_that_fails_is_undone() {
    World::run(|world| {
        let vm = Vm::new(1);
        begin(world, &vm);
        let before = world.kernel();
        for fault in ["fail:5", "fail:6", "fail:8"] {
            let call = world.call("start", &vm).programs_first(&legacy(world));
            assert_refused(&call.fault(fault).end(), &["domain vm1", "told to fail"]);
            assert_same(&world.kernel(), &before, fault);
        }
    });
}

#[test]
fn a_line_that_somebody_deleted_is_there_again() {
    World::run(|world| {
        let vm = Vm::new(1);
        begin(world, &vm);
        ok(world, "start", &vm);
        let whole = world.kernel();
        let had = rules_of(world, &vm);
        support::netns::run("iptables-legacy -F neutron-linuxbri-i00000001-7");
        assert!(rules_of(world, &vm) < had);
        ok(world, "reconnect", &vm);
        assert_same(&world.kernel(), &whole, "reconnect");
    });
}
