//! `local_ip` by device and by route: which address the kernel's links tell, and what becomes of a
//! network when that changes.

use super::support::call::assert_silent;
use super::support::netns::run;
use super::support::world::{CONFIG, assert_refuses, assert_same};
use super::support::{Vm, World};

const BY_DEVICE: &str = "{ device = \"eth0\" }";
const BY_ROUTE: &str = "{ route_to = \"172.16.0.32\" }";

/// The configuration with this `local_ip`, and this host among those of its network.
fn ends_at(local_ip: &str, hosts: &str) -> String {
    CONFIG
        .replacen("\"172.16.0.31\"", local_ip, 1)
        .replace("flood = [\"172.16.0.32\"]", &format!("flood = [{hosts}]"))
}

fn both(local_ip: &str) -> String {
    ends_at(local_ip, "\"172.16.0.31\", \"172.16.0.32\"")
}

fn tunnel() -> String {
    run("ip -d link show vxlan-267")
}

#[test]
fn the_address_is_found_and_this_host_is_no_peer_of_its_own() {
    for local_ip in [BY_DEVICE, BY_ROUTE] {
        World::run(|world| {
            // Neither is one that lasts.
            run("ip address add 172.16.0.99/24 dev eth0");
            run("ip address add 10.9.9.9/32 dev eth0 scope link");
            world.configure(&both(local_ip));
            world.bring_up(&[&Vm::new(1)]);
            assert!(
                tunnel().contains("local 172.16.0.31 dev eth0"),
                "{}",
                tunnel()
            );
            let peers = run("bridge fdb show dev vxlan-267");
            assert!(peers.contains("dst 172.16.0.32") && !peers.contains("dst 172.16.0.31"));
            let checked = world.vmhook(&["check"]).ok();
            for words in ["local_ip 172.16.0.31 on eth0", "to 172.16.0.32\n"] {
                assert!(checked.contains(words), "{checked}");
            }
        });
    }
}

#[test]
fn a_route_may_lead_by_an_address_of_another_device() {
    World::run(|world| {
        run("ip link add loop type veth peer name end");
        run("ip link set loop up");
        run("ip address add 10.0.0.31/32 dev loop");
        run("ip route add 10.0.0.32/32 via 172.16.0.1 dev eth0 src 10.0.0.31");
        world.configure(&ends_at("{ route_to = \"10.0.0.32\" }", "\"10.0.0.32\""));
        world.bring_up(&[&Vm::new(1)]);
        assert!(
            tunnel().contains("local 10.0.0.31 dev loop"),
            "{}",
            tunnel()
        );
    });
}

#[test]
fn an_ipv6_address_is_one_that_lasts() {
    for local_ip in [
        "{ device = \"eth0\", family = \"ipv6\" }",
        "{ route_to = \"fd00:16::32\" }",
    ] {
        World::run(|world| {
            run("ip address add fd00:16::31/64 dev eth0 nodad");
            run("ip address add fd00:16::99/64 dev eth0 nodad preferred_lft 0");
            world.configure(&ends_at(local_ip, "\"fd00:16::31\", \"fd00:16::32\""));
            world.bring_up(&[&Vm::new(1).with(|nic| nic.mtu = 1430)]);
            assert!(
                tunnel().contains("local fd00:16::31 dev eth0"),
                "{}",
                tunnel()
            );
        });
    }
}

#[test]
fn an_address_that_changes_leaves_what_runs_and_is_refused_to_what_starts() {
    for local_ip in [BY_DEVICE, BY_ROUTE] {
        World::run(|world| {
            world.configure(&both(local_ip));
            let (runs, comes) = (Vm::new(1), Vm::new(2));
            world.bring_up(&[&runs]);
            run("ip address add 172.16.0.39/24 dev eth0");
            run("ip address del 172.16.0.31/24 dev eth0");
            run("ip address add 172.16.0.39/24 dev eth0");
            let words = [
                "network selfservice runs with VNI 267, local address 172.16.0.31",
                "local address 172.16.0.39",
            ];
            assert_refuses(world, &comes, &words);
            let standing = world.kernel();
            let reloaded = world.vmhook(&["reload"]);
            assert_eq!(reloaded.code, 1, "{reloaded:?}");
            assert!(
                words.iter().all(|words| reloaded.err.contains(words)),
                "{reloaded:?}"
            );
            world.ok("started", &runs);
            world.vmhook(&["sync"]).ok();
            assert_same(&world.kernel(), &standing, "what runs keeps its tunnel");

            world.take_down(&[&runs]);
            world.bring_up(&[&comes]);
            assert!(
                tunnel().contains("local 172.16.0.39 dev eth0"),
                "{}",
                tunnel()
            );
        });
    }
}

#[test]
fn what_tells_no_address_or_several_is_refused_with_them() {
    let cases = [
        (
            BY_DEVICE,
            "ip address add 10.0.0.31/24 dev eth0",
            "local_ip is that of device eth0, which has 172.16.0.31 and 10.0.0.31; say which: local_ip \
             = \"172.16.0.31\"",
        ),
        (
            BY_DEVICE,
            "ip address flush dev eth0",
            "local_ip is that of device eth0, which has no IPv4 address that lasts",
        ),
        (
            "{ device = \"eth7\" }",
            "true",
            "local_ip is that of device eth7, which this host does not have",
        ),
        (
            "{ route_to = \"203.0.113.9\" }",
            "true",
            "local_ip is the address from which 203.0.113.9 is reached, and this host has no route",
        ),
        (
            "{ route_to = \"203.0.113.9\" }",
            "ip route add unreachable 203.0.113.0/24",
            "and this host has no route",
        ),
    ];
    for (local_ip, spoil, words) in cases {
        World::run(|world| {
            run(spoil);
            world.configure(&both(local_ip));
            assert_refuses(world, &Vm::new(1), &[words]);
            assert_silent(&world.daemon_start().end());
        });
    }
}
