//! A host that cannot carry the network.

use super::*;
use support::world::place_program;

#[test]
fn a_tunnel_end_point_that_no_device_has() {
    World::run(|world| {
        run("ip address del 172.16.0.31/24 dev eth0");
        assert_refuses(
            world,
            &Vm::new(1),
            &["interface fa:16:3e:00:00:01", "local_ip 172.16.0.31"],
        );
    });
}

#[test]
fn an_underlay_that_is_down() {
    World::run(|world| {
        run("ip link set eth0 down");
        assert_refuses(
            world,
            &Vm::new(1),
            &["eth0, which has local_ip 172.16.0.31, is down"],
        );
    });
}

#[test]
fn an_underlay_whose_name_is_no_safe_name() {
    World::run(|world| {
        run("ip link set eth0 down");
        run("ip link set eth0 name eth+");
        run("ip link set eth+ up");
        assert_refuses(world, &Vm::new(1), &["eth+"]);
    });
}

#[test]
fn an_underlay_too_small_for_the_networks_mtu() {
    World::run(|world| {
        world.configure(&CONFIG.replace("vni = 267", "vni = 267\nmtu = 1450"));
        run("ip link set eth0 mtu 1499");
        assert_refuses(
            world,
            &Vm::new(1),
            &["MTU 1450", "eth0 with MTU 1499", "at most 1449"],
        );
    });
}

#[test]
fn names_and_numbers_that_something_else_has() {
    for (taken, words) in [
        (
            "ip tuntap add brqc08e7dcd-4a mode tap",
            "a device named brqc08e7dcd-4a is there",
        ),
        (
            "ip tuntap add vxlan-267 mode tap",
            "a device named vxlan-267 is there",
        ),
        (
            "ip link add theirs type vxlan id 267 dstport 8472",
            "VNI 267 on UDP port 8472 is used by device theirs",
        ),
    ] {
        World::run(|world| {
            run(taken);
            assert_refuses(world, &Vm::new(1), &["interface fa:16:3e:00:00:01", words]);
        });
    }
}

#[test]
fn a_network_that_runs_otherwise_than_it_is_configured_now() {
    World::run(|world| {
        let (runs, comes) = (Vm::new(1), Vm::new(2));
        world.bring_up(&[&runs]);
        world.configure(&CONFIG.replace("vni = 267", "vni = 268"));
        assert_refuses(
            world,
            &comes,
            &["network selfservice runs with", "267", "268"],
        );
        world.ok("started", &runs);
    });
}

#[test]
fn a_neutron_agent_that_would_delete_our_rules() {
    World::run(|world| {
        let agent = world.config_dir().join("neutron-linuxbridge-agent");
        place_program(run("which cat").trim().as_ref(), &agent);
        let mut running = std::process::Command::new(&agent)
            .stdin(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let pid = format!("pid {}", running.id());
        assert_refuses(
            world,
            &Vm::new(1),
            &["a Neutron Linux bridge agent runs here", &pid],
        );
        drop(running.stdin.take());
        running.wait().unwrap();
        world.ok("prepare", &Vm::new(1));
    });
}
