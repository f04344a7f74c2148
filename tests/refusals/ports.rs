//! Interfaces that cannot be ports, and ports that cannot stand beside others.

use super::*;
use support::call::Running;

const NIC: &str = "interface fa:16:3e:00:00:01";

#[test]
fn a_security_group_that_nobody_defines() {
    World::run(|world| {
        let vm = Vm::new(1).with(|nic| nic.group = "wbe".into());
        assert_refuses(world, &vm, &[NIC, "security group \"wbe\" is not defined"]);
    });
}

#[test]
fn a_target_that_iptables_would_read_as_a_pattern_an_option_or_a_long_name() {
    World::run(|world| {
        for tap in ["tap+", "-tap", "tap a", "tap0123456789abc", "tap/0", ".."] {
            let vm = Vm::new(1).with(|nic| nic.tap = tap.into());
            assert_refuses(world, &vm, &[NIC, tap]);
        }
    });
}

#[test]
fn an_mtu_above_the_networks() {
    World::run(|world| {
        let vm = Vm::new(1).with(|nic| nic.mtu = 1500);
        assert_refuses(world, &vm, &[NIC, "<mtu size='1500'/>", "1450"]);
    });
}

#[test]
fn no_mtu_where_the_network_wants_guests_that_are_told() {
    World::run(|world| {
        let untold = Vm::new(1).with(|nic| nic.mtu = 0);
        world.ok("prepare", &untold);
        world.ok("release", &untold);
        world.configure(&CONFIG.replace("vni = 267", "vni = 267\nguest_mtu = \"refuse\""));
        assert_refuses(world, &untold, &[NIC, "it has no <mtu>", "1500", "1450"]);
        world.ok("prepare", &Vm::new(2));
        world.ok("release", &Vm::new(2));
    });
}

#[test]
fn an_interface_whose_address_nobody_knows() {
    World::run(|world| {
        let vm = Vm::new(1);
        let xml = vm
            .xml()
            .replace("<vmhook:fixed-ip address='192.168.101.1'/>", "");
        let arguments = ["qemu", "vm1", "prepare", "begin", "-"];
        let outcome = world.call_with(&arguments, xml.into_bytes()).end();
        assert_refused(&outcome, &["vm1", NIC, "no fixed IP is known", "fixed_ips"]);
    });
}

#[test]
fn two_interfaces_of_one_domain_that_nobody_could_tell_apart() {
    World::run(|world| {
        let nic = VmNic::new(2);
        let same_mac = VmNic {
            mac: "fa:16:3e:00:00:01".into(),
            ..nic.clone()
        };
        let same_tap = VmNic {
            tap: "tap00000001-75".into(),
            ..nic.clone()
        };
        // The tenth character behind `tap` is the last one in a chain's name.
        let same_chains = VmNic {
            tap: "tap00000001-7f".into(),
            ..nic
        };
        for (second, word) in [
            (same_mac, "has MAC address fa:16:3e:00:00:01"),
            (same_tap, "has tap tap00000001-75"),
            (same_chains, "has chain name …00000001-7"),
        ] {
            let mac = format!("interface {}", second.mac);
            assert_refuses(
                world,
                &Vm::new(1).and(second),
                &[&mac, "another of its interfaces", word],
            );
        }
    });
}

#[test]
fn what_another_live_domain_has() {
    World::run(|world| {
        let (first, second) = (Vm::new(1), Vm::new(2));
        world.bring_up(&[&first]);
        let same_mac = second
            .clone()
            .with(|nic| nic.mac = "fa:16:3e:00:00:01".into());
        let same_tap = second.clone().with(|nic| nic.tap = "tap00000001-75".into());
        let same_chains = second.clone().with(|nic| nic.tap = "tap00000001-7f".into());
        for (vm, word) in [
            (same_mac, "MAC address fa:16:3e:00:00:01"),
            (same_tap, "tap tap00000001-75"),
            (same_chains, "chain name …00000001-7"),
        ] {
            assert_refuses(world, &vm, &[word, "in use by domain vm1"]);
        }
        world.ok("started", &first);
        world.bring_up(&[&second]);
    });
}

#[test]
fn of_two_that_start_at_once_with_one_address_one_is_refused() {
    World::run(|world| {
        let thief = Vm::new(2).with(|nic| nic.mac = "fa:16:3e:00:00:01".into());
        let both = [&Vm::new(1), &thief].map(|vm| world.call("prepare", vm).begin());
        let outcomes = both.map(Running::end);
        let mut codes = outcomes.clone().map(|outcome| outcome.code);
        codes.sort_unstable();
        assert_eq!(codes, [0, 1], "{outcomes:#?}");
    });
}

#[test]
fn a_tap_that_is_not_where_it_must_be() {
    World::run(|world| {
        let vm = Vm::new(1);
        world.ok("prepare", &vm);
        let before = world.kernel();
        assert_refused(
            &world.event("start", &vm),
            &["vm1", NIC, "tap00000001-75 is not there"],
        );
        assert_same(&world.kernel(), &before, "no tap");

        world.plug(&vm);
        for (spoil, word) in [
            (
                "ip link set tap00000001-75 nomaster",
                "is on no bridge, not on brqc08e7dcd-4a",
            ),
            (
                "ip link set tap00000001-75 master brqc08e7dcd-4a mtu 1500",
                "has MTU 1500",
            ),
        ] {
            run(spoil);
            let before = world.kernel();
            assert_refused(&world.event("start", &vm), &["vm1", NIC, word]);
            assert_same(&world.kernel(), &before, spoil);
        }
        assert!(world.open_taps().is_empty());
    });
}
