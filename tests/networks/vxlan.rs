//! VXLAN devices of every option on one host, and what the kernel does not give.

use super::support::Vm;
use super::support::World;
use super::support::netns::run;
use super::support::world::{CONFIG, assert_refuses, assert_same};

/// The network with these keys, in the place of its flood list.
fn network(keys: &str) -> String {
    CONFIG.replace(r#"flood = ["172.16.0.32"]"#, keys)
}

/// The same on an IPv6 underlay.
fn network6(keys: &str) -> String {
    run("ip -6 address add fd00:16::31/64 dev eth0 nodad");
    network(keys).replace("172.16.0.31", "fd00:16::31")
}

fn shown() -> String {
    run("ip -d -o link show vxlan-267")
}

fn index() -> String {
    shown().split(':').next().unwrap_or_default().to_owned()
}

#[track_caller]
fn assert_made_with(keys: &str, words: &[&str]) {
    World::run(|world| {
        world.configure(&network(keys));
        assert_made(world, words);
    });
}

#[track_caller]
fn assert_made(world: &World, words: &[&str]) {
    let before = world.dump();
    let vm = Vm::new(1).with(|nic| nic.mtu = 1400);
    world.bring_up(&[&vm]);
    let shown = shown();
    for word in words {
        assert!(shown.contains(word), "no \"{word}\" in {shown}");
    }
    let made = world.dump();
    world.vmhook(&["sync"]).ok();
    assert_same(&world.dump(), &made, "what was made is read back");
    world.take_down(&[&vm]);
    assert_same(&world.dump(), &before, "nothing is left");
}

#[test]
fn a_device_joins_its_group_on_the_underlay() {
    assert_made_with(
        r#"group = "239.1.1.11""#,
        &["vxlan id 267 group 239.1.1.11 local 172.16.0.31 dev eth0 srcport 0 0 dstport 8472"],
    );
    // As Neutron's `vxlan_group`.
    assert_made_with(r#"group = "239.0.0.0/8""#, &["group 239.0.1.11 local"]);
    World::run(|world| {
        world.configure(&network6(r#"group = "ff05::/64""#));
        assert_made(world, &["group ff05::10b local fd00:16::31 dev eth0"]);
    });
}

#[test]
fn a_device_has_its_options() {
    assert_made_with(
        "port = 4789\nsource_ports = \"49152-65535\"\nudp_checksum = false\nttl = 8\ntos = 0xb8",
        &[
            "vxlan id 267 local 172.16.0.31 dev eth0 srcport 49152 65535 dstport 4789 tos 0xb8 ttl 8",
            "noudpcsum noudp6zerocsumtx",
        ],
    );
    assert_made_with("tos = \"inherit\"", &["dstport 8472 tos inherit ttl auto"]);
    World::run(|world| {
        world.configure(&network6("udp_checksum = false"));
        assert_made(world, &["udp6zerocsumtx udp6zerocsumrx"]);
    });
}

#[test]
fn an_outer_header_that_somebody_changed_is_put_right_in_place() {
    World::run(|world| {
        world.configure(&network("ttl = 8"));
        world.bring_up(&[&Vm::new(1)]);
        let (made, device) = (world.dump(), index());
        run("ip link set vxlan-267 type vxlan id 267 ttl 3 tos 0x10");
        let said = world.vmhook(&["sync", "--script"]).ok();
        assert!(
            said.contains("vxlan-267 type vxlan id 267 ttl 8 tos 0x0"),
            "{said}"
        );
        assert_same(&world.kernel(), &made[..world.kernel().len()], "put right");
        assert_eq!(index(), device, "it is the same device");
    });
}

#[test]
fn a_reload_changes_the_outer_header_of_a_network_that_runs() {
    World::run(|world| {
        let vm = Vm::new(1);
        world.configure(&network("ttl = 8"));
        world.bring_up(&[&vm]);
        let device = index();
        world.configure(&network("tos = \"inherit\""));
        let plan = world.vmhook(&["reload", "--dry-run"]).ok();
        let command = "ip link set vxlan-267 type vxlan id 267 ttl auto tos inherit\n";
        assert!(plan.contains(command), "{plan}");
        let said = world.vmhook(&["reload"]).ok();
        assert_eq!(
            said,
            "network selfservice: outer header ttl 8 -> tos inherit\n"
        );
        assert!(shown().contains("tos inherit ttl auto"), "{}", shown());
        assert_eq!(index(), device, "it is the same device");
        // A machine that comes takes it as it is.
        world.bring_up(&[&Vm::new(2)]);
    });
}

#[test]
fn what_the_kernel_does_not_change_is_refused_with_both_values() {
    for (runs, says, words) in [
        ("", "port = 4789", ["UDP port 8472 ", "UDP port 4789"]),
        (
            "group = \"239.1.1.11\"",
            "group = \"239.1.1.12\"",
            ["multicast group 239.1.1.11", "multicast group 239.1.1.12"],
        ),
        (
            "source_ports = \"100-200\"",
            "source_ports = \"100-300\"",
            ["source ports 100-200", "source ports 100-300"],
        ),
        (
            "udp_checksum = false",
            "",
            ["UDP port 8472, no UDP checksum and", "UDP port 8472 and"],
        ),
    ] {
        World::run(|world| {
            world.configure(&network(runs));
            world.bring_up(&[&Vm::new(1)]);
            world.configure(&network(says));
            assert_refuses(world, &Vm::new(2), &words);
            let before = world.dump();
            let reloaded = world.vmhook(&["reload"]);
            let said = reloaded.out + &reloaded.err;
            assert_eq!(reloaded.code, 1, "{said}");
            for word in words {
                assert!(said.contains(word), "{word:?} is not in {said}");
            }
            assert_same(&world.dump(), &before, says);
        });
    }
}

/// `net.ipv4.igmp_max_memberships` is 20, for each UDP port: a group that others share is one.
#[test]
fn one_group_more_than_the_kernel_joins_is_refused_with_the_setting() {
    World::run(|world| {
        for number in 1..=20 {
            run(&format!(
                "ip link add their{number} type vxlan id {number} group 239.2.2.{number} dev eth0 \
                 dstport 8472"
            ));
            run(&format!("ip link set their{number} up"));
        }
        world.configure(&network("group = \"239.1.1.11\""));
        assert_refuses(
            world,
            &Vm::new(1),
            &[
                "No buffer space available",
                "net.ipv4.igmp_max_memberships (20 now)",
            ],
        );
        world.configure(&network("group = \"239.2.2.7\""));
        assert_made(world, &["group 239.2.2.7"]);
        world.configure(&network("group = \"239.1.1.11\""));
        std::fs::write("/proc/sys/net/ipv4/igmp_max_memberships", "21").expect("root may");
        assert_made(world, &["group 239.1.1.11"]);
    });
}

#[test]
fn check_says_that_more_groups_are_configured_than_the_kernel_joins() {
    World::run(|world| {
        let network = |number| {
            format!(
                "[network.n{number}]\nid = \"n{number}\"\ntype = \"vxlan\"\nvni = {number}\n\
                 group = \"239.0.0.0/8\"\n"
            )
        };
        let networks = |count: u32| -> String { (1..=count).map(network).collect() };
        let words = "note: the networks of UDP port 8472 have 21 multicast groups, and this host joins \
                     at most 20 (net.ipv4.igmp_max_memberships)";
        for (count, said) in [(20, false), (21, true)] {
            world.configure(&(CONFIG.to_owned() + &networks(count)));
            let text = world.vmhook(&["check"]).ok();
            assert_eq!(text.contains(words), said, "{count}: {text}");
        }
    });
}

#[test]
fn a_group_without_a_device_that_leads_anywhere_is_refused() {
    World::run(|world| {
        run("ip address del 172.16.0.31/24 dev eth0");
        world.configure(&network("mtu = 1450\ngroup = \"239.1.1.11\""));
        assert_refuses(
            world,
            &Vm::new(1),
            &["no device of this host has local_ip 172.16.0.31"],
        );
        run("ip address add 172.16.0.31/32 dev lo");
        assert_refuses(
            world,
            &Vm::new(1),
            &[
                "multicast group 239.1.1.11 needs a device",
                "172.16.0.31 is on lo",
            ],
        );
    });
}

/// All VXLAN devices on a port share its socket, if they agree in what it takes.
#[test]
fn a_port_that_is_used_in_another_way_is_refused() {
    World::run(|world| {
        run("ip link add theirs type vxlan external dstport 8472");
        run("ip link set theirs up");
        assert_refuses(
            world,
            &Vm::new(1),
            &[
                "Address already in use",
                "UDP port 8472 in another way",
                "another `port`",
            ],
        );
        world.configure(&network("port = 8473"));
        assert_made(world, &["dstport 8473"]);
    });
    World::run(|world| {
        world.configure(&network6("udp_checksum = false"));
        run("ip link add theirs type vxlan id 9 local fd00:16::31 dev eth0 dstport 8472");
        run("ip link set theirs up");
        assert_refuses(
            world,
            &Vm::new(1).with(|nic| nic.mtu = 1400),
            &["udp_checksum = false here", "theirs", "is made with true"],
        );
    });
}
