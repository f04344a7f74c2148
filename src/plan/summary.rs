//! What a change comes to, in one line: the journal's `VMHOOK_CHANGED`.
//!
//! It is made of the same two states that a [`Plan`] is made of, and not of the plan's
//! text: to delete a chain takes three lines there, and the reader wants to know that twelve rules
//! went. The form is fixed, for people and for programs: items behind commas, each a kind and what
//! came (`+`), went (`-`) or was put right in its place (`~`), by name where there are few of it
//! and as a number where there are many.
//!
//! ```text
//! tables +vmhook, bridge +brqc08e7dcd-4a, device +vxlan-267, fdb +1,
//! port +fa:16:3e:be:71:21 tap7a8c0a54-75, rules v4 +25 v6 +22, sets +2, members +3, elements +9,
//! connections zone 4097 192.168.101.88
//! ```
//!
//! An `uplink` is a device of the host that joins a bridge or leaves it; an `end` is one of the pair
//! by which the host has an end on the network; `filtering` is of a bridge of the host's, which goes
//! through iptables from then on, or as before.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use ipnet::IpNet;

use super::{Forget, Plan};
use crate::firewall::guard::{Element, Guard, Tables};
use crate::firewall::ipset::Sets;
use crate::firewall::iptables::{RuleCount, SetName};
use crate::model::{IfName, MacAddr};
use crate::state::{HostState, OwnLink, ReadBack};

#[cfg(test)]
mod tests;

/// What a change comes to. Prints as one line, empty where nothing changes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Summary(Vec<String>);

impl Summary {
    /// The way from `have` to `want`, with these connections forgotten on it.
    pub fn between<'a>(
        have: &ReadBack,
        want: &HostState,
        forget: impl IntoIterator<Item = &'a Forget>,
    ) -> Self {
        let mut items = tables(&have.state.guard, &want.guard);
        items.extend(links(&have.state, want));
        items.extend(lent(&have.state, want));
        items.extend(count("fdb", &have.state.fdb, &want.fdb));
        let (had, has) = (&have.state.neighbours, &want.neighbours);
        items.extend(count("neighbours", had, has));
        items.extend(ports(&have.state.guard, &want.guard));
        items.extend(rules(have, want));
        items.extend(sets(&have.state.sets, &want.sets));
        let elements = have.state.guard.elements.iter();
        let there = elements.filter(|_| have.state.guard.tables == Tables::Made);
        items.extend(count(
            "elements",
            &there.collect(),
            &want.guard.elements.iter().collect(),
        ));
        items.extend(forget.into_iter().map(connections));
        Self(items)
    }

    /// What a repair by this plan, of which it tells, comes to; `None` if there is nothing to do.
    pub fn of_repair(&self, plan: &Plan) -> Option<String> {
        if plan.is_empty() {
            return None;
        }
        let unnamed = || "chains or settings without a rule of their own".to_owned();
        let named = (!self.is_empty()).then(|| self.to_string());
        Some(named.unwrap_or_else(unnamed))
    }

    /// Nothing changes.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join(", "))
    }
}

fn tables(have: &Guard, want: &Guard) -> Vec<String> {
    let sign = match (have.tables, want.tables) {
        (Tables::Absent, Tables::Made) => '+',
        (Tables::Damaged, Tables::Made) => '~',
        (Tables::Damaged | Tables::Made, Tables::Absent) => '-',
        _ => return Vec::new(),
    };
    vec![format!("tables {sign}vmhook")]
}

/// One item a link. That a device of ours joins its bridge is part of its coming; one of the host
/// is told as it joins and leaves.
fn links(have: &HostState, want: &HostState) -> Vec<String> {
    let of = |state: &'_ HostState| -> BTreeSet<IfName> {
        state
            .links
            .keys()
            .chain(state.enslaved.keys())
            .cloned()
            .collect()
    };
    let (there, wanted) = (of(have), of(want));
    let names: BTreeSet<&IfName> = there.union(&wanted).collect();
    let same = |name| {
        let link = have.links.get(name) == want.links.get(name);
        let port = have.enslaved.get(name) == want.enslaved.get(name);
        link && port && have.suppressed.contains(name) == want.suppressed.contains(name)
    };
    let changed = names.into_iter().filter(|name| !same(*name));
    let item = |name: &IfName| {
        let (had, has) = (have.links.get(name), want.links.get(name));
        let sign = match (there.contains(name), wanted.contains(name)) {
            (false, _) => '+',
            (_, false) => '-',
            _ => '~',
        };
        let kind = match has.or(had) {
            Some(OwnLink::Bridge(_)) => "bridge",
            Some(OwnLink::Vxlan(_) | OwnLink::Vlan(_)) => "device",
            Some(OwnLink::HostEnd(_) | OwnLink::HostPort(_)) => "end",
            Some(OwnLink::Altered) => "link",
            None => "uplink",
        };
        format!("{kind} {sign}{name}")
    };
    changed.map(item).collect()
}

