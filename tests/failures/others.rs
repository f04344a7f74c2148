//! Somebody else changes the kernel's tables between two hooks.

use super::*;
use support::netns::run;

/// Does something to a host on which a machine runs, and has the next hook repair it. What is not
/// ours stays as it is.
fn is_repaired(meddle: &[&str], foreign: &str) {
    World::run(|world| {
        let (vm, other) = (Vm::new(1), Vm::new(2));
        world.bring_up(&[&vm]);
        world.ok("prepare", &other);
        let whole = world.kernel();
        for line in meddle {
            run(line);
        }
        assert_ne!(world.kernel(), whole, "{meddle:?} changes something");
        world.ok("prepare", &other);
        let now = world.kernel();
        let (theirs, ours): (Vec<&str>, Vec<&str>) = now
            .lines()
            .partition(|line| !foreign.is_empty() && line.contains(foreign));
        assert_eq!(theirs.is_empty(), foreign.is_empty(), "{meddle:?}");
        assert_same(&(ours.join("\n") + "\n"), &whole, &format!("{meddle:?}"));
    });
}

#[test]
fn a_flushed_ruleset_is_there_again() {
    is_repaired(&["nft flush ruleset"], "");
}

#[test]
fn a_deleted_line_of_a_chain_is_there_again() {
    is_repaired(&["iptables -D neutron-linuxbri-i00000001-7 1"], "");
    is_repaired(&["ip6tables -t raw -F neutron-linuxbri-PREROUTING"], "");
}

#[test]
fn a_foreign_line_in_a_chain_of_ours_goes_and_one_in_a_builtin_chain_stays() {
    is_repaired(&["iptables -I neutron-linuxbri-FORWARD -j ACCEPT"], "");
    is_repaired(
        &["iptables -A FORWARD -s 198.51.100.0/24 -j DROP"],
        "198.51.100.0/24",
    );
}

#[test]
fn jumps_behind_a_foreign_one_are_at_the_top_again() {
    World::run(|world| {
        let vm = Vm::new(1);
        world.bring_up(&[&vm]);
        run("iptables -N theirs");
        run("iptables -I FORWARD -j theirs");
        world.ok("started", &vm);
        let forward = run("iptables -S FORWARD");
        let jumps: Vec<_> = forward.lines().skip(1).collect();
        assert_eq!(
            jumps,
            [
                "-A FORWARD -j neutron-filter-top",
                "-A FORWARD -j neutron-linuxbri-FORWARD",
                "-A FORWARD -j theirs",
            ]
        );
    });
}

#[test]
fn an_element_that_was_removed_or_added_is_as_it_was() {
    is_repaired(
        &["nft delete element bridge vmhook members { tap00000001-75 }"],
        "",
    );
    is_repaired(&["nft add element bridge vmhook members { stranger }"], "");
    is_repaired(
        &["nft delete element inet vmhook bridges { brqc08e7dcd-4a }"],
        "",
    );
}

#[test]
fn a_rule_in_a_table_of_ours_goes_and_a_table_of_somebody_elses_stays() {
    is_repaired(&["nft insert rule bridge vmhook forward accept"], "");
    is_repaired(&["nft add table bridge theirs"], "theirs");
}

#[test]
fn a_table_that_is_gone_is_there_again() {
    is_repaired(&["nft delete table inet vmhook"], "");
    is_repaired(&["nft delete table bridge vmhook"], "");
}

#[test]
fn every_call_for_a_running_machine_repairs() {
    World::run(|world| {
        let vm = Vm::new(1);
        world.bring_up(&[&vm]);
        let whole = world.kernel();
        for operation in ["started", "reconnect"] {
            run("nft flush ruleset");
            world.ok(operation, &vm);
            assert_same(&world.kernel(), &whole, operation);
        }
        run("nft flush ruleset");
        assert_silent(&world.daemon_start().end());
        assert_same(&world.kernel(), &whole, "daemon start");
    });
}

