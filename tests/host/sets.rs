//! ipset.

use vmhook::firewall::ipset::{Sets, parse_sets};
use vmhook::firewall::iptables::SetName;
use vmhook::model::Family;

use super::*;

fn web(members: &[&str]) -> Sets {
    let mut sets = Sets::default();
    for family in Family::BOTH {
        let name = SetName::of_group("web", family).unwrap();
        sets.insert(name, members.iter().map(|it| it.parse().unwrap()));
    }
    sets
}

/// Changes the kernel's sets, and sees that they then are what is wanted.
fn lead(host: &Machine, have: &Sets, want: &Sets) {
    let change = have.change_to(want);
    for text in [change.before, change.members, change.after] {
        if !text.is_empty() {
            host.ipset_restore(&text).unwrap();
        }
    }
    let there = parse_sets(&host.ipset_save().unwrap());
    assert_eq!(there, *want);
}

fn rule(line: &str) -> RestoreInput {
    RestoreInput {
        v4: format!("*filter\n{line}\nCOMMIT\n"),
        v6: String::new(),
        side_by_side: false,
    }
}

#[test]
fn the_kernel_has_the_sets_that_are_wanted_member_by_member() {
    in_a_new_namespace(|| {
        let host = machine();
        let states = [
            Sets::default(),
            web(&[
                "192.0.2.1/32",
                "10.0.0.0/8",
                "2001:db8::1/128",
                "2001:db8:1::/48",
            ]),
            web(&["192.0.2.2/32", "10.0.0.0/8", "2001:db8::1/128"]),
            web(&[
                "192.0.2.3/32",
                "192.0.2.4/32",
                "192.0.2.5/32",
                "192.0.2.6/32",
                "192.0.2.7/32",
                "::/0",
            ]),
            web(&["0.0.0.0/0", "::1.2.3.4/128"]),
            web(&[]),
            Sets::default(),
        ];
        for pair in states.windows(2) {
            lead(&host, &pair[0], &pair[1]);
        }
        assert_eq!(host.ipset_save().unwrap(), "");
    });
}

#[test]
fn a_set_that_a_death_left_half_filled_goes_before_another_is_filled() {
    in_a_new_namespace(|| {
        let host = machine();
        let have = web(&["192.0.2.1/32"]);
        lead(&host, &Sets::default(), &have);
        run("ipset create vmhook-new hash:net family inet6");
        let found = parse_sets(&host.ipset_save().unwrap());
        assert_ne!(found, have);
        let many = [
            "192.0.2.2/32",
            "192.0.2.3/32",
            "192.0.2.4/32",
            "192.0.2.5/32",
            "192.0.2.6/32",
        ];
        lead(&host, &found, &web(&many));
    });
}

#[test]
fn a_set_goes_right_after_the_rule_that_named_it() {
    in_a_new_namespace(|| {
        let host = machine();
        for _ in 0..20 {
            lead(&host, &Sets::default(), &web(&["192.0.2.1/32"]));
            let line = "INPUT -m set --match-set NIPv4web src -j DROP";
            host.iptables_restore(&rule(&format!("-A {line}"))).unwrap();
            host.iptables_restore(&rule(&format!("-D {line}"))).unwrap();
            lead(&host, &web(&["192.0.2.1/32"]), &Sets::default());
        }
    });
}

#[test]
fn a_set_that_a_rule_names_stays_and_the_error_says_so() {
    in_a_new_namespace(|| {
        let host = machine();
        lead(&host, &Sets::default(), &web(&[]));
        host.iptables_restore(&rule("-A INPUT -m set --match-set NIPv4web src -j DROP"))
            .unwrap();
        let gone = web(&[]).change_to(&Sets::default()).after;
        let words = host.ipset_restore(&gone).unwrap_err().to_string();
        assert!(words.contains("in use by a kernel component"), "{words}");
    });
}

#[test]
fn somebody_elses_set_of_our_name_is_neither_read_nor_changed() {
    in_a_new_namespace(|| {
        let host = machine();
        run("ipset create NIPv4web hash:ip");
        run("ipset add NIPv4web 198.51.100.1");
        let before = host.ipset_save().unwrap();
        assert_eq!(parse_sets(&before), Sets::default());
        let makes = Sets::default().change_to(&web(&["192.0.2.1/32"])).before;
        let words = host.ipset_restore(&makes).unwrap_err().to_string();
        assert!(words.contains("already exists"), "{words}");
        assert_eq!(host.ipset_save().unwrap(), before);
    });
}
