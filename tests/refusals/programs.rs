//! Programs that are missing or fail.

use super::*;

/// A folder in which only these of the host's programs are.
fn only(world: &World, programs: &[&str]) -> std::path::PathBuf {
    let folder = world.config_dir().join("only");
    std::fs::create_dir_all(&folder).unwrap();
    for program in programs.iter().chain(&["setsid"]) {
        let found = run(&format!("which {program}"));
        std::os::unix::fs::symlink(found.trim(), folder.join(program)).unwrap();
    }
    folder
}

#[test]
fn without_iptables_a_start_is_refused_and_an_end_closes_what_it_can() {
    World::run(|world| {
        let empty = world.dump();
        let path = only(world, &["nft", "conntrack"]);
        let (vm, runs) = (Vm::new(1), Vm::new(2));
        let outcome = world.call("prepare", &vm).path(&path).end();
        assert_refused(
            &outcome,
            &["vm1", "fa:16:3e:00:00:01", "install the package iptables"],
        );
        assert_same(&world.dump(), &empty, "nothing was begun");

        world.bring_up(&[&runs]);
        world.unplug(&runs);
        for operation in ["stopped", "release"] {
            let outcome = world.call(operation, &runs).path(&path).end();
            assert_eq!((outcome.code, outcome.out.as_str()), (0, ""));
            assert!(world.open_taps().is_empty(), "{operation}");
        }
        world.ok("prepare", &vm);
        world.ok("release", &vm);
        assert_same(&world.dump(), &empty, "once it is back");
    });
}

#[test]
fn without_nft_a_start_is_refused() {
    World::run(|world| {
        let empty = world.dump();
        let path = only(
            world,
            &["iptables", "iptables-restore", "ip6tables-restore"],
        );
        let outcome = world.call("prepare", &Vm::new(1)).path(path).end();
        assert_refused(&outcome, &["vm1", "install the package nftables"]);
        assert_same(&world.dump(), &empty, "nothing was begun");
    });
}

#[test]
fn an_ip6tables_restore_that_fails_in_the_middle_of_a_start_is_told_with_its_words() {
    World::run(|world| {
        let vm = Vm::new(1);
        world.ok("prepare", &vm);
        world.plug(&vm);
        let before = world.kernel();
        let fails = "echo 'ip6tables-restore: line 3 failed' >&2; echo more >&2; exit 1";
        let once = format!(
            "[ -e {0}/ran ] && exec /usr/sbin/ip6tables-restore \"$@\"; touch {0}/ran; {fails}",
            world.config_dir().display()
        );
        let programs = world.programs(&[("ip6tables-restore", &once)]);
        let outcome = world.call("start", &vm).programs_first(&programs).end();
        assert_refused(
            &outcome,
            &[
                "vm1",
                "fa:16:3e:00:00:01",
                "ip6tables-restore: line 3 failed; more",
            ],
        );
        assert_same(&world.kernel(), &before, "the IPv4 half is undone");
    });
}
