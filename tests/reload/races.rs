//! Hooks that have read what a reload then changes. Each is held where it has resolved what it wants,
//! or has written it; the reload runs; and what comes true is what the configuration says now.

use super::connections::{connect, connections};
use super::*;
use support::VmNic;
use support::call::{Call, Running, assert_refused};
use support::world::BRIDGE;

/// A call begins and stands still at one of its changes.
fn held(call: Call<'_>, at: &str) -> Running {
    let running = call.fault(at).begin();
    running.stands_still();
    running
}

fn goes_on(running: Running) {
    running.resume();
    assert_silent(&running.end());
}

/// Before the want of a call is written that has no tap; and behind it.
const BEFORE_THE_WANT: &str = "stop-before:1";
const BEHIND_THE_WANT: &str = "stop-after:1";
/// The same of one that has a tap, which is made quiet first.
const BEFORE_ITS_WANT: &str = "stop-before:2";

/// The TCP ports that the rules of a machine's interface let in.
fn let_in(nic: &VmNic) -> BTreeSet<String> {
    let chain = format!("-A neutron-linuxbri-i{} ", &nic.tap[3..13]);
    let rules = run("iptables-save");
    let own = rules.lines();
    let own = own.filter(|line| line.starts_with(&chain) && line.contains("-p tcp"));
    let port = |line: &str| Some(line.split_once("--dport ")?.1.split(' ').next()?.to_owned());
    own.filter_map(port).collect()
}

#[track_caller]
fn assert_let_in(nic: &VmNic, port: &str) {
    assert_eq!(let_in(nic), [port.to_owned()].into(), "{}", nic.tap);
}

/// The configuration says that another port is let in, and a reload brings it.
fn changed(world: &World) {
    world.configure(&edited("port = 22", "port = 2222"));
    reload(world).ok();
}

#[track_caller]
fn assert_as_configured(world: &World) {
    let printed = dry_run(world);
    assert!(printed.ends_with("# nothing is to be done\n"), "{printed}");
    assert!(printed.starts_with("# every port is as"), "{printed}");
}

#[test]
fn a_machine_that_was_resolved_before_a_reload_is_resolved_again() {
    for at in [BEFORE_THE_WANT, BEHIND_THE_WANT] {
        World::run(|world| {
            let [vm, other, _] = three();
            world.configure(&configuration());
            world.bring_up(&[&other]);
            let prepare = held(world.call("prepare", &vm), at);
            changed(world);
            goes_on(prepare);
            world.plug(&vm);
            world.ok("start", &vm);
            assert_let_in(&vm.nics[0], "2222");
            assert_as_configured(world);
        });
    }
}

/// Nothing stands that a reload could change, and it counts all the same.
#[test]
fn nor_is_the_first_machine_resolved_from_what_was() {
    World::run(|world| {
        let [vm, ..] = three();
        world.configure(&configuration());
        let prepare = held(world.call("prepare", &vm), BEFORE_THE_WANT);
        changed(world);
        goes_on(prepare);
        world.plug(&vm);
        world.ok("start", &vm);
        assert_let_in(&vm.nics[0], "2222");
    });
}

/// Also where another hook applies what it wants, before it can look again.
#[test]
fn a_start_opens_what_the_record_says_when_it_opens() {
    World::run(|world| {
        let [vm, other, third] = three();
        world.configure(&configuration());
        world.bring_up(&[&other]);
        world.ok("prepare", &vm);
        world.plug(&vm);
        let start = held(world.call("start", &vm), "stop-before:2,stop-after:2");
        changed(world);
        start.resume();
        let wanted = || {
            let files = world.state_files();
            files.iter().any(|file| file.starts_with("wants/"))
        };
        while !wanted() {
            std::thread::yield_now();
        }
        start.stands_still();
        world.ok("prepare", &third);
        assert!(!wanted(), "it is served");
        assert_let_in(&vm.nics[0], "2222");
        goes_on(start);
        assert_let_in(&vm.nics[0], "2222");
        assert_as_configured(world);
    });
}

#[test]
fn what_the_configuration_refuses_by_now_is_refused() {
    World::run(|world| {
        let [vm, other, _] = three();
        world.configure(&configuration());
        world.bring_up(&[&other]);
        let thief = vm.clone().with(|nic| "db".clone_into(&mut nic.group));
        let prepare = held(world.call("prepare", &thief), BEFORE_THE_WANT);
        world.configure(&edited("[security_group.db]", "[security_group.base]"));
        prepare.resume();
        let words = ["domain vm1", "\"db\" is not defined"];
        assert_refused(&prepare.end(), &words);
        assert!(!world.dump().contains("fa:16:3e:00:00:01"), "nothing of it");
    });
}

/// What the network hook gets about an interface of a libvirt network on our bridge.
fn network_port<'a>(world: &'a World, operation: &str, vm: &Vm, mac: &str) -> Call<'a> {
    let Vm { name, uuid, .. } = vm;
    let xml = format!(
        "<hookData><network><name>net</name></network><networkport><owner><name>{name}</name>\
         <uuid>{uuid}</uuid></owner><mac address='{mac}'/><plug type='bridge' bridge='{BRIDGE}'/>\
         </networkport></hookData>"
    );
    world.call_with(&["network", "net", operation, "begin", "-"], xml.into())
}

