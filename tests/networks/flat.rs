//! A network on a device of the host, which joins its bridge and leaves it, and is the host's.

use std::time::Duration;

use super::support::frames::{self, end};
use super::support::netns::run;
use super::support::world::{CONFIG, assert_same};
use super::support::{Vm, World};

const FLAT: &str = r#"
[host.physical_networks]
physnet0 = "eth0"
physnet1 = "eth1"

[network.lan]
id = "lan"
type = "flat"
physical_network = "physnet1"
"#;

const BRIDGE: &str = "brqlan";

/// A host whose `eth1` is there for machines: MTU 1400, up, and nothing on it.
fn on_a_host_with_eth1(test: impl FnOnce(&World) + Send) {
    World::run(|world| {
        run("ip link add eth1 type veth peer name wire1");
        run("ip link set eth1 mtu 1400 up");
        run("ip link set wire1 up");
        world.configure(&(CONFIG.to_owned() + FLAT));
        test(world);
    });
}

fn on_it(number: u8) -> Vm {
    Vm::new(number).with(|nic| {
        BRIDGE.clone_into(&mut nic.bridge);
        nic.mtu = 1400;
    })
}

fn eth1() -> String {
    run("ip -o link show eth1")
}

#[test]
fn the_device_joins_with_the_first_machine_and_leaves_with_the_last() {
    on_a_host_with_eth1(|world| {
        let before = world.dump();
        let (first, second) = (on_it(1), on_it(2));
        world.bring_up(&[&first]);
        assert!(eth1().contains(&format!("master {BRIDGE}")), "{}", eth1());
        assert!(run(&format!("ip link show {BRIDGE}")).contains("mtu 1400"));
        world.bring_up(&[&second]);
        world.take_down(&[&first]);
        assert!(eth1().contains(&format!("master {BRIDGE}")), "one is on it");
        world.take_down(&[&second]);
        assert_same(&world.dump(), &before, "all have stopped");
    });
}

#[test]
fn frames_of_its_machines_leave_by_the_device_as_they_are_and_tagged_ones_do_not_come_in() {
    on_a_host_with_eth1(|world| {
        let vm = on_it(1);
        let (taps, wire) = (world.bring_up_open(&vm), world.packets("wire1"));
        let tap = &taps[0];
        let own = end(&vm.nics[0].mac, &vm.nics[0].ip);
        let other = end("fa:16:3e:00:00:99", "192.168.101.99");
        let ping = frames::echo_request(own, other);
        tap.send(&ping);
        let soon = Duration::from_secs(5);
        assert!(wire.receive(soon, |frame| frame == ping).is_some());

        let answer = frames::arp_request(other.mac, other, own);
        let tagged = frames::tagged(7, &answer);
        wire.send(&tagged);
        wire.send(&answer);
        let got = tap.receive(soon, |frame| frames::untagged(frame) == answer);
        assert_eq!(got.as_deref(), Some(&answer[..]), "the first that came in");
    });
}

