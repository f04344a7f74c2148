//! The guard's state, and the nft script from one state to another.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::base::no_tables;
use super::{Capabilities, Element, base_script};
use crate::model::IfName;

#[cfg(test)]
mod tests;

/// What stands in our two nftables tables.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Guard {
    /// Whether the tables are there, and ours.
    pub tables: Tables,
    /// What is in their sets.
    pub elements: BTreeSet<Element>,
}

/// Whether our nftables tables are there.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Tables {
    /// Neither is.
    #[default]
    Absent,
    /// One is missing, or somebody changed a chain: both are made anew before anything opens.
    Damaged,
    /// Both are there, with their chains as we made them.
    Made,
}

/// The way from one guard to another, as one or two nft transactions.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GuardChange {
    /// Closes ports, makes the tables, makes networks known. Runs first.
    pub close: String,
    /// Opens ports; forgets networks with their ways out, and removes the tables. Runs last.
    pub open: String,
}

impl Guard {
    /// Adds what another one has.
    pub fn merge(&mut self, other: &Self) {
        self.tables = self.tables.max(other.tables);
        self.elements.extend(other.elements.iter().cloned());
    }

    /// The VMs' taps that are open. A way out is a member and has its network, and nothing else is
    /// said of it: what anything is said of besides is a VM's, even where somebody took some of it out.
    pub fn open_ports(&self) -> BTreeSet<&IfName> {
        let mut taps = BTreeSet::new();
        let mut members = BTreeSet::new();
        for element in &self.elements {
            match element {
                Element::Member(name) => members.insert(name),
                Element::Quiet(tap) => taps.insert(tap),
                Element::Place(..) | Element::WayOut(_) => false,
                other => other.port().is_some_and(|tap| taps.insert(tap)),
            };
        }
        &members & &taps
    }

    /// The change that leads from this guard to `want`.
    ///
    /// What a port has goes in the closing transaction and comes in the opening one. So a port that
    /// stays open with other addresses is left with those that it keeps while its rules change:
    /// new rules with old addresses would be neither what was allowed nor what will be. Of the
    /// taps in `opening` everything goes first, even what is wanted in the end: an earlier tap of
    /// that name may have left it. Where how much of a port is checked changes, more is checked from the
    /// first transaction on, and less from the last: one element takes another's place, or where
    /// nothing is checked at one end, all of them come at once and go at once. Else the port could do
    /// in between what its neighbours' new rules allow, and the old ones did not.
    ///
    /// Tables that are made anew have at once what ports keep that stay open.
    ///
    /// A network that goes stays known until the end. Were its way out no member any more while
    /// its bridge still stands, then way out and closed taps would be unknown alike, and only a
    /// kernel with [`ibrname`](Capabilities::ibrname) keeps those apart.
    pub fn change_to(
        &self,
        want: &Self,
        opening: &[IfName],
        capabilities: Capabilities,
    ) -> GuardChange {
        if want.tables != Tables::Made {
            return self.removal();
        }
        let fresh = self.tables != Tables::Made;
        let there = self.elements.iter().filter(|_| !fresh);
        let (anew, have): (BTreeSet<_>, BTreeSet<_>) =
            there.partition(|element| element.is_of(|tap| opening.contains(tap)));
        let wanted: BTreeSet<&Element> = want.elements.iter().collect();
        let ports = want.open_ports();
        let stays = if fresh {
            self.staying(&wanted, opening)
        } else {
            BTreeSet::new()
        };
        let opens = |element: &&Element| {
            element.is_of(|tap| ports.contains(tap))
                && !closes_beside(element, &have)
                && !stays.contains(element)
        };
        let (opens, comes): (Vec<_>, Vec<_>) = (&wanted - &have).into_iter().partition(opens);
        let taps = self.open_ports();
        let is_way_out = |element: &Element| match element {
            Element::Member(name) => !taps.contains(name),
            _ => self.is_the_hosts(element, &wanted),
        };
        let (last, mut goes): (Vec<_>, Vec<_>) = (&have - &wanted)
            .into_iter()
            .partition(|element| closes_beside(element, &wanted) || is_way_out(element));
        goes.extend(anew);

        let mut change = GuardChange::default();
        if fresh {
            change.close = base_script(capabilities);
        }
        change.close += &delete(&goes);
        change.close += &add(&comes);
        change.open += &add(&opens);
        change.open += &delete(&last);
        change
    }