/// One item a bridge of the host's that is asked to filter, or gets back what it had.
fn lent(have: &HostState, want: &HostState) -> Vec<String> {
    let names: BTreeSet<&IfName> = have.lent.keys().chain(want.lent.keys()).collect();
    let item = |name: &IfName| match (have.lent.get(name), want.lent.get(name)) {
        (had, has) if had == has => None,
        (None, _) => Some(format!("filtering +{name}")),
        (_, None) => Some(format!("filtering -{name}")),
        _ => Some(format!("filtering ~{name}")),
    };
    names.into_iter().filter_map(item).collect()
}

/// One item a port that opens or closes, with its address and its tap.
fn ports(have: &Guard, want: &Guard) -> Vec<String> {
    let (had, has) = (open(have), open(want));
    let item = |sign: char, (tap, mac): (&&IfName, &MacAddr)| format!("port {sign}{mac} {tap}");
    let closed = had.iter().filter(|(tap, mac)| has.get(*tap) != Some(*mac));
    let opened = has.iter().filter(|(tap, mac)| had.get(*tap) != Some(*mac));
    let closed = closed.map(|port| item('-', port));
    closed.chain(opened.map(|port| item('+', port))).collect()
}

/// The taps that are open, each with the address that it may send with.
fn open(guard: &Guard) -> BTreeMap<&IfName, MacAddr> {
    let members: BTreeSet<&IfName> = guard
        .elements
        .iter()
        .filter_map(|element| match element {
            Element::Member(name) if guard.tables == Tables::Made => Some(name),
            _ => None,
        })
        .collect();
    let macs = guard.elements.iter().filter_map(|element| match element {
        // Of its MAC addresses, its own alone: it may use others besides.
        Element::Rarp(tap, mac) if members.contains(tap) => Some((tap, *mac)),
        _ => None,
    });
    macs.collect()
}

fn rules(have: &ReadBack, want: &HostState) -> Option<String> {
    let counts = [
        ("v4", RuleCount::between(&have.v4, &want.v4)),
        ("v6", RuleCount::between(&have.v6, &want.v6)),
    ];
    let counts = counts.into_iter().filter(|(_, count)| !count.is_zero());
    let words: Vec<String> = counts
        .map(|(family, count)| format!("{family} {count}"))
        .collect();
    (!words.is_empty()).then(|| format!("rules {}", words.join(" ")))
}

fn sets(have: &Sets, want: &Sets) -> Vec<String> {
    let names = |sets: &'_ Sets| sets.iter().map(|(name, _)| name.clone()).collect();
    let members = |sets: &Sets| -> BTreeSet<_> {
        let each = |(name, members): (&SetName, &BTreeSet<IpNet>)| {
            let members = members.iter();
            members.map(|it| (name.clone(), *it)).collect::<Vec<_>>()
        };
        sets.iter().flat_map(each).collect()
    };
    let sets = count("sets", &names(have), &names(want));
    let members = count("members", &members(have), &members(want));
    sets.into_iter().chain(members).collect()
}

fn count<T: Ord>(kind: &str, have: &BTreeSet<T>, want: &BTreeSet<T>) -> Option<String> {
    let counts = [
        ('+', want.difference(have).count()),
        ('-', have.difference(want).count()),
    ];
    let counts = counts.into_iter().filter(|(_, count)| *count > 0);
    let words: Vec<String> = counts
        .map(|(sign, count)| format!(" {sign}{count}"))
        .collect();
    (!words.is_empty()).then(|| format!("{kind}{}", words.concat()))
}

fn connections(forget: &Forget) -> String {
    let Forget {
        zone, addresses, ..
    } = forget;
    if addresses.is_empty() {
        return format!("connections zone {zone} all");
    }
    let addresses: Vec<String> = addresses.iter().map(ToString::to_string).collect();
    format!("connections zone {zone} {}", addresses.join(" "))
}
