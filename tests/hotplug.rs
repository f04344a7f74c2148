//! Interfaces that come, go and move while their machine runs; libvirt calls no hook about most.
#![expect(
    clippy::disallowed_methods,
    reason = "these tests are about files, processes and the kernel"
)]

mod support;

use std::fs;

use support::call::assert_silent;
use support::netns::run;
use support::world::{BRIDGE, CONFIG, assert_same};
use support::{Outcome, Vm, VmNic, World};

const OTHER_BRIDGE: &str = "brq0d3a7f52-3b";
const OTHER_NETWORK: &str = r#"
[network.other]
id = "0d3a7f52-3b1c-4f0e-9a55-2f4f0c6a7b11"
type = "vxlan"
vni = 268
"#;

/// `vmhook sync` with a machine's XML as libvirt gives it while the machine runs.
fn sync(world: &World, vm: &Vm) -> Outcome {
    sync_xml(world, &vm.xml().replace("<domain ", "<domain id='1' "))
}

fn sync_xml(world: &World, xml: &str) -> Outcome {
    let file = world.config_dir().join("live.xml");
    fs::write(&file, xml).expect("a file can be written");
    world.vmhook(&["sync", "--xml", &file.display().to_string()])
}

/// One interface of a machine, alone: to plug and to unplug.
fn only(nic: &VmNic) -> Vm {
    let mut vm = Vm::new(1);
    vm.nics = vec![nic.clone()];
    vm
}

#[track_caller]
fn assert_open(world: &World, taps: &[&str]) {
    let open: Vec<String> = world.open_taps().into_iter().collect();
    assert_eq!(open, taps);
}

/// What the network hook gets about an interface of a libvirt network on our bridge.
fn network_port(world: &World, operation: &str, vm: &Vm, mac: &str) -> Outcome {
    let Vm { name, uuid, .. } = vm;
    let xml = format!(
        "<hookData><network><name>net</name></network><networkport><owner><name>{name}</name>\
         <uuid>{uuid}</uuid></owner><mac address='{mac}'/><plug type='bridge' bridge='{BRIDGE}'/>\
         </networkport></hookData>"
    );
    world
        .call_with(&["network", "net", operation, "begin", "-"], xml.into())
        .end()
}

#[test]
fn an_interface_is_closed_until_sync_and_again_once_it_is_gone() {
    World::run(|world| {
        let empty = world.dump();
        let (vm, nic) = (Vm::new(1), VmNic::new(2));
        world.bring_up(&[&vm]);
        let both = vm.clone().and(nic.clone());
        world.plug(&only(&nic));
        assert_open(world, &["tap00000001-75"]);

        let opened = "interface fa:16:3e:00:00:01: open on network selfservice, tap tap00000001-75, \
                      as before\ninterface fa:16:3e:00:00:02: opened on network selfservice, tap \
                      tap00000002-75\n";
        assert_eq!(sync(world, &both).ok(), opened);
        assert_open(world, &["tap00000001-75", "tap00000002-75"]);
        assert!(world.rules().contains("192.168.101.2/32"));
        let before = world.kernel();
        assert!(sync(world, &both).ok().ends_with("-75, as before\n"));
        assert_same(&world.kernel(), &before, "a second time changes nothing");

        world.unplug(&only(&nic));
        let said = sync(world, &vm).ok();
        let closed = "interface fa:16:3e:00:00:02: closed on network selfservice\n";
        assert!(said.starts_with(closed), "{said}");
        assert_open(world, &["tap00000001-75"]);
        assert!(!world.rules().contains("192.168.101.2/32"));
        world.take_down(&[&vm]);
        assert_same(&world.dump(), &empty, "after the last stop");
    });
}

#[test]
fn a_refusal_opens_nothing_and_what_is_gone_closes_all_the_same() {
    World::run(|world| {
        let (kept, gone, new) = (Vm::new(1), VmNic::new(2), VmNic::new(3));
        let mut unknown = VmNic::new(4);
        unknown.group = "nobody-s".to_owned();
        let vm = kept.clone().and(gone.clone());
        world.bring_up(&[&vm]);
        world.unplug(&only(&gone));
        world.plug(&only(&new));
        world.plug(&only(&unknown));

        let outcome = sync(world, &kept.and(new).and(unknown));
        assert_eq!(outcome.code, 1, "{outcome:#?}");
        let line = "vmhook: domain vm1, interface fa:16:3e:00:00:04: security group \"nobody-s\" is \
                    not defined";
        assert!(outcome.err.starts_with(line), "{outcome:#?}");
        assert!(outcome.out.contains(":02: closed"), "{outcome:#?}");
        assert_open(world, &["tap00000001-75"]);

        let file = world.config_dir().join("live.xml").display().to_string();
        let outcome = world.vmhook(&["inspect", "--xml", &file]);
        assert_eq!(outcome.code, 1, "{outcome:#?}");
        let last = "mend what the note says, then `vmhook sync vm1`\n";
        assert!(outcome.out.ends_with(last), "{outcome:#?}");
    });
}