    /// Whether an element is what the host's own ports and the host itself have on a bridge of the host's,
    /// and goes as all of the network goes: their frames pass at every moment. One that changes places
    /// leaves its old one first.
    fn is_the_hosts(&self, element: &Element, wanted: &BTreeSet<&Element>) -> bool {
        let moves = |name: &IfName| {
            let mut places = wanted.iter();
            places.any(|it| matches!(it, Element::Place(other, _) if other == name))
        };
        match element {
            Element::WithHost(_) => true,
            Element::Place(name, _) | Element::WayOut(name) => {
                self.elements.contains(&Element::WayOut(name.clone())) && !moves(name)
            }
            _ => false,
        }
    }

    /// What of `wanted` moves into tables that are made anew in the same transaction: what open ports
    /// have that stay open and of which as much is checked as before. Left out until the end they
    /// would lose packets, and where the kernel lacks [`ibrname`](Capabilities::ibrname) speak
    /// unchecked with each other. A member's number may be another one than in the old tables.
    fn staying<'a>(
        &self,
        wanted: &BTreeSet<&'a Element>,
        opening: &[IfName],
    ) -> BTreeSet<&'a Element> {
        let had = self.open_ports();
        let differs = wanted.iter().copied().chain(&self.elements).filter(|it| {
            let is_check = matches!(it, Element::Port(_) | Element::Unhardened(_));
            is_check && !(wanted.contains(it) && self.elements.contains(it))
        });
        let differs: BTreeSet<&IfName> = differs.filter_map(Element::port).collect();
        let stays =
            |tap: &IfName| had.contains(tap) && !differs.contains(tap) && !opening.contains(tap);
        let moves = |element: &&&Element| {
            let number = matches!(element, Element::Place(..));
            element.is_of(stays) && (number || self.elements.contains(*element))
        };
        wanted.iter().filter(moves).copied().collect()
    }

    /// Closes every port, as long as links and rules are on their way out; then the tables go.
    fn removal(&self) -> GuardChange {
        if self.tables == Tables::Absent {
            return GuardChange::default();
        }
        let ports = self.open_ports();
        let opens = |element: &&Element| match element {
            Element::Member(tap) | Element::Place(tap, _) => ports.contains(tap),
            _ => false,
        };
        let members: Vec<_> = self.elements.iter().filter(opens).collect();
        GuardChange {
            close: delete(&members),
            open: no_tables(),
        }
    }
}

/// Whether an element closes something, or opens nothing, beside what is at the other end of a change:
/// a DHCP server comes and goes with the limit that it is an exception from, to check all of a port is
/// to close it beside checking some, and where nothing of an open port is checked at the other end, all
/// that its checks consist of.
fn closes_beside(element: &Element, other_end: &BTreeSet<&Element>) -> bool {
    match element {
        Element::DhcpServer(tap, _) => !other_end.contains(&Element::DhcpLimited(tap.clone())),
        Element::Port(tap) if other_end.contains(&Element::Unhardened(tap.clone())) => true,
        Element::Member(_) | Element::Place(..) => false,
        _ => element.closes() || element.is_of(|tap| is_open_unchecked(tap, other_end)),
    }
}

/// Whether a port, or a way out, is open and nothing of it is checked.
fn is_open_unchecked(name: &IfName, end: &BTreeSet<&Element>) -> bool {
    let has = |element| end.contains(&element);
    has(Element::Member(name.clone()))
        && !has(Element::Port(name.clone()))
        && !has(Element::Unhardened(name.clone()))
}

/// `add element` lines, one a set.
fn add(elements: &[&Element]) -> String {
    by_set("add", elements)
}

/// `delete element` lines, one a set.
fn delete(elements: &[&Element]) -> String {
    by_set("delete", elements)
}

fn by_set(verb: &str, elements: &[&Element]) -> String {
    let mut sets: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for (set, key) in elements.iter().flat_map(|element| element.places()) {
        sets.entry(set).or_default().push(key);
    }
    let line = |(set, keys): (&str, Vec<String>)| {
        format!("{verb} element {set} {{ {} }}\n", keys.join(", "))
    };
    sets.into_iter().map(line).collect()
}
