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

/// How many members a set holds unless it is told another number when it is made: the kernel's own
/// number, and Neutron's.
const USUAL: usize = 1 << 16;

/// How many a set holds that must hold more. It is a bound and no reservation: what a set takes grows
/// with what is in it.
const MOST: usize = 1 << 20;

/// The way from some sets to others, for three calls of `ipset restore`.
///
/// A set stands beside two rule sets while the rules change. What is in it then is in it at both
/// ends: an address that goes is gone before the new rules, one that comes is not there before
/// the old ones are gone. So no moment allows more than the rules of one end with its own members.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SetsChange {
    /// Makes what is missing, and takes out of the others what goes; before the rules.
    pub before: String,
    /// Puts in what comes; after the rules.
    pub members: String,
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
            if let Some(had) = self.get(name) {
                let shared = shared(had, members);
                change.before += &changed(name, had, &shared);
                change.members += &changed(name, &shared, members);
            } else {
                change.before += &filled(name.as_str(), name.family(), members);
            }
        }
        let gone = self.0.keys().filter(|name| want.get(name).is_none());
        let gone = gone.filter(|name| !is_unfinished(name));
        change.after = gone.map(|name| destroy(name.as_str())).collect();
        change
    }
}

/// What both hold: also a part of what is written as one prefix at the other end.
fn shared(one: &BTreeSet<IpNet>, other: &BTreeSet<IpNet>) -> BTreeSet<IpNet> {
    let (whole_one, whole_other) = (Whole::of(one), Whole::of(other));
    let either = one.union(other);
    let both = either.filter(|it| whole_one.contains(it) && whole_other.contains(it));
    both.copied().collect()
}

/// The addresses of some prefixes, as the fewest prefixes that have no address in common: so the only
/// one that can have an address is the last that does not begin behind it.
struct Whole(Vec<IpNet>);

impl Whole {
    fn of(members: &BTreeSet<IpNet>) -> Self {
        let mut fewest = IpNet::aggregate(&members.iter().copied().collect());
        fewest.sort_unstable_by_key(IpNet::network);
        Self(fewest)
    }

    fn contains(&self, member: &IpNet) -> bool {
        let behind = self
            .0
            .partition_point(|net| net.network() <= member.network());
        let last = behind.checked_sub(1).and_then(|at| self.0.get(at));
        last.is_some_and(|net| net.contains(member))
    }
}

/// Members come before others go: no moment has less than both sides share.
fn changed(name: &SetName, had: &BTreeSet<IpNet>, want: &BTreeSet<IpNet>) -> String {
    let new: Vec<_> = want.difference(had).collect();
    let gone: Vec<_> = had.difference(want).collect();
    let outgrown = had.len() <= USUAL && want.len() > USUAL;
    if new.len() + gone.len() < EXCHANGED && !outgrown {
        return lines("add", name.as_str(), new) + &lines("del", name.as_str(), gone);
    }
    let filled = filled(UNFINISHED, name.family(), want);
    let destroy = destroy(UNFINISHED);
    format!("{filled}swap {UNFINISHED} {name}\n{destroy}")
}

/// Emptied first: what somebody left in a set of that name that no rule of ours names yet is in no
/// group.
fn filled(name: &str, family: Option<Family>, members: &BTreeSet<IpNet>) -> String {
    let family = match family {
        Some(Family::Ipv6) => "inet6",
        Some(Family::Ipv4) | None => "inet",
    };
    let size = match members.len() {
        0..=USUAL => String::new(),
        _ => format!(" maxelem {MOST}"),
    };
    let made = format!("create {name} hash:net family {family}{size}\nflush {name}\n");
    made + &lines("add", name, members)
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
        let filled = "create NIPv4web hash:net family inet\nflush NIPv4web\n\
                      add NIPv4web 10.0.0.0/8\nadd NIPv4web 192.0.2.1\n";
        assert_eq!(texts(&comes), [filled, "", ""]);
        let goes = web.change_to(&Sets::default());
        assert_eq!(texts(&goes), ["", "", "destroy NIPv4web\n"]);
    }

    fn texts(change: &SetsChange) -> [&str; 3] {
        [&change.before, &change.members, &change.after].map(String::as_str)
    }

    #[test]
    fn who_goes_is_gone_before_the_rules_and_who_comes_is_not_there_before_them() {
        let change = sets(&["192.0.2.1/32"]).change_to(&sets(&["192.0.2.2/32"]));
        let (goes, comes) = ("del NIPv4web 192.0.2.1\n", "add NIPv4web 192.0.2.2\n");
        assert_eq!(texts(&change), [goes, comes, ""]);
    }

    #[test]
    fn who_is_in_a_larger_prefix_at_the_other_end_stays() {
        let (whole, parts) = (["10.0.0.0/8"], ["10.0.0.0/9", "10.128.0.0/9"]);
        let split = sets(&whole).change_to(&sets(&parts));
        let both = "add NIPv4web 10.0.0.0/9\nadd NIPv4web 10.128.0.0/9\n";
        assert_eq!(texts(&split), [both, "del NIPv4web 10.0.0.0/8\n", ""]);
        let part = sets(&whole).change_to(&sets(&["10.1.0.0/16"]));
        let instead = "add NIPv4web 10.1.0.0/16\ndel NIPv4web 10.0.0.0/8\n";
        assert_eq!(texts(&part), [instead, "", ""]);
    }

    #[test]
    fn many_are_exchanged_at_once() {
        let many = [
            "10.0.0.0/9",
            "192.0.2.2/32",
            "192.0.2.3/32",
            "192.0.2.4/32",
            "192.0.2.5/32",
        ];
        let few = sets(&["192.0.2.1/32"]);
        let (more, fewer) = (few.change_to(&sets(&many)), sets(&many).change_to(&few));
        for text in [more.members, fewer.before] {
            assert!(text.starts_with("create vmhook-new hash:net family inet\n"));
            assert!(text.ends_with("swap vmhook-new NIPv4web\ndestroy vmhook-new\n"));
        }
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
