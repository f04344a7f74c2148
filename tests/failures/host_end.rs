//! A hook that is killed before or after any of its changes, or between two of the kernel's, on a network
//! on which the host has an end.

use super::deaths::dies_anywhere_on;
use super::stage::Stage;
use super::*;
use support::netns::run;
use support::world::CONFIG;

fn configuration() -> String {
    let addresses = "host_address = [\"192.168.101.254/24\", \"2001:db8:101::fe/64\"]";
    CONFIG.replace("vni = 267\n", &format!("vni = 267\n{addresses}\n"))
}

#[test]
fn a_hook_that_dies_anywhere_leaves_no_end_of_the_host_behind() {
    for stage in [Stage::Prepare, Stage::Release] {
        dies_anywhere_on(&configuration(), stage);
    }
}

/// The pair is made in several requests: what a death between two of them leaves.
#[test]
fn a_pair_that_a_death_left_unfinished_is_in_nobodys_way_and_goes() {
    let pair = "ip link add vmhook-new type veth peer name vmhook-new-port";
    let finish = [
        "ip link set vmhook-new-port name vmp-c08e7dcd-4a alias \
         vmhook:network=c08e7dcd-4acb-4cd0-ad08-ebd3b48467ee",
        "ip link set vmp-c08e7dcd-4a up",
        "ip address add 192.168.101.254/24 dev vmhook-new",
    ];
    World::run(|world| {
        world.configure(&configuration());
        let empty = world.dump();
        let (vm, other) = (Vm::new(1), Vm::new(2));
        for done in 0..=finish.len() {
            for next in ["prepare", "release"] {
                let call = world.call("prepare", &vm).fault("die-before:4");
                assert_eq!(call.end().code, 128 + 9);
                run(pair);
                for line in &finish[..done] {
                    run(line);
                }
                let next_vm = if next == "prepare" { &other } else { &vm };
                world.ok(next, next_vm);
                let links = run("ip -br link");
                assert!(!links.contains("vmhook-new"), "{done} {next}: {links}");
                assert_eq!(links.contains("vmh-c08e7dcd-4a"), next == "prepare");
                world.take_down(&[&vm, &other]);
                assert_same(&world.dump(), &empty, &format!("{done} {next}"));
            }
        }
    });
}
