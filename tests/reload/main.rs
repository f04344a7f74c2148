//! A changed configuration, and machines that run.
#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "these tests are about files, processes and the kernel"
)]

#[path = "../support/mod.rs"]
mod support;

mod connections;
mod killed;
mod killing;
mod meanwhile;
mod nothing;
mod races;
mod refused;
mod shared;
mod told;

use std::collections::BTreeSet;
use std::fs;

use support::call::assert_silent;
use support::netns::run;
use support::world::{CONFIG, assert_same};
use support::{Outcome, Vm, World};

/// A network with two groups and a port of the configuration's.
const GROUPS: &str = r#"
[security_group.db]
ingress = [{ ethertype = "ipv4", protocol = "tcp", port = 5432, remote_group = "web" }]
egress = [{ any = true }]

[port.three]
mac = "fa:16:3e:00:00:03"
fixed_ips = ["192.168.101.3"]
security_groups = ["web"]
"#;

fn reload(world: &World) -> Outcome {
    world.vmhook(&["reload"])
}

fn dry_run(world: &World) -> String {
    world.vmhook(&["reload", "--dry-run"]).ok()
}

fn configuration() -> String {
    format!("{CONFIG}{GROUPS}")
}

fn edited(from: &str, to: &str) -> String {
    let configuration = configuration();
    assert!(configuration.contains(from), "{from}");
    configuration.replace(from, to)
}

/// One machine in `web`, one in `db`, both by their metadata, and one by the configuration.
fn three() -> [Vm; 3] {
    let with = |number, group: &str| Vm::new(number).with(|nic| group.clone_into(&mut nic.group));
    [with(1, "web"), with(2, "db"), with(3, "db")]
}

fn bring_up(world: &World) -> [Vm; 3] {
    let vms = three();
    world.configure(&configuration());
    world.bring_up(&[&vms[0], &vms[1], &vms[2]]);
    vms
}

#[test]
fn a_configuration_that_says_the_same_changes_nothing() {
    World::run(|world| {
        bring_up(world);
        let before = world.dump();
        let same = "every port is as the configuration says\n";
        assert_eq!(dry_run(world), format!("# {same}# nothing is to be done\n"));
        assert_eq!(reload(world).ok(), same);
        assert_same(&world.dump(), &before, "after a reload");
    });
}

#[test]
fn a_reload_leads_where_a_start_with_the_new_configuration_leads() {
    World::run(|world| {
        let new = edited("port = 22", "port = 2222")
            .replace("port = 5432", "ports = \"5000-6000\"")
            .replace(
                "[\"192.168.101.3\"]",
                "[\"192.168.101.33\", \"2001:db8::3\"]",
            )
            .replace("[\"web\"]", "[\"db\", \"web\"]");
        let vms = bring_up(world);
        let old = world.kernel();
        world.configure(&new);
        let printed = dry_run(world);
        assert_same(&world.kernel(), &old, "a dry run");
        let said = reload(world).ok();
        assert_eq!(
            said,
            "domain vm1, interface fa:16:3e:00:00:01: rules of web\n\
             domain vm2, interface fa:16:3e:00:00:02: rules of db\n\
             domain vm3, interface fa:16:3e:00:00:03: addresses 192.168.101.3 -> 192.168.101.33, \
             2001:db8::3; groups web -> db, web\n"
        );
        assert!(
            said.lines()
                .all(|line| printed.contains(&format!("# {line}\n")))
        );
        let reloaded = world.kernel();
        assert_ne!(reloaded, old);
        assert!(dry_run(world).ends_with("# nothing is to be done\n"));

        world.take_down(&[&vms[0], &vms[1], &vms[2]]);
        world.bring_up(&[&vms[0], &vms[1], &vms[2]]);
        assert_same(
            &world.kernel(),
            &reloaded,
            "started with the new configuration",
        );

        world.configure(&configuration());
        reload(world).ok();
        assert_same(&world.kernel(), &old, "and back");
    });
}

#[test]
fn only_ports_that_use_what_changed_are_touched() {
    World::run(|world| {
        bring_up(world);
        world.configure(&edited("port = 5432", "port = 3306"));
        let printed = dry_run(world);
        assert!(printed.contains("i00000002-7"), "{printed}");
        for other in [
            "00000001",
            "00000003",
            "nft",
            "ip link",
            "add ",
            "conntrack -D",
        ] {
            assert!(!printed.contains(other), "{other}: {printed}");
        }
        assert!(printed.contains("iptables-restore --noflush"), "{printed}");
        assert!(
            !printed.contains("ip6tables-restore"),
            "IPv4's rule alone: {printed}"
        );
    });
}

/// A network's DHCP servers are elements of its ports, and change no rule.
#[test]
fn a_networks_dhcp_servers_concern_its_ports_alone() {
    const OTHER: &str = "[network.other]\nid = \"other\"\ntype = \"vxlan\"\nvni = 268\n";
    World::run(|world| {
        let with = |servers: &str| {
            let network = edited("vni = 267\n", &format!("vni = 267\n{servers}\n"));
            world.configure(&format!("{network}{OTHER}"));
        };
        let [vm1, _, vm3] = three();
        let elsewhere = Vm::new(2).with(|nic| "brqother".clone_into(&mut nic.bridge));
        with("");
        world.bring_up(&[&vm1, &elsewhere, &vm3]);
        let before = world.kernel();

        with("dhcp_servers = [\"192.168.101.2\", \"fe80::2\"]");
        let printed = dry_run(world);
        for other in [&elsewhere.nics[0].tap[..], "tables-restore", "ipset"] {
            assert!(!printed.contains(other), "{other}: {printed}");
        }
        let said = reload(world).ok();
        let line = |vm: u8| {
            let mac = format!("fa:16:3e:00:00:0{vm}");
            format!("domain vm{vm}, interface {mac}: DHCP servers any -> 192.168.101.2, fe80::2\n")
        };
        assert_eq!(said, line(1) + &line(3));
        assert!(dry_run(world).ends_with("# nothing is to be done\n"));
        let limited = run("nft list set bridge vmhook dhcp");
        let is_limited = |vm: &Vm| limited.contains(&vm.nics[0].tap);
        assert!(is_limited(&vm1) && is_limited(&vm3) && !is_limited(&elsewhere));

        with("dhcp_servers = [\"fe80::2\", \"192.168.101.2\"]");
        let same = "every port is as the configuration says\n";
        assert_eq!(reload(world).ok(), same, "in another order");

        with("");
        reload(world).ok();
        assert_same(&world.kernel(), &before, "anybody may again");
    });
}
