//! What the journal is told of a reload.

use super::*;
use support::journal::with_journal;

/// No machine is on the network any more, which stays.
#[test]
fn what_changes_of_a_network_without_a_machine_is_a_line_of_its_own() {
    with_journal(|world, journal| {
        let kept = |text: &str| text.replace("vni = 267", "vni = 267\nkeep = true");
        world.configure(&kept(CONFIG));
        let vm = Vm::new(1);
        world.bring_up(&[&vm]);
        world.take_down(&[&vm]);
        journal.entries();
        let more = "[\"172.16.0.32\", \"172.16.0.33\"]";
        world.configure(&kept(CONFIG).replace("[\"172.16.0.32\"]", more));
        reload(world).ok();
        assert_eq!(journal.told(), ["|reload|applied|fdb +1"]);
        reload(world).ok();
        assert_eq!(journal.told(), [""; 0]);

        world.configure(&(kept(CONFIG) + "[firewall]\nchain_prefix = \"mine\"\n"));
        reload(world).ok();
        let told = journal.told();
        assert_eq!(told.len(), 1, "{told:#?}");
        assert!(told[0].starts_with("|reload|applied|fdb -1"), "{told:#?}");

        world.configure(CONFIG);
        reload(world).ok();
        let told = journal.told();
        assert_eq!(told.len(), 1, "{told:#?}");
        assert!(told[0].starts_with("|reload|applied|"), "{told:#?}");
        let gone = ["tables -vmhook", "bridge -brqc08e7dcd-4a"];
        assert!(gone.iter().all(|it| told[0].contains(it)), "{told:#?}");
    });
}

/// The sets of a group change with two of its machines at once, and are told once.
#[test]
fn what_several_machines_share_is_a_line_of_its_own() {
    with_journal(|world, journal| {
        bring_up(world);
        journal.entries();
        let last = "security_groups = [\"web\"]\n";
        world.configure(&edited(last, "security_groups = []\n").replace("port = 5432", "port = 1"));
        reload(world).ok();
        let told = journal.told();
        let [vm2, vm3, shared] = &told[..] else {
            panic!("{told:#?}")
        };
        assert!(vm2.starts_with("vm2|reload|applied|rules v4"), "{told:#?}");
        assert!(vm3.starts_with("vm3|reload|applied|rules v4"), "{told:#?}");
        assert_eq!(shared, "|reload|applied|members -1");
    });
}

/// Nobody can read what it was about to write: that holds up nobody, and the next reload mends it.
#[test]
fn what_a_dead_reload_left_damaged_is_told_and_holds_up_nobody() {
    with_journal(|world, journal| {
        bring_up(world);
        let visitor = Vm::new(4);
        let batch = world.state_dir().join("batch");
        for whole in [true, false] {
            world.configure(&edited("port = 22", "port = 2222"));
            for at in 1.. {
                let fault = format!("die-after:{at}");
                assert!(!world.vmhook_with(&["reload"], Some(&fault)).succeeded());
                if batch.exists() {
                    break;
                }
            }
            let bytes = fs::read(&batch).expect("it is there");
            let kept = if whole { bytes.len() } else { bytes.len() / 2 };
            fs::write(&batch, &bytes[..kept]).expect("a file can be written");
            journal.entries();
            world.ok("prepare", &visitor);
            assert!(!batch.exists());
            let failed = journal.told().into_iter();
            let failed: Vec<String> = failed.filter(|line| line.contains("failed")).collect();
            let expected = if whole {
                &[][..]
            } else {
                &["|prepare|failed|"]
            };
            assert_eq!(failed, expected);
            let nothing = "the kernel had everything as it was applied\n";
            assert_eq!(world.vmhook(&["sync"]).ok(), nothing);
            reload(world).ok();
            let rules = world.rules();
            assert!(rules.contains("--dport 2222 ") && !rules.contains("--dport 22 "));
            world.ok("release", &visitor);
            world.configure(&configuration());
            reload(world).ok();
        }
    });
}
