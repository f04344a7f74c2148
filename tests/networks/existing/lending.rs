//! The bridge's own settings: changed while machines are on it, and given back.

use super::stage::{LAN, Stage, vm};
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

/// Whatever a hook has done when it dies, the end is as the beginning.
#[test]
fn a_hook_that_dies_anywhere_loses_none_of_them() {
    for change in 1..=12 {
        Stage::run(|stage| {
            let dump = stage.world.dump();
            let machine = vm(1, "web");
            stage.world.ok("prepare", &machine);
            let taps = crate::support::Namespace::new();
            crate::hosts::plug(&machine, &taps);
            let fault = format!("{change}:die");
            let died = stage.world.call("start", &machine).fault(&fault).end();
            let _again = stage.start(&vm(2, "web"));
            assert_eq!(switches(), [true, true], "change {change}: {died:?}");
            stage.stop(&vm(2, "web"));
            stage.stop(&machine);
            assert_same(&stage.world.dump(), &dump, &format!("change {change}"));
        });
    }
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
