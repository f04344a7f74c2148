//! Machines that come from another host while they run, and those that never do.

use std::collections::BTreeSet;

use super::*;
use crate::support::netns::run;

/// An address that no machine here has.
const NOBODY: &str = "192.168.101.9";

/// Another machine of this host speaks with the one that is to come, and with nobody.
fn connect(world: &World) {
    world.bring_up(&[&Vm::new(1)]);
    for to in ["192.168.101.2", NOBODY] {
        run(&format!(
            "conntrack -I -w 4097 -s 192.168.101.1 -d {to} -p udp --sport 1 --dport 2 -t 100"
        ));
    }
}

/// Who has a connection on the network.
fn connected() -> BTreeSet<String> {
    let listed = run("conntrack -L -w 4097");
    let ends = listed.split_whitespace();
    let ends = ends.filter_map(|word| word.strip_prefix("dst=192.168.101."));
    ends.filter(|end| *end != "1").map(str::to_owned).collect()
}

#[test]
fn who_arrives_running_keeps_its_connections_and_who_starts_has_none() {
    World::run(|world| {
        let guest = Vm::new(2);
        connect(world);
        world.ok("migrate", &guest);
        world.bring_up(&[&guest]);
        world.ok("started", &guest);
        assert_eq!(connected(), ["2", "9"].map(String::from).into());
        let noted = |file: &String| file.starts_with("incoming/");
        assert!(!world.state_files().iter().any(noted));

        world.take_down(&[&guest]);
        assert_eq!(
            connected(),
            ["9".to_owned()].into(),
            "when it goes, they go"
        );
    });
    World::run(|world| {
        connect(world);
        world.bring_up(&[&Vm::new(2)]);
        assert_eq!(connected(), ["9".to_owned()].into());
    });
}

#[test]
fn a_start_is_no_arrival_because_a_move_failed_once() {
    World::run(|world| {
        let guest = Vm::new(2);
        connect(world);
        let before = (world.kernel(), world.state_files());
        let assert_as_before = |when: &str| {
            assert_same(&world.kernel(), &before.0, when);
            assert_eq!(world.state_files(), before.1, "{when}");
        };

        // Something on the way to `start` fails: libvirt says so.
        world.ok("migrate", &guest);
        world.ok("prepare", &guest);
        world.ok("stopped", &guest);
        world.ok("release", &guest);
        assert_as_before("after release");

        // The daemon dies: nobody says so.
        let dying = |operation| {
            let call = world.call(operation, &guest);
            assert_silent(&call.by_a_caller_that_dies().end());
        };
        dying("migrate");
        assert_silent(&world.daemon_start().end());
        assert_as_before("after the daemon's start");
        dying("migrate");
        world.bring_up(&[&guest]);
        assert_eq!(connected(), ["9".to_owned()].into());
    });
}

#[test]
fn nobody_is_kept_from_coming() {
    World::run(|world| {
        let arguments = ["qemu", "vm2", "migrate", "begin", "-"];
        let outcome = world.call_with(&arguments, b"nonsense".to_vec()).end();
        assert_eq!(
            (outcome.code, outcome.out.as_str()),
            (0, ""),
            "{outcome:#?}"
        );

        let full = world.call("migrate", &Vm::new(2)).fault("fail:1").end();
        assert_eq!((full.code, full.out.as_str()), (0, ""), "{full:#?}");
        assert!(full.err.contains("told to fail"), "{full:#?}");

        world.configure("[network.selfservice");
        world.ok("migrate", &Vm::new(2));
    });
}

#[test]
fn the_arrival_of_a_machine_that_is_not_ours_leaves_nothing() {
    World::run(|world| {
        run("ip link add br0 type bridge");
        let before = world.dump();
        let foreign = Vm::new(2).with(|nic| nic.bridge = "br0".to_owned());
        world.ok("migrate", &foreign);
        assert_same(&world.dump(), &before, "on another bridge");

        // Whose bridge it is on says nobody before `start`.
        let xml = foreign.xml();
        let unclear = xml.replace("type='bridge'", "type='network'");
        let unclear = unclear.replace("source bridge=", "source network=");
        let arguments = ["qemu", "vm2", "migrate", "begin", "-"];
        assert_silent(&world.call_with(&arguments, unclear.into_bytes()).end());
        world.ok("start", &foreign);
        assert_same(&world.dump(), &before, "on a libvirt network");
    });
}
