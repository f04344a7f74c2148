//! What the journal is told: one line for each domain and change, and one for each refusal.

use std::path::Path;

use super::*;
use support::journal::{Entry, Journal, own_run, told, with_journal};
use support::netns::run;
use support::world::CONFIG;

#[track_caller]
fn assert_told(journal: &Journal, lines: &[&str]) {
    assert_eq!(journal.told(), lines);
}

/// The only line that there is.
#[track_caller]
fn one(journal: &Journal) -> Entry {
    let lines = journal.entries();
    assert_eq!(lines.len(), 1, "{lines:#?}");
    lines.into_iter().next().expect("there is one")
}

const PREPARED: &str = "vm1|prepare|applied|tables +vmhook, bridge +brqc08e7dcd-4a, \
    device +vxlan-267, fdb +1, elements +8";

/// How many rules the kernel has, IPv4 and IPv6. All of them are ours.
fn rules() -> [usize; 2] {
    ["iptables-save", "ip6tables-save"].map(|save| {
        let saved = run(save);
        saved.lines().filter(|line| line.starts_with("-A")).count()
    })
}

/// With a tap of the MTU that its XML names, as libvirt makes it.
#[test]
fn a_guest_with_another_mtu_is_let_in_with_a_warning_where_the_network_says_so() {
    with_journal(|world, journal| {
        let warning = "vni = 267\nguest_mtu = \"warn\"";
        world.configure(&CONFIG.replace("vni = 267", warning));
        let large = Vm::new(1).with(|nic| nic.mtu = 1500);
        let untold = Vm::new(2).with(|nic| nic.mtu = 0);
        for (vm, words) in [(&large, "is above the 1450"), (&untold, "it has no <mtu>")] {
            world.ok("prepare", vm);
            let lines = journal.entries();
            let warning = lines.first().expect("a warning comes first");
            assert_eq!(warning["PRIORITY"], "4");
            assert_eq!(warning["VMHOOK_RESULT"], "warned");
            assert_eq!(warning["VMHOOK_INTERFACE"], vm.nics[0].mac);
            assert!(warning["MESSAGE"].contains(words), "{warning:?}");
        }
        world.plug(&large);
        world.ok("start", &large);
        world.ok("started", &large);
        let lines = journal.told();
        assert_eq!(lines.len(), 1, "it is warned once: {lines:#?}");
        let bridge = run("ip link show brqc08e7dcd-4a");
        assert!(bridge.contains("mtu 1450"), "it keeps its own: {bridge}");
    });
}

#[test]
fn a_life_is_one_line_a_change_and_none_where_nothing_changes() {
    with_journal(|world, journal| {
        let vm = Vm::new(1);
        world.bring_up(&[&vm]);
        let lines = journal.entries();
        assert_eq!(lines[0]["VMHOOK_DOMAIN_UUID"], vm.uuid);
        assert_eq!(lines[0]["PRIORITY"], "6");
        let told: Vec<_> = lines.iter().map(told).collect();
        let [v4, v6] = rules();
        let started = format!(
            "vm1|start|applied|port +fa:16:3e:00:00:01 tap00000001-75, rules v4 +{v4} v6 +{v6}, \
             sets +2, members +1, elements +6, connections zone 4097 all"
        );
        assert_eq!(told, [PREPARED, &started]);

        for operation in ["started", "reconnect"] {
            world.ok(operation, &vm);
        }
        assert_silent(&world.daemon_start().end());
        assert_told(journal, &[]);

        world.unplug(&vm);
        world.ok("stopped", &vm);
        let [left4, left6] = rules();
        let stopped = format!(
            "vm1|stopped|applied|port -fa:16:3e:00:00:01 tap00000001-75, rules v4 -{} v6 -{}, \
             sets -2, members -1, elements -6, connections zone 4097 192.168.101.1",
            v4 - left4,
            v6 - left6
        );
        assert_told(journal, &[&stopped]);
        world.ok("release", &vm);
        let released = format!(
            "vm1|release|applied|tables -vmhook, bridge -brqc08e7dcd-4a, device -vxlan-267, fdb -1, \
             rules v4 -{left4} v6 -{left6}, elements -8"
        );
        assert_told(journal, &[&released]);
    });
}

#[test]
fn each_of_two_that_are_served_together_has_its_line_by_its_own_call() {
    with_journal(|world, journal| {
        let (first, second, third) = (Vm::new(1), Vm::new(2), Vm::new(3));
        world.bring_up(&[&first, &second]);
        journal.entries();
        for vm in [&first, &second] {
            world.unplug(vm);
        }
        // A hook that dies before its turn leaves its want.
        let died = world.call("stopped", &first).fault("die-after:1").end();
        assert!(!died.succeeded(), "{died:?}");
        world.ok("prepare", &third);
        let told = journal.told();
        assert_eq!(told.len(), 3, "{told:#?}");
        assert!(
            told[0].starts_with("vm1|stopped|applied|port -"),
            "{told:#?}"
        );
        assert!(told[0].contains("192.168.101.1"), "{told:#?}");
        assert_eq!(told[1], "vm3|prepare|applied|elements +1");
        assert_eq!(
            told[2], "|prepare|applied|members -1",
            "the set is nobody's"
        );
    });
}

