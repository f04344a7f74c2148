//! What is refused, with nothing half made.

use super::stage::{LAN, Stage, vm};
use crate::support::netns::run;
use crate::support::world::assert_refuses;

/// Starts are refused with these words while the host, or the configuration, is like this.
#[track_caller]
fn refused(spoil: &[&str], config: &str, words: &[&str]) {
    Stage::run(|stage| {
        for line in spoil {
            run(line);
        }
        stage.world.configure(config);
        assert_refuses(&stage.world, &vm(1, "web"), words);
    });
}

#[test]
fn a_port_that_nobody_named_is_not_cut_off_by_the_first_machine() {
    let config = LAN.replace("trusted_ports = [\"veth-router\"]\n", "");
    refused(
        &[
            "ip link add veth9 type veth peer name far9",
            "ip link set veth9 master br0",
        ],
        &config,
        &[
            "bridge br0 has ports that network lan does not name, and would cut off: veth-router, veth9;",
        ],
    );
}

#[test]
fn a_bridge_that_is_not_there_is_not_made() {
    refused(
        &["ip link delete br0"],
        LAN,
        &["network lan is on bridge br0, which this host does not have; make it first"],
    );
}

#[test]
fn an_address_that_would_be_cut_off_is_told() {
    let config = LAN.replace("host_unfiltered = true\n", "");
    refused(
        &[],
        &config,
        &[
            "the host has address 10.5.0.1 on bridge br0, and would be cut off from it",
            "write host_unfiltered = true in [network.lan]",
        ],
    );
}

#[test]
fn a_port_of_another_bridge_is_told_with_both() {
    let config = LAN.replace("[\"veth-router\"]", "[\"veth-router\", \"veth-web\"]");
    refused(
        &[],
        &config,
        &["network lan names veth-web as a port of bridge br0, but it is on docker0"],
    );
}

#[test]
fn an_uplink_must_be_there() {
    refused(
        &["ip link set eth0 nomaster"],
        LAN,
        &["network lan names uplink eth0, which is a port of no bridge"],
    );
}

#[test]
fn a_port_that_comes_later_is_closed_and_keeps_nobody_from_starting() {
    Stage::run(|stage| {
        let _first = stage.start(&vm(1, "web"));
        let stranger = crate::support::Namespace::new();
        let path = stranger.path();
        run(&format!(
            "ip link add veth9 type veth peer name eth0 netns {path}"
        ));
        run("ip link set veth9 master br0 up");
        stranger.enter(|| {
            run("ip address add 10.5.0.66/24 dev eth0");
            run("ip link set eth0 up");
        });
        let second = stage.start(&vm(2, "web"));
        let at = super::stage::OUTSIDE;
        assert_eq!(
            second.enter(|| super::stage::asks(at, 22)).as_deref(),
            Some("outside")
        );
        assert!(stranger.enter(|| super::stage::is_silent(at, 22)));
    });
}

#[test]
fn check_tells_before_what_would_be_refused_and_inspect_what_has_gone_since() {
    Stage::run(|stage| {
        run("ip link add veth9 type veth peer name far9");
        run("ip link set veth9 master br0");
        let told = stage.world.vmhook(&["check"]);
        assert!(
            told.out
                .contains("does not name, and would cut off: veth9;"),
            "{told:?}"
        );
        run("ip link delete veth9");
        let told = stage.world.vmhook(&["check"]).ok();
        let words =
            "bridge br0, the host's own, uplinks eth0, trusted ports veth-router, the host itself";
        assert!(told.contains(words), "{told}");

        let machine = vm(1, "web");
        let _running = stage.start(&machine);
        run("ip link set eth0 nomaster");
        let xml = stage.world.config_dir().join("vm1.xml");
        std::fs::write(&xml, machine.xml()).expect("a file can be written");
        let seen = stage
            .world
            .vmhook(&["inspect", "--xml", &xml.display().to_string()]);
        assert!(seen.out.contains("uplink eth0 is not on br0"), "{seen:?}");
    });
}

/// A machine that ran before is on the bridge already: its tap is named for as long as it is not served.
#[test]
fn a_tap_that_is_named_for_a_while_keeps_nobody_from_starting_and_is_closed_afterwards() {
    Stage::run(|stage| {
        let machine = vm(1, "web");
        let tap = machine.nics[0].tap.clone();
        let running = crate::support::Namespace::new();
        crate::hosts::plug(&machine, &running);
        let named = LAN.replace("\"veth-router\"", &format!("\"veth-router\", \"{tap}\""));
        stage.world.configure(&named);
        let _other = stage.start(&vm(2, "web"));
        stage.world.configure(LAN);
        let said = stage.world.vmhook(&["reload"]).ok();
        assert!(
            said.contains(&format!("{tap} on br0 is not named any more")),
            "{said}"
        );
        assert!(!stage.world.open_taps().contains(&tap));
    });
}