/// The physical network's VLANs are other networks. Among the machines of this one tags are theirs.
#[test]
fn no_tag_goes_over_the_device_whatever_is_checked_of_a_machine() {
    for less in [
        "hardened = false",
        "port_security = false",
        "trusted = true",
    ] {
        on_a_host_with_eth1(|world| {
            let ports = [1, 2].map(|number| {
                let ip = match less {
                    "hardened = false" => format!("fixed_ips = [\"192.168.101.{number}\"]"),
                    _ => String::new(),
                };
                format!("\n[port.vm{number}]\nmac = \"fa:16:3e:00:00:0{number}\"\n{ip}\n{less}\n")
            });
            world.configure(&(CONFIG.to_owned() + FLAT + &ports.concat()));
            let vms = [1, 2].map(|number| {
                on_it(number).with(|nic| {
                    if !less.starts_with("hardened") {
                        nic.group.clear();
                    }
                })
            });
            let wire = world.packets("wire1");
            let taps = vms.each_ref().map(|vm| world.bring_up_open(vm).remove(0));
            let own = end(&vms[0].nics[0].mac, &vms[0].nics[0].ip);
            let other = end("fa:16:3e:00:00:99", "192.168.101.99");
            let asked = frames::arp_request(own.mac, own, other);
            let answer = frames::arp_request(other.mac, other, own);
            let soon = Duration::from_secs(5);
            for tag in [[0x81, 0x00], [0x88, 0xa8], [0x91, 0x00]] {
                let with = |frame: &[u8]| {
                    let mut tagged = frames::tagged(7, frame);
                    tagged[12..14].copy_from_slice(&tag);
                    tagged
                };
                taps[0].send(&with(&asked));
                taps[0].send(&asked);
                let met = |frame: &[u8]| frames::untagged(frame) == asked || frame == with(&asked);
                let got = wire.receive(soon, met);
                assert_eq!(got.as_deref(), Some(&asked[..]), "{less} {tag:x?}: out");
                let got = taps[1].receive(soon, |frame| frame == with(&asked));
                assert!(got.is_some(), "{less} {tag:x?}: to the other machine");

                wire.send(&with(&answer));
                wire.send(&answer);
                let met =
                    |frame: &[u8]| frames::untagged(frame) == answer || frame == with(&answer);
                let got = taps[0].receive(soon, met);
                assert_eq!(got.as_deref(), Some(&answer[..]), "{less} {tag:x?}: in");
            }
        });
    }
}

#[test]
fn a_repair_puts_the_device_back_and_inspect_misses_it_till_then() {
    on_a_host_with_eth1(|world| {
        let vm = on_it(1);
        world.bring_up(&[&vm]);
        let standing = world.kernel();
        run("ip link set eth1 nomaster");
        let xml = world.config_dir().join("vm1.xml");
        std::fs::write(&xml, vm.xml()).expect("a file can be written");
        let seen = world.vmhook(&["inspect", "--xml", &xml.display().to_string()]);
        assert!(seen.out.contains("eth1 on brqlan"), "{seen:?}");
        world.vmhook(&["sync"]).ok();
        assert_same(&world.kernel(), &standing, "it is back");
    });
}

#[test]
fn a_repair_takes_no_device_that_the_host_uses_otherwise_now() {
    on_a_host_with_eth1(|world| {
        let vm = on_it(1);
        world.bring_up(&[&vm]);
        run("ip link set eth1 nomaster");
        run("ip address add 203.0.113.5/24 dev eth1");
        let refused = world.vmhook(&["sync"]);
        assert!(!refused.succeeded());
        let words = "cannot make eth1 a port of brqlan: it has address 203.0.113.5";
        assert!(refused.err.contains(words), "{refused:?}");
        assert!(!eth1().contains("master"), "{}", eth1());
    });
}

#[test]
fn a_device_that_cannot_be_had_is_refused_with_what_to_do_and_nothing_is_half_made() {
    let cases = [
        (
            "ip link set eth1 down",
            "physical network physnet1 is eth1, which is down; bring it up first",
        ),
        (
            "ip address add 203.0.113.5/24 dev eth1",
            "eth1 has address 203.0.113.5, which nobody could reach once eth1 is a port of brqlan; \
             vmhook moves no addresses: give the network a device without any, or a VLAN of eth1 \
             (type = \"vlan\")",
        ),
        (
            "ip link set eth1 master other",
            "eth1 is a port of other already; take it out of there (ip link set eth1 nomaster), or \
             name another device in physical_networks",
        ),
        (
            "ip link delete eth1",
            "physical network physnet1 is eth1, which this host does not have; correct \
             physical_networks in [host]",
        ),
    ];
    on_a_host_with_eth1(|world| {
        run("ip link add other type bridge");
        for (spoil, words) in cases {
            run(spoil);
            let before = world.dump();
            let refused = world.event("prepare", &on_it(1));
            assert_eq!(refused.code, 1, "{spoil}");
            assert!(refused.err.contains(words), "{spoil}: {refused:?}");
            assert_same(&world.dump(), &before, spoil);
            if spoil.contains("address") {
                run("ip address flush dev eth1");
            }
            if spoil.ends_with("down") {
                run("ip link set eth1 up");
            }
        }
    });
}
