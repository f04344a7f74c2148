//! Links that are there under a network's names and that vmhook did not make: taken over where nobody
//! uses them and they are what is needed, else refused with what they are.

use super::support::call::assert_silent;
use super::support::netns::run;
use super::support::world::{BRIDGE, assert_refuses, assert_same};
use super::support::{Vm, World};

const MADE: &str =
    "ip link add vxlan-267 type vxlan id 267 local 172.16.0.31 dev eth0 dstport 8472";

/// What Neutron's agent leaves: a bridge, a device on it that floods to two hosts and knows a third one's
/// machine, and no alias.
fn left_behind() {
    run(&format!("ip link add {BRIDGE} type bridge"));
    run(MADE);
    run(&format!(
        "ip link set vxlan-267 mtu 1450 master {BRIDGE} up"
    ));
    run(&format!("ip link set {BRIDGE} up"));
    for (mac, host) in [
        ("00:00:00:00:00:00", "172.16.0.32"),
        ("00:00:00:00:00:00", "172.16.0.66"),
        ("fa:16:3e:00:00:66", "172.16.0.66"),
    ] {
        run(&format!("bridge fdb append {mac} dev vxlan-267 dst {host}"));
    }
}

/// What it has of links and their entries.
fn links(kernel: &str) -> &str {
    kernel.split("== ").next().unwrap_or_default()
}

#[test]
fn what_an_agent_left_is_brought_to_our_form_serves_and_goes_with_the_last_machine() {
    World::run(|world| {
        let (empty, vm) = (world.dump(), Vm::new(1));
        world.bring_up(&[&vm]);
        let made = world.kernel();
        world.take_down(&[&vm]);

        left_behind();
        let index = |name: &str| {
            let link = run(&format!("ip -o link show {name}"));
            link.split(':').next().map(str::to_owned)
        };
        let there = [BRIDGE, "vxlan-267"].map(index);
        world.bring_up(&[&vm]);
        assert_eq!([BRIDGE, "vxlan-267"].map(index), there, "they are the same");
        assert_same(&world.kernel(), &made, "as if vmhook had made it");
        world.vmhook(&["sync"]).ok();
        assert_same(&world.kernel(), &made, "a repair finds nothing");
        world.take_down(&[&vm]);
        assert_same(&world.dump(), &empty, "adopted is ours");
    });
}

#[test]
fn a_hook_that_dies_while_it_takes_over_leaves_what_the_next_one_finishes() {
    World::run(|world| {
        let (empty, vm, other) = (world.dump(), Vm::new(1), Vm::new(2));
        let count = world.config_dir().join("count");
        left_behind();
        let fault = format!("count:{}", count.display());
        assert_silent(&world.call("prepare", &vm).fault(&fault).end());
        let whole = links(&world.kernel()).to_owned();
        world.take_down(&[&vm]);
        let changes: u32 = std::fs::read_to_string(count).unwrap().parse().unwrap();
        assert!(changes > 5, "{changes}");
        for change in 1..=changes {
            for death in ["die-before", "die-after"] {
                let fault = format!("{death}:{change}");
                left_behind();
                let outcome = world.call("prepare", &vm).fault(&fault).end();
                assert_eq!(outcome.code, 128 + 9, "{fault}: {outcome:#?}");
                world.ok("prepare", &other);
                assert_same(links(&world.kernel()), &whole, &fault);
                world.take_down(&[&vm, &other]);
                assert_same(&world.dump(), &empty, &fault);
            }
        }
    });
}

/// A host with these links refuses the machine with these words, and leaves them as they are.
fn refuses(made: &[&str], words: &[&str]) {
    World::run(|world| {
        for line in made {
            run(line);
        }
        assert_refuses(world, &Vm::new(1), words);
    });
}

#[test]
fn a_bridge_that_somebody_uses_is_refused_with_what_is_on_it() {
    let bridge = format!("ip link add {BRIDGE} type bridge");
    let not_ours = format!("a device named {BRIDGE} is there already and was not made by vmhook");
    let address = format!("ip address add 10.0.0.1/24 dev {BRIDGE}");
    let joins = format!("ip link set guest master {BRIDGE}");
    let guest = "ip link add guest type veth peer name elsewhere";
    let marked = format!("ip link set {BRIDGE} alias office");
    for (more, used) in [
        (&[address.as_str()][..], "it has address 10.0.0.1"),
        (&[guest, &joins], "its ports are guest"),
        (&[&marked], "it bears the alias \"office\""),
    ] {
        let used =
            format!("{used}, so somebody uses it: rename it (ip link set {BRIDGE} name OTHER)");
        let made = [&[bridge.as_str()], more].concat();
        refuses(
            &made,
            &[&not_ours, "it is a bridge, and this network needs", &used],
        );
    }
}

#[test]
fn a_device_that_somebody_uses_or_that_is_otherwise_is_refused_with_both() {
    let not_ours = "a device named vxlan-267 is there already and was not made by vmhook: it is ";
    let needed = "this network needs VNI 267, local address 172.16.0.31 on eth0, UDP port 8472";
    let refuses = |made: &[&str], words: [&str; 2]| {
        refuses(made, &[not_ours, needed, words[0], words[1]]);
    };
    let remove = "; remove it (ip link delete vxlan-267)";
    refuses(
        &[&MADE.replace("dstport 8472", "dstport 4789")],
        [
            "267, local address 172.16.0.31 on eth0, UDP port 4789",
            remove,
        ],
    );
    refuses(
        &[&format!("{MADE} nolearning")],
        ["UDP port 8472, MAC addresses by EVPN", remove],
    );

    refuses(
        &[MADE, "ip address add 192.168.101.1/24 dev vxlan-267"],
        [
            "it has address 192.168.101.1, so somebody uses it",
            "rename it",
        ],
    );
    refuses(
        &[
            MADE,
            "ip link add br0 type bridge",
            "ip link set vxlan-267 master br0",
        ],
        ["it is a port of br0, so somebody uses it", "rename it"],
    );
}

#[test]
fn a_repair_takes_back_what_lost_its_alias_and_leaves_what_is_otherwise_now() {
    World::run(|world| {
        let vm = Vm::new(1);
        world.bring_up(&[&vm]);
        let standing = world.kernel();
        let batch = world.config_dir().join("batch");
        for name in [BRIDGE, "vxlan-267"] {
            let line = format!("link set {name} alias \"\"\n");
            std::fs::write(&batch, line).expect("a file can be written");
            run(&format!("ip -batch {}", batch.display()));
            assert_ne!(world.kernel(), standing, "{name}");
            world.vmhook(&["sync"]).ok();
            assert_same(&world.kernel(), &standing, name);
        }
        run("ip link delete vxlan-267");
        run(&MADE.replace("id 267", "id 300"));
        let refused = world.vmhook(&["sync"]);
        assert!(!refused.succeeded(), "{refused:?}");
        assert!(
            refused.err.contains("it is there with other settings"),
            "{refused:?}"
        );
        assert!(run("ip -d link show vxlan-267").contains("id 300"));
    });
}
