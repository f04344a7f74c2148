//! The way from some sets to others, as text for `ipset restore`.

use std::collections::BTreeSet;
use std::fmt::Write;

use ipnet::IpNet;

use super::{Sets, UNFINISHED};
use crate::firewall::iptables::SetName;
use crate::model::Family;

/// From how many changes on a set is filled anew and exchanged: Neutron's number. `ipset restore`
/// is no transaction; an exchange is one act.
const EXCHANGED: usize = 5;

/// The way from some sets to others, for two calls of `ipset restore`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SetsChange {
    /// Makes what is missing and brings the members of the others up to date; before the rules.
    pub before: String,
    /// Deletes what no rule names any more; after the rules.
    pub after: String,
}

impl Sets {
    /// The change that leads from these sets to those.
    pub fn change_to(&self, want: &Self) -> SetsChange {
        let mut change = SetsChange::default();
        let is_unfinished = |name: &SetName| name.as_str() == UNFINISHED;
        if self.0.keys().any(is_unfinished) {
            change.before += &destroy(UNFINISHED);
        }
        for (name, members) in &want.0 {
            change.before += &match self.get(name) {
                None => filled(name.as_str(), name.family(), members),
                Some(had) => changed(name, had, members),
            };
        }
        let gone = self.0.keys().filter(|name| want.get(name).is_none());
        let gone = gone.filter(|name| !is_unfinished(name));
        change.after = gone.map(|name| destroy(name.as_str())).collect();
        change
    }
}

/// Members come before others go: no moment has less than both ends share.
fn changed(name: &SetName, had: &BTreeSet<IpNet>, want: &BTreeSet<IpNet>) -> String {
    let new: Vec<_> = want.difference(had).collect();
    let gone: Vec<_> = had.difference(want).collect();
    if new.len() + gone.len() < EXCHANGED {
        return lines("add", name.as_str(), new) + &lines("del", name.as_str(), gone);
    }
    let filled = filled(UNFINISHED, name.family(), want);
    let destroy = destroy(UNFINISHED);
    format!("{filled}swap {UNFINISHED} {name}\n{destroy}")
}

fn filled(name: &str, family: Option<Family>, members: &BTreeSet<IpNet>) -> String {
    let family = match family {
        Some(Family::Ipv6) => "inet6",
        Some(Family::Ipv4) | None => "inet",
    };
    format!("create {name} hash:net family {family}\n") + &lines("add", name, members)
}

fn destroy(name: &str) -> String {
    format!("destroy {name}\n")
}

fn lines<'a>(verb: &str, name: &str, members: impl IntoIterator<Item = &'a IpNet>) -> String {
    let mut text = String::new();
    for member in members {
        let written = writeln!(text, "{verb} {name} {}", as_saved(member));
        written.expect("a String takes any text");
    }
    text
}

/// An address alone is written without a length.
fn as_saved(member: &IpNet) -> String {
    if member.prefix_len() == member.max_prefix_len() {
        member.addr().to_string()
    } else {
        member.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sets(members: &[&str]) -> Sets {
        let mut sets = Sets::default();
        let name = SetName::of_group("web", Family::Ipv4).unwrap();
        sets.insert(name, members.iter().map(|it| it.parse().unwrap()));
        sets
    }

    #[test]
    fn a_set_comes_with_its_members_before_the_rules_and_goes_after_them() {
        let web = sets(&["192.0.2.1/32", "10.0.0.0/8", "2001:db8::1/128"]);
        let comes = Sets::default().change_to(&web);
        let expected = "create NIPv4web hash:net family inet\n\
                        add NIPv4web 10.0.0.0/8\nadd NIPv4web 192.0.2.1\n";
        assert_eq!(
            (comes.before.as_str(), comes.after.as_str()),
            (expected, "")
        );
        let goes = web.change_to(&Sets::default());
        let expected = ("", "destroy NIPv4web\n");
        assert_eq!((goes.before.as_str(), goes.after.as_str()), expected);
    }

    #[test]
    fn a_few_members_are_changed_in_place() {
        let change = sets(&["192.0.2.1/32"]).change_to(&sets(&["192.0.2.2/32"]));
        assert_eq!(
            change.before,
            "add NIPv4web 192.0.2.2\ndel NIPv4web 192.0.2.1\n"
        );
    }

    #[test]
    fn many_are_exchanged_at_once() {
        let many = ["10.0.0.0/9", "192.0.2.2/32", "192.0.2.3/32", "192.0.2.4/32"];
        let change = sets(&["192.0.2.1/32"]).change_to(&sets(&many));
        assert!(
            change
                .before
                .starts_with("create vmhook-new hash:net family inet\n")
        );
        assert!(
            change
                .before
                .ends_with("swap vmhook-new NIPv4web\ndestroy vmhook-new\n")
        );
    }

    #[test]
    fn everybody_is_two_halves() {
        let change = Sets::default().change_to(&sets(&["0.0.0.0/0"]));
        assert!(
            change
                .before
                .contains("add NIPv4web 0.0.0.0/1\nadd NIPv4web 128.0.0.0/1\n")
        );
    }
}
