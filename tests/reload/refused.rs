//! Input that cannot be had, or only just: brought to machines that run, and to one that starts.

use super::*;
use support::call::assert_refused;

/// The configuration with this in the place of a group that the third machine's port is in.
fn with_group(group: &str) -> String {
    edited(
        "security_groups = [\"web\"]\n",
        "security_groups = [\"new\"]\n",
    ) + group
}

fn with_rule(rule: &str) -> String {
    with_group(&format!("[security_group.new]\ningress = [{rule}]\n"))
}

/// What cannot be, and what is said of it.
fn wrong() -> Vec<(String, Vec<&'static str>)> {
    let long = "x".repeat(300);
    let ids = [
        "00000000-0000-4000-8000-00000001",
        "00000000-0000-4000-8000-00000002",
    ];
    let twins = format!(
        "[security_group.new]\nid = \"{}\"\n[security_group.other]\nid = \"{}\"\n",
        ids[0], ids[1]
    );
    vec![
        (
            with_rule("{ protocol = \"tcp\", ports = \"90-80\" }"),
            vec!["reversed", "80-90"],
        ),
        (
            with_rule("{ protocol = \"gre\", port = 80 }"),
            vec!["gre", "port"],
        ),
        (
            with_rule("{ protocol = 50, ports = \"80-90\" }"),
            vec!["vmhook.toml:26", "have ports"],
        ),
        (
            with_rule("{ ethertype = \"ipv4\", remote = \"2001:db8::/32\" }"),
            vec!["2001:db8::/32", "IPv4"],
        ),
        (
            with_rule("{ protocol = \"icmpv6\", remote = \"10.0.0.0/8\" }"),
            vec!["protocol", "IPv6 only"],
        ),
        (
            with_rule("{ remote_group = \"nobody-s\" }"),
            vec!["nobody-s"],
        ),
        (
            with_rule("{ remote_address_group = \"nobody-s\" }"),
            vec!["nobody-s"],
        ),
        (with_group(""), vec!["security group", "\"new\""]),
        (
            with_rule(&format!(
                "{{ protocol = \"tcp\", description = \"{long}\" }}"
            )),
            vec!["description", "255"],
        ),
        (with_group(&twins), vec!["first 24 characters of the id"]),
        (
            with_group("[security_group.new]\nmembers = [\"10.0.0.300\"]\n"),
            vec!["10.0.0.300"],
        ),
    ]
}

#[test]
fn what_cannot_be_is_refused_with_place_and_cause_for_who_runs_and_who_starts() {
    World::run(|world| {
        let vms = bring_up(world);
        world.take_down(&[&vms[0]]);
        let starts = vms[0].clone().with(|nic| nic.group = "new".into());
        let before = world.dump();
        for (toml, words) in wrong() {
            world.configure(&toml);
            let outcome = reload(world);
            assert_eq!(
                (outcome.code, outcome.out.as_str()),
                (1, ""),
                "{outcome:#?}"
            );
            for word in words.iter().chain(&["nothing was changed"]) {
                assert!(outcome.err.contains(word), "{word}: {outcome:#?}");
            }
            let place = ["vmhook.toml:", "interface fa:16:3e:00:00:03"];
            assert!(
                place.iter().any(|it| outcome.err.contains(it)),
                "{outcome:#?}"
            );
            assert_same(&world.dump(), &before, words[0]);

            let words = [&["domain vm1, interface fa:16:3e:00:00:01"], &words[..]].concat();
            assert_refused(&world.event("prepare", &starts), &words);
            assert_same(&world.dump(), &before, words[0]);
        }
    });
}

/// A group with these members, whom the third machine lets in.
fn with_members(members: &[String]) -> String {
    let rule = "{ protocol = \"tcp\", remote_group = \"new\" }";
    with_group(&format!(
        "[security_group.new]\ningress = [{rule}]\nmembers = {members:?}\n"
    ))
}

#[track_caller]
fn assert_in(set: &str, address: &str) {
    run(&format!("ipset test {set} {address}"));
}

#[test]
fn everybody_is_a_member_that_a_set_holds_as_two_halves() {
    World::run(|world| {
        let vms = bring_up(world);
        world.configure(&with_members(&["0.0.0.0/0".to_owned(), "::/0".to_owned()]));
        for started in [false, true] {
            if started {
                world.take_down(&[&vms[2]]);
                world.bring_up(&[&vms[2]]);
            } else {
                reload(world).ok();
            }
            let sets = run("ipset save");
            for half in ["0.0.0.0/1", "128.0.0.0/1"] {
                assert!(sets.contains(&format!("add NIPv4new {half}\n")), "{sets}");
            }
            for half in ["::/1", "8000::/1"] {
                assert!(sets.contains(&format!("add NIPv6new {half}\n")), "{sets}");
            }
            assert_in("NIPv4new", "203.0.113.7");
            assert_in("NIPv6new", "2001:db8::7");
            assert!(dry_run(world).ends_with("# nothing is to be done\n"));
        }
    });
}

#[test]
fn a_group_may_have_more_members_than_a_set_holds_by_itself() {
    World::run(|world| {
        let vms = bring_up(world);
        let address = |number: u32| std::net::Ipv4Addr::from(0x0a00_0000 + 2 * number).to_string();
        let members = |count: u32| (0..count).map(address).collect::<Vec<_>>();
        // With the port's own address: as many as it holds, one more, many more.
        for count in [65_535, 65_536, 70_000] {
            world.configure(&with_members(&members(count)));
            reload(world).ok();
            assert_in("NIPv4new", &address(count - 1));
            assert_in("NIPv4new", "192.168.101.3");
        }
        assert!(dry_run(world).ends_with("# nothing is to be done\n"));
        world.take_down(&[&vms[2]]);
        world.bring_up(&[&vms[2]]);
        assert_in("NIPv4new", &address(69_999));
        world.configure(&with_members(&members(1)));
        reload(world).ok();
        let listed = run("ipset save NIPv4new");
        let added = listed.lines().filter(|line| line.starts_with("add "));
        assert_eq!(added.count(), 2);

        let before = world.dump();
        world.configure(&with_members(&members(100_001)));
        let outcome = reload(world);
        assert_eq!(outcome.code, 1, "{outcome:#?}");
        let cause = "security_group.new.members: 100001 members; at most 100000 are allowed";
        assert!(outcome.err.contains(cause), "{outcome:#?}");
        assert_same(&world.dump(), &before, cause);
    });
}
