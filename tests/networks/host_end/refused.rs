//! Addresses that the host cannot have on a network, and a reload that would take somebody's.

use super::stage::{Machine, configuration, web};
use crate::support::netns::run;
use crate::support::world::{CONFIG, assert_refuses, assert_same};
use crate::support::{Vm, World};

fn with(address: &str) -> String {
    let key = format!("vni = 267\nhost_address = \"{address}\"\n");
    CONFIG.replace("vni = 267\n", &key)
}

#[test]
fn a_prefix_that_is_behind_another_link_is_refused_with_both() {
    World::run(|world| {
        run("ip link add lan0 type bridge");
        run("ip link set lan0 up");
        run("ip address add 10.5.0.7/16 dev lan0");
        run("ip address add 10.6.0.1 peer 10.6.0.2/32 dev lan0");
        for (address, cause) in [
            ("10.5.3.1/24", "lan0 has 10.5.0.7/16, whose prefix overlaps"),
            ("10.0.0.1/8", "lan0 has 10.5.0.7/16, whose prefix overlaps"),
            ("10.6.0.3/24", "lan0 has 10.6.0.1/32, whose prefix overlaps"),
            (
                "172.16.0.2/25",
                "eth0 has 172.16.0.31/24, whose prefix overlaps",
            ),
        ] {
            world.configure(&with(address));
            let refused = format!("host_address {address} of network selfservice cannot be had");
            if address.starts_with("172") {
                // The tunnel's end is in it too, which the configuration tells by itself.
                assert_refuses(world, &Vm::new(1), &["local_ip 172.16.0.31 of [host]"]);
                world.configure(&with(address).replace("172.16.0.31", "172.16.7.31"));
                run("ip address add 172.16.7.31/32 dev eth0");
            }
            assert_refuses(world, &Vm::new(1), &[&refused, cause]);
            let checked = world.vmhook(&["check"]);
            assert!(
                !checked.succeeded() && checked.out.contains(cause),
                "{checked:?}"
            );
        }
    });
}

#[test]
fn a_prefix_with_a_tunnels_other_end_or_of_another_network_is_refused_with_both() {
    World::run(|world| {
        world.configure(&with("10.9.0.1/16").replace("172.16.0.32", "10.9.0.32"));
        let peer = "network selfservice has a peer 10.9.0.32 in 10.9.0.0/16";
        assert_refuses(world, &Vm::new(1), &[peer]);

        let other = "\n[network.other]\nid = \"other\"\ntype = \"local\"\n\
                     host_address = \"10.9.7.1/24\"\n";
        world.configure(&(with("10.9.0.1/16") + other));
        let both = "the prefix of 10.9.0.1/16 overlaps that of 10.9.7.1/24, network.other's";
        assert_refuses(world, &Vm::new(1), &[both]);

        // A network that stands has it, whatever the configuration says by now.
        world.configure(&(CONFIG.to_owned() + other));
        let beside = Vm::new(2).with(|nic| "brqother".clone_into(&mut nic.bridge));
        world.bring_up(&[&beside]);
        world.configure(&with("10.9.0.1/16"));
        let stands = "vmh-other has 10.9.7.1/24, whose prefix overlaps";
        assert_refuses(world, &Vm::new(1), &[stands]);
    });
}

#[test]
fn devices_of_these_names_that_somebody_else_has_are_refused() {
    World::run(|world| {
        world.configure(&configuration());
        for name in ["vmh-c08e7dcd-4a", "vmp-c08e7dcd-4a"] {
            run(&format!("ip link add {name} type bridge"));
            let there = format!("a device named {name} is there already");
            assert_refuses(world, &Vm::new(1), &[&there, "the host's end of it"]);
            run(&format!("ip link delete {name}"));
        }
    });
}

#[test]
fn ipv6_needs_an_mtu_that_carries_it() {
    World::run(|world| {
        world.configure(&configuration().replace("vni = 267", "vni = 267\nmtu = 1279"));
        let cause = "IPv6 needs an MTU of 1280, and the network's is 1279";
        assert_refuses(world, &Vm::new(1), &[cause]);
    });
}

/// Whoever has it first keeps it, and a start that would take it is refused.
#[test]
fn an_address_is_the_hosts_or_a_machines() {
    World::run(|world| {
        world.configure(&configuration());
        let thief = web(1);
        let words = "its address 192.168.101.1 is the host's own on network selfservice";
        assert_refuses(world, &thief, &[words]);

        world.configure(CONFIG);
        world.bring_up(&[&thief]);
        let standing = world.kernel();
        world.configure(&configuration());
        let refused = world.vmhook(&["reload"]);
        assert!(
            !refused.succeeded() && refused.err.contains(words),
            "{refused:?}"
        );
        assert_same(&world.kernel(), &standing, "nothing was changed");
    });
}

/// A network that stands has its end by the record, whatever a hook reads meanwhile.
#[test]
fn a_start_under_a_configuration_that_nobody_reloaded_does_not_take_the_standing_ends_address() {
    World::run(|world| {
        world.configure(&configuration());
        let _first = Machine::start(world, web(8));
        world.configure(CONFIG);
        let words = "its address 192.168.101.1 is the host's own on network selfservice";
        assert_refuses(world, &web(1), &[words]);
    });
}