#[test]
fn a_tap_that_moved_gets_the_port_of_its_new_network_and_back() {
    World::run(|world| {
        world.configure(&format!("{CONFIG}{OTHER_NETWORK}"));
        let empty = world.dump();
        let elsewhere = Vm::new(2).with(|nic| nic.bridge = OTHER_BRIDGE.to_owned());
        let vm = Vm::new(1);
        world.bring_up(&[&vm, &elsewhere]);
        let moved = vm.clone().with(|nic| {
            nic.bridge = OTHER_BRIDGE.to_owned();
            nic.ip = "192.168.101.77".to_owned();
        });
        let before = world.rules();
        run(&format!("ip link set tap00000001-75 master {OTHER_BRIDGE}"));

        let closed = "interface fa:16:3e:00:00:01: closed on network selfservice\n";
        let opened = "interface fa:16:3e:00:00:01: opened on network other, tap tap00000001-75\n";
        assert_eq!(sync(world, &moved).ok(), format!("{closed}{opened}"));
        assert!(world.rules().contains("192.168.101.77/32"));
        assert!(!world.rules().contains("192.168.101.1/32"));
        assert!(!world.kernel().contains(BRIDGE), "the network nobody uses");

        // libvirt moves a tap only to a bridge that is there.
        let bridge = Vm::new(3);
        world.bring_up(&[&bridge]);
        run(&format!("ip link set tap00000001-75 master {BRIDGE}"));
        world.vmhook(&["sync"]).ok();
        assert!(!world.open_taps().contains("tap00000001-75"), "closed");
        sync(world, &vm).ok();
        world.take_down(&[&bridge]);
        assert_same(&world.rules(), &before, "moved back");
        world.take_down(&[&vm, &elsewhere]);
        assert_same(&world.dump(), &empty, "after the last stop");
    });
}

#[test]
fn a_port_of_a_libvirt_network_comes_closed_and_goes_at_once() {
    World::run(|world| {
        let empty = world.dump();
        let (vm, nic) = (Vm::new(1), VmNic::new(2));
        let mut none = vm.clone();
        none.nics.clear();
        // Of a machine that had nothing of ours, and of one that has.
        for plugged_into in [&none, &vm] {
            world.bring_up(&[plugged_into]);
            let before = world.kernel();
            assert_silent(&network_port(world, "port-created", plugged_into, &nic.mac));
            world.plug(&only(&nic));
            assert!(!world.open_taps().contains(&nic.tap), "it is closed");
            let both = plugged_into.clone().and(nic.clone());
            sync(world, &both).ok();
            assert!(world.open_taps().contains(&nic.tap), "sync opens it");
            world.unplug(&only(&nic));
            assert_silent(&network_port(world, "port-deleted", plugged_into, &nic.mac));
            assert_same(&world.kernel(), &before, "unplugged");
            assert_silent(&network_port(world, "port-deleted", plugged_into, &nic.mac));
            world.take_down(&[plugged_into]);
            assert_same(&world.dump(), &empty, "after the last stop");
        }
    });
}

#[test]
fn an_unplugged_interface_leaves_its_tap_and_its_address_to_others() {
    World::run(|world| {
        let (first, nic) = (Vm::new(1), VmNic::new(2));
        world.bring_up(&[&first.clone().and(nic.clone())]);
        world.unplug(&only(&nic));
        let mut heir = Vm::new(3);
        heir.nics = vec![nic.clone()];
        heir.nics[0].ip = "192.168.101.3".to_owned();
        world.bring_up(&[&heir]);
        assert_open(world, &["tap00000001-75", "tap00000002-75"]);
        assert!(!world.rules().contains("192.168.101.2/32"), "the old one's");
        assert!(world.rules().contains("192.168.101.3/32"));
        world.take_down(&[&heir, &first]);
    });
}

