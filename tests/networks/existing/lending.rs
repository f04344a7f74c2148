//! The bridge's own settings: changed while machines are on it, and given back.

use super::stage::{HOST, LAN, Stage, Talk, vm};
use crate::support::Vm;
use crate::support::netns::run;
use crate::support::world::assert_same;

/// `nf_call_iptables` and `nf_call_ip6tables` of the bridge.
fn switches() -> [bool; 2] {
    let link = run("ip -d link show br0");
    ["nf_call_iptables 1", "nf_call_ip6tables 1"].map(|word| link.contains(word))
}

#[test]
fn its_settings_are_ours_while_machines_run_and_then_what_they_were() {
    for (before, is) in [
        ("0 nf_call_ip6tables 0", [false, false]),
        ("0 nf_call_ip6tables 1", [false, true]),
    ] {
        Stage::run(|stage| {
            run(&format!(
                "ip link set br0 type bridge nf_call_iptables {before}"
            ));
            let dump = stage.world.dump();
            let (first, second) = (vm(1, "web"), vm(2, "web"));
            stage.world.ok("prepare", &first);
            assert_eq!(switches(), is, "nothing is filtered yet");
            let _first = stage.start(&first);
            assert_eq!(switches(), [true, true]);
            let _second = stage.start(&second);
            stage.stop(&first);
            assert_eq!(switches(), [true, true], "one is on it");
            stage.stop(&second);
            assert_same(&stage.world.dump(), &dump, "all have stopped");
        });
    }
}

/// Lets a call die before and after each of its changes, with another machine's life behind it. In the
/// end all is as in the beginning, and the host's own connection has lived through all of it.
fn dies_anywhere(operation: &str) {
    Stage::run(|stage| {
        let (machine, other) = (vm(1, "web"), vm(2, "web"));
        let dump = stage.world.dump();
        let ssh = || Talk::begin(HOST, 22).expect("it answers");
        let mut ssh = stage.outside.enter(ssh);
        for change in 1.. {
            let mut has_died = false;
            for death in ["die-before", "die-after"] {
                reach(stage, operation, &machine);
                let when = format!("{operation} {death}:{change}");
                let fault = format!("{death}:{change}");
                let outcome = stage.world.call(operation, &machine).fault(&fault).end();
                has_died |= outcome.code == 128 + 9;
                stage.world.bring_up(&[&other]);
                assert_eq!(switches(), [true, true], "{when}");
                stage.world.take_down(&[&machine, &other]);
                assert!(ssh.goes_on(), "{when}");
                assert_same(&stage.world.dump(), &dump, &when);
            }
            if !has_died {
                assert!(change > 4, "{operation} makes more changes");
                return;
            }
        }
    });
}

/// Brings a machine to where libvirt makes a call.
fn reach(stage: &Stage, operation: &str, machine: &Vm) {
    let before: &[&str] = match operation {
        "prepare" => &[],
        "start" => &["prepare"],
        "stopped" => &["prepare", "start"],
        _ => &["prepare", "start", "stopped"],
    };
    for call in before {
        match *call {
            "start" => stage.world.plug(machine),
            "stopped" => stage.world.unplug(machine),
            _ => {}
        }
        stage.world.ok(call, machine);
    }
    match operation {
        "start" => stage.world.plug(machine),
        "stopped" => stage.world.unplug(machine),
        _ => {}
    }
}

#[test]
fn a_prepare_that_dies_anywhere_loses_none_of_them() {
    dies_anywhere("prepare");
}

#[test]
fn a_start_that_dies_anywhere_loses_none_of_them() {
    dies_anywhere("start");
}

#[test]
fn a_stopped_that_dies_anywhere_loses_none_of_them() {
    dies_anywhere("stopped");
}

#[test]
fn a_release_that_dies_anywhere_loses_none_of_them() {
    dies_anywhere("release");
}

#[test]
fn a_repair_before_the_first_start_changes_nothing() {
    Stage::run(|stage| {
        let machine = vm(1, "web");
        stage.world.ok("prepare", &machine);
        let standing = stage.world.kernel();
        stage.world.vmhook(&["sync"]).ok();
        assert_same(&stage.world.kernel(), &standing, "prepared alone");
        assert_eq!(switches(), [false, false]);
        stage.assert_host_works("prepared");
    });
}

#[test]
fn a_repair_puts_them_back_and_inspect_misses_them_till_then() {
    Stage::run(|stage| {
        let machine = vm(1, "web");
        let _running = stage.start(&machine);
        let standing = stage.world.kernel();
        run("ip link set br0 type bridge nf_call_iptables 0");
        let xml = stage.world.config_dir().join("vm1.xml");
        std::fs::write(&xml, machine.xml()).expect("a file can be written");
        let seen = stage
            .world
            .vmhook(&["inspect", "--xml", &xml.display().to_string()]);
        assert!(seen.out.contains("nf_call_iptables 0, not 1"), "{seen:?}");
        stage.world.vmhook(&["sync"]).ok();
        assert_same(&stage.world.kernel(), &standing, "repaired");
    });
}

#[test]
fn a_purge_gives_them_back() {
    Stage::run(|stage| {
        let dump = stage.world.dump();
        let machine = vm(1, "web");
        let _running = stage.start(&machine);
        stage.world.vmhook(&["remove", "--purge"]);
        assert_eq!(switches(), [false, false]);
        stage.world.unplug(&machine);
        assert_same(&stage.world.dump(), &dump, "purged");
        stage.assert_host_works("purged");
    });
}

#[test]
fn a_reload_brings_other_ports_and_the_host_itself() {
    Stage::run(|stage| {
        let machine = vm(1, "web");
        let running = stage.start(&machine);
        let at = machine.nics[0].ip.as_str();
        stage
            .world
            .configure(&LAN.replace("[\"veth-router\"]", "[]"));
        let said = stage.world.vmhook(&["reload"]).ok();
        for words in [
            "network lan: trusted_ports veth-router -> none",
            "veth-router on br0 is not named any more: it is closed",
        ] {
            assert!(said.contains(words), "{said}");
        }
        assert!(
            stage.router.enter(|| super::stage::is_silent(at, 22)),
            "it is closed"
        );
        assert!(
            running
                .enter(|| super::stage::asks(super::stage::OUTSIDE, 22))
                .is_some()
        );

        stage.world.configure(LAN);
        stage.world.vmhook(&["reload"]).ok();
        assert!(stage.router.enter(|| super::stage::asks(at, 22)).is_some());
        stage.assert_host_works("after two reloads");

        run("ip address del 10.5.0.1/24 dev br0");
        stage
            .world
            .configure(&LAN.replace("host_unfiltered = true", ""));
        let said = stage.world.vmhook(&["reload"]).ok();
        assert!(said.contains("host_unfiltered true -> false"), "{said}");
        assert!(
            running
                .enter(|| super::stage::asks(super::stage::OUTSIDE, 22))
                .is_some()
        );
        run("ip address add 10.5.0.1/24 dev br0");
        assert!(running.enter(|| super::stage::is_silent(super::stage::HOST, 22)));
    });
}