#[test]
fn every_refusal_is_one_line() {
    with_journal(|world, journal| {
        let (vm, twin) = (
            Vm::new(1),
            Vm::new(2).with(|nic| nic.mac = Vm::new(1).nics[0].mac.clone()),
        );
        let lost = Vm::new(3).with(|nic| nic.group = "nobody".to_owned());

        // By the configuration, before anything is locked.
        assert_refused(&world.event("prepare", &lost), &["nobody"]);
        let line = one(journal);
        assert_eq!(told(&line), "vm3|prepare|refused|");
        assert_eq!(line["VMHOOK_DOMAIN_UUID"], lost.uuid);
        assert_eq!(line["VMHOOK_INTERFACE"], lost.nics[0].mac);
        assert_eq!(line["PRIORITY"], "3");
        assert!(line["MESSAGE"].contains("nobody"), "{line:?}");

        // By what another one has, under the lock.
        world.ok("prepare", &vm);
        journal.entries();
        assert_refused(&world.event("prepare", &twin), &["in use by domain vm1"]);
        let line = one(journal);
        assert_eq!(told(&line), "vm2|prepare|refused|");
        assert_eq!(line["VMHOOK_INTERFACE"], vm.nics[0].mac);

        // By the kernel, in the middle; and what the program was given is there to be read.
        world.plug(&vm);
        let programs = world.programs(&[("ip6tables-restore", "echo no such thing >&2; exit 1")]);
        let outcome = world.call("start", &vm).programs_first(&programs).end();
        assert_refused(&outcome, &["no such thing"]);
        let line = one(journal);
        assert_eq!(told(&line), "vm1|start|failed|");
        assert!(line["VMHOOK_INPUT"].contains("*filter"), "{line:?}");

        // By the kernel on the way back, too.
        let programs = world.programs(&[("ip6tables-save", "exit 1")]);
        let outcome = world.call("start", &vm).programs_first(&programs).end();
        assert_refused(&outcome, &["going back failed too"]);
        assert_eq!(told(&one(journal)), "vm1|start|failed|");
    });
}

#[test]
fn a_repair_says_what_it_repaired() {
    with_journal(|world, journal| {
        let vm = Vm::new(1);
        world.bring_up(&[&vm]);
        journal.entries();
        for (meddle, operation, told) in [
            (
                "nft delete element bridge vmhook members { tap00000001-75 }",
                "reconnect",
                "|reconnect|repaired|port +fa:16:3e:00:00:01 tap00000001-75, elements +1",
            ),
            (
                "iptables -D neutron-linuxbri-i00000001-7 1",
                "started",
                "|started|repaired|rules v4 +1",
            ),
            (
                "iptables -A neutron-linuxbri-FORWARD -j ACCEPT",
                "reconnect",
                "|reconnect|repaired|rules v4 -1",
            ),
            // What accepts stands last in this chain: before a port's line it is out of order, too.
            (
                "iptables -I neutron-linuxbri-FORWARD -j ACCEPT",
                "reconnect",
                "|reconnect|repaired|rules v4 -1 ~1",
            ),
            (
                "iptables -I neutron-linuxbri-FORWARD -m ttl --ttl-eq 1 -j ACCEPT",
                "reconnect",
                "|reconnect|repaired|rules v4 ~1",
            ),
        ] {
            run(meddle);
            world.ok(operation, &vm);
            assert_told(journal, &[told]);
        }
    });
}

#[test]
fn a_machine_that_is_not_ours_is_not_told_of() {
    with_journal(|world, journal| {
        let vm = Vm::new(1).with(|nic| nic.bridge = "br0".to_owned());
        let operations = [
            "prepare",
            "start",
            "started",
            "reconnect",
            "stopped",
            "release",
        ];
        for config in [support::world::CONFIG, "[network.broken"] {
            world.configure(config);
            for operation in operations {
                world.ok(operation, &vm);
            }
            assert_silent(&world.daemon_start().end());
        }
        assert_told(journal, &[]);
    });
}

#[test]
fn where_there_is_no_journal_syslog_has_the_same_fields() {
    World::run(|world| {
        own_run();
        run("mkdir -p /run/dev /run/work");
        run("mount -t overlay -o lowerdir=/dev,upperdir=/run/dev,workdir=/run/work none /dev");
        let syslog = Journal::open(Path::new("/dev/log"));
        world.ok("prepare", &Vm::new(1));
        let lines = syslog.datagrams();
        assert_eq!(lines.len(), 1);
        let line = String::from_utf8(lines.into_iter().flatten().collect()).unwrap();
        let changed = PREPARED.rsplit('|').next().unwrap();
        for part in [
            "<30>vmhook[",
            r#" VMHOOK_DOMAIN="vm1""#,
            r#" VMHOOK_EVENT="prepare""#,
            r#" VMHOOK_RESULT="applied""#,
            &format!(r#" VMHOOK_CHANGED="{changed}""#),
        ] {
            assert!(line.contains(part), "{part} is not in {line}");
        }
    });
}