#[test]
fn who_gets_an_unplugged_interface_s_address_gets_none_of_its_connections() {
    for arrives_running in [false, true] {
        World::run(|world| {
            let (first, nic) = (Vm::new(1), VmNic::new(2));
            world.bring_up(&[&first.and(nic.clone())]);
            run(
                "conntrack -I -w 4097 -s 192.168.101.9 -d 192.168.101.2 -p udp --sport 1 --dport 2 \
                 -t 100",
            );
            world.unplug(&only(&nic));
            let heir = Vm::new(3).with(|its| its.ip = nic.ip);
            if arrives_running {
                world.ok("migrate", &heir);
            }
            world.bring_up(&[&heir]);
            let left = run("conntrack -L -w 4097");
            assert!(!left.contains("192.168.101.2"), "{arrives_running}: {left}");
        });
    }
}

#[test]
fn whoever_looks_at_all_links_drops_what_was_unplugged() {
    World::run(|world| {
        let (vm, nic) = (Vm::new(1), VmNic::new(2));
        let both = vm.clone().and(nic.clone());
        let repair = |how: &str| match how {
            "sync" => world.vmhook(&["sync"]),
            "daemon" => world.daemon_start().end(),
            "reconnect" => world.event("reconnect", &vm),
            _ => {
                run("iptables -F");
                world.event("prepare", &Vm::new(3))
            }
        };
        for how in ["sync", "daemon", "reconnect", "another machine's start"] {
            world.bring_up(&[&both]);
            world.unplug(&only(&nic));
            assert_eq!(world.open_taps().len(), 2, "nobody called");
            let outcome = repair(how);
            assert!(outcome.succeeded(), "{how}: {outcome:#?}");
            if how == "sync" {
                let line = "domain vm1, interface fa:16:3e:00:00:02: closed, for its tap is gone";
                assert!(outcome.out.starts_with(line), "{outcome:#?}");
            }
            assert_open(world, &["tap00000001-75"]);
            world.take_down(&[&vm]);
        }
    });
}

#[test]
fn a_machine_that_runs_without_a_record_is_opened() {
    World::run(|world| {
        let (with, without) = (Vm::new(1), Vm::new(2));
        world.bring_up(&[&with]);
        world.plug(&without);
        assert_open(world, &["tap00000001-75"]);
        let said = sync(world, &without).ok();
        assert!(said.contains("opened on network selfservice"), "{said}");
        assert_open(world, &["tap00000001-75", "tap00000002-75"]);
        world.take_down(&[&with, &without]);
    });
}

#[test]
fn of_a_machine_that_is_shut_off_nothing_is_left() {
    World::run(|world| {
        let empty = world.dump();
        let vm = Vm::new(1);
        world.bring_up(&[&vm]);
        let outcome = sync_xml(world, &vm.xml());
        assert_eq!(outcome.code, 2, "its tap is there: {outcome:#?}");
        assert_open(world, &["tap00000001-75"]);
        world.unplug(&vm);
        let said = sync_xml(world, &vm.xml()).ok();
        assert!(
            said.ends_with(" is shut off, and what was left of it is gone\n"),
            "{said}"
        );
        assert_same(&world.dump(), &empty, "nothing is left");
        let said = sync_xml(world, &vm.xml()).ok();
        assert!(
            said.ends_with(" is shut off, and nothing of it is left\n"),
            "{said}"
        );
    });
}

#[test]
fn a_machine_that_is_none_of_ours_is_left_alone() {
    World::run(|world| {
        let empty = world.dump();
        let vm = Vm::new(1).with(|nic| nic.bridge = "virbr0".to_owned());
        let said = sync(world, &vm).ok();
        assert_eq!(said, "domain vm1 has no interface on a managed bridge\n");
        assert_same(&world.dump(), &empty, "nothing is written");
    });
}

/// `virsh update-device` makes a second port, `domif-setlink` takes one back.
#[test]
fn a_port_whose_tap_is_there_stays_open_whatever_libvirt_s_network_says_of_it() {
    World::run(|world| {
        let vm = Vm::new(1);
        world.bring_up(&[&vm]);
        let before = world.kernel();
        for operation in ["port-created", "port-deleted"] {
            assert_silent(&network_port(world, operation, &vm, &vm.nics[0].mac));
            assert_same(&world.kernel(), &before, operation);
        }
        world.take_down(&[&vm]);
    });
}