/// One interface comes or goes, and the other one stays as the reload has made it.
#[test]
fn an_interface_that_comes_or_goes_takes_no_other_back_to_what_it_was() {
    World::run(|world| {
        let second = VmNic {
            group: "web".to_owned(),
            ..VmNic::new(2)
        };
        let [vm, ..] = three();
        let only = Vm {
            nics: vec![second.clone()],
            ..vm.clone()
        };
        world.configure(&configuration());
        world.bring_up(&[&vm]);
        let created = network_port(world, "port-created", &vm, &second.mac);
        let created = held(created, BEFORE_THE_WANT);
        changed(world);
        goes_on(created);
        assert_let_in(&vm.nics[0], "2222");

        world.plug(&only);
        let xml = vm.clone().and(second.clone()).xml();
        let live = world.config_dir().join("live.xml");
        fs::write(&live, xml.replace("<domain ", "<domain id='1' ")).expect("a file");
        let live = live.display().to_string();
        // Both taps are made quiet first.
        let sync = world.begin_vmhook(&["sync", "--xml", &live], Some("stop-before:3"));
        sync.stands_still();
        world.configure(&configuration());
        reload(world).ok();
        sync.resume();
        sync.end().ok();
        assert_let_in(&vm.nics[0], "22");
        assert_let_in(&second, "22");

        world.unplug(&only);
        let deleted = network_port(world, "port-deleted", &vm, &second.mac);
        let deleted = held(deleted, BEFORE_THE_WANT);
        changed(world);
        goes_on(deleted);
        assert_let_in(&vm.nics[0], "2222");
        assert_as_configured(world);
    });
}

#[test]
fn a_start_that_gives_up_leaves_what_the_reload_has_made() {
    World::run(|world| {
        let [vm, other, third] = three();
        let impatient = |text: String| text.replace("[host]", "[host]\nhook_timeout = 5");
        world.configure(&impatient(configuration()));
        world.bring_up(&[&other]);
        world.ok("prepare", &vm);
        world.plug(&vm);
        let start = held(world.call("start", &vm), BEFORE_ITS_WANT);
        world.configure(&impatient(edited("port = 22", "port = 2222")));
        reload(world).ok();
        let lock = fs::File::open(world.state_dir()).expect("a folder");
        lock.lock().expect("nobody has it");
        start.resume();
        assert_refused(&start.end(), &["domain vm1", "waiting for the lock"]);
        drop(lock);
        world.ok("prepare", &third);
        assert!(!world.open_taps().contains(&vm.nics[0].tap));
        assert_as_configured(world);
    });
}

/// Nobody forgets that it comes from another host, whoever resolves again.
#[test]
fn a_machine_that_arrives_beside_reloads_keeps_its_connections() {
    World::run(|world| {
        let [vm, other, _] = three();
        world.configure(&configuration());
        world.bring_up(&[&other]);
        world.ok("migrate", &vm);
        let prepare = held(world.call("prepare", &vm), BEFORE_THE_WANT);
        changed(world);
        goes_on(prepare);
        world.plug(&vm);
        connect("tcp", "10.0.0.1", "192.168.101.1", 2222);
        let start = held(world.call("start", &vm), BEFORE_ITS_WANT);
        let less = edited("{ protocol = \"icmp\" },", "");
        world.configure(&less.replace("port = 22", "port = 2222"));
        reload(world).ok();
        goes_on(start);
        assert_let_in(&vm.nics[0], "2222");
        let goes_on = "tcp 10.0.0.1 192.168.101.1 2222".to_owned();
        assert_eq!(connections(), [goes_on].into());
        assert_as_configured(world);
    });
}

/// Many machines start while two configurations take turns, and nobody waits for anybody.
#[test]
fn whoever_starts_beside_reloads_is_in_the_end_as_the_last_one_says() {
    let (count, rounds) = support::crowd(12, 1);
    World::run(|world| {
        let patient = |text: String| text.replace("[host]", "[host]\nhook_timeout = 120");
        let turns = [configuration(), edited("port = 22", "port = 2222")].map(patient);
        world.configure(&turns[0]);
        let empty = world.dump();
        let in_web = |number| Vm::new(number).with(|nic| "web".clone_into(&mut nic.group));
        let vms: Vec<Vm> = (1..=count).map(in_web).collect();
        for round in 0..rounds {
            std::thread::scope(|scope| {
                for vm in &vms {
                    scope.spawn(|| {
                        world.bring_up(&[vm]);
                        world.ok("started", vm);
                    });
                }
                scope.spawn(|| {
                    for turn in 0..5 {
                        world.configure(&turns[(round + turn) % 2]);
                        reload(world).ok();
                    }
                });
            });
            let says = ["22", "2222"][round % 2];
            for vm in &vms {
                assert_let_in(&vm.nics[0], says);
            }
            assert_as_configured(world);
            let nothing = "the kernel had everything as it was applied\n";
            assert_eq!(world.vmhook(&["sync"]).ok(), nothing);
            world.take_down(&vms.iter().collect::<Vec<_>>());
            assert_same(&world.dump(), &empty, &format!("after round {round}"));
        }
    });
}
