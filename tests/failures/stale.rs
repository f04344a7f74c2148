//! Machines that went without a word: their libvirtd was killed, and their taps went with it.

use super::*;

/// Brings a machine up and lets it go with the libvirtd that started it.
fn went_without_a_word(world: &World, vm: &Vm) {
    assert_silent(&world.call("prepare", vm).by_a_caller_that_dies().end());
    world.plug(vm);
    assert_silent(&world.call("start", vm).by_a_caller_that_dies().end());
    world.unplug(vm);
}

#[test]
fn a_tap_or_address_of_a_machine_that_is_gone_is_free() {
    World::run(|world| {
        let empty = world.dump();
        let (gone, fresh) = (Vm::new(1), Vm::new(2));
        let heirs = [
            fresh.clone().with(|nic| nic.tap = "tap00000001-75".into()),
            fresh.with(|nic| nic.mac = "fa:16:3e:00:00:01".into()),
        ];
        for heir in heirs {
            went_without_a_word(world, &gone);
            world.bring_up(&[&heir]);
            assert!(world.rules().contains("192.168.101.2/32"));
            assert!(
                !world.dump().contains("192.168.101.1/32"),
                "the stale one is retired"
            );
            world.take_down(&[&heir]);
            assert_same(&world.dump(), &empty, &format!("{heir:?}"));
        }
    });
}

#[test]
fn the_start_of_a_daemon_retires_what_is_gone_and_nothing_else() {
    World::run(|world| {
        let (gone, runs, coming) = (Vm::new(1), Vm::new(2), Vm::new(3));
        assert_silent(&world.call("prepare", &runs).by_a_caller_that_dies().end());
        world.plug(&runs);
        assert_silent(&world.call("start", &runs).by_a_caller_that_dies().end());
        world.ok("prepare", &coming);
        let before = world.kernel();
        went_without_a_word(world, &gone);
        assert_silent(&world.daemon_start().end());
        assert_same(&world.kernel(), &before, "one has a tap, one a caller");
        assert_eq!(
            world.open_taps().into_iter().collect::<Vec<_>>(),
            ["tap00000002-75"]
        );
    });
}

#[test]
fn a_machine_that_is_gone_can_start_again() {
    World::run(|world| {
        let empty = world.dump();
        let vm = Vm::new(1);
        went_without_a_word(world, &vm);
        world.bring_up(&[&vm]);
        assert_eq!(world.open_taps().len(), 1);
        world.take_down(&[&vm]);
        assert_same(&world.dump(), &empty, "after its second life");
    });
}