#[test]
fn what_somebody_else_took_away_already_is_no_hindrance_at_the_end() {
    World::run(|world| {
        let empty = world.dump();
        for line in [
            "nft flush ruleset",
            "ip link delete vxlan-267",
            "ip link delete brqc08e7dcd-4a",
            "iptables -D FORWARD 1",
        ] {
            let vm = Vm::new(1);
            world.bring_up(&[&vm]);
            run(line);
            world.take_down(&[&vm]);
            assert_same(&world.dump(), &empty, line);
        }
    });
}

/// A group whose members may speak to each other.
const FRIENDS: &str = r#"
[security_group.friends]
ingress = [{ remote_group = "friends" }]
egress = [{ any = true }]
"#;

/// A host with three friends, whose set somebody then treats so; what there was, and a fourth friend.
fn with_a_set_that_is_not_whole(
    world: &World,
    meddle: &str,
    then: impl FnOnce(&str, &[Vm; 3], &Vm),
) {
    world.configure(&format!("{}{FRIENDS}", support::world::CONFIG));
    let friend = |number| Vm::new(number).with(|nic| "friends".clone_into(&mut nic.group));
    let friends = [friend(1), friend(2), friend(3)];
    world.bring_up(&[&friends[0], &friends[1], &friends[2]]);
    let whole = world.kernel();
    run(meddle);
    assert_ne!(world.kernel(), whole, "{meddle}");
    then(&whole, &friends, &friend(4));
}

/// The kernel's generation knows nothing of sets: who changes one looks whether it was as it should.
#[test]
fn a_set_that_somebody_emptied_is_whole_with_the_next_that_comes_or_goes() {
    for meddle in [
        "ipset flush NIPv4friends",
        "ipset del NIPv4friends 192.168.101.2",
    ] {
        World::run(|world| {
            with_a_set_that_is_not_whole(world, meddle, |whole, _, fourth| {
                world.bring_up(&[fourth]);
                let members = run("ipset save NIPv4friends");
                let count = members.lines().filter(|line| line.starts_with("add "));
                assert_eq!(count.count(), 4, "{members}");
                world.take_down(&[fourth]);
                assert_same(&world.kernel(), whole, meddle);
            });
        });
        World::run(|world| {
            with_a_set_that_is_not_whole(world, meddle, |_, friends, _| {
                world.take_down(&[&friends[2]]);
                let members = run("ipset save NIPv4friends");
                let count = members.lines().filter(|line| line.starts_with("add "));
                assert_eq!(count.count(), 2, "{members}");
            });
        });
    }
}

#[test]
fn a_set_that_somebody_emptied_is_whole_after_a_reload_that_changes_nothing() {
    World::run(|world| {
        with_a_set_that_is_not_whole(world, "ipset flush NIPv4friends", |whole, _, _| {
            let planned = world.vmhook(&["reload", "--dry-run"]).ok();
            assert!(
                planned.contains("add NIPv4friends 192.168.101.1"),
                "{planned}"
            );
            world.vmhook(&["reload"]).ok();
            assert_same(&world.kernel(), whole, "after a reload");
        });
    });
}

#[test]
fn a_set_that_a_rule_of_somebody_elses_names_stays_and_keeps_nobody_from_starting() {
    World::run(|world| {
        world.configure(&format!("{}{FRIENDS}", support::world::CONFIG));
        let empty = world.dump();
        let friend = Vm::new(1).with(|nic| nic.group = "friends".to_owned());
        let other = Vm::new(2);
        world.bring_up(&[&friend]);
        run("iptables -A OUTPUT -m set --match-set NIPv4friends dst -j ACCEPT");
        world.take_down(&[&friend]);
        assert!(run("ipset list -n").contains("NIPv4friends"));

        world.bring_up(&[&other]);
        assert!(world.open_taps().contains("tap00000002-75"));
        assert!(
            !world.vmhook(&["sync"]).succeeded(),
            "the set is still there"
        );
        run("iptables -D OUTPUT -m set --match-set NIPv4friends dst -j ACCEPT");
        world.vmhook(&["sync"]).ok();
        assert!(!run("ipset list -n").contains("NIPv4friends"));
        world.take_down(&[&other]);
        assert_same(&world.dump(), &empty, "after the last one");
    });
}
