//! What of one family is ours.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::model::{IfName, Zone};

use super::save::read;

use super::{ChainName, Rule, Target};

/// What of one family's tables is ours, or a part of it: all that the kernel should have, or what
/// one domain needs.
///
/// - Owned chains are held whole, in order.
/// - Shared chains are sets: each port or network adds its own lines. Lines that accept stand after
///   all others, so that what concerns two ports is accepted only where no other line says more.
///   Within each of the two parts the matches are disjoint, and their order decides nothing.
/// - Jumps from built-in chains are ours, at the top of their chain and in this order, each once.
///   Nothing else of a built-in chain is.
///
/// As text, in a record too, it is the lines of `iptables-save` that are ours.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<String>", into = "Vec<String>")]
pub struct Ruleset {
    pub(super) jumps: BTreeMap<(Table, Builtin), Vec<ChainName>>,
    pub(super) chains: BTreeMap<(Table, ChainName), Chain>,
}

/// A table, in the order in which they are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Table {
    /// Before connection tracking: zones.
    Raw,
    /// The filter.
    Filter,
    /// Address translation.
    Nat,
}

/// A chain that the kernel calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Builtin {
    /// Every packet that arrives.
    Prerouting,
    /// Packets to this host.
    Input,
    /// Packets through this host, bridged ones too.
    Forward,
    /// Packets from this host.
    Output,
    /// Every packet that leaves.
    Postrouting,
}

/// A chain of ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Chain {
    /// Held whole, in order.
    Owned(Vec<Rule>),
    /// Lines of several ports or networks, before the chain's fixed tail: in any order, but that
    /// those which accept are the last.
    Shared(BTreeSet<Rule>),
}

/// A text that is no [`Ruleset`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RulesetError {
    /// A chain holds a line that has not our form, stands there twice or in the wrong place.
    #[error("{0} has a line that is not ours or stands in the wrong place")]
    Irregular(String),
    /// A line is not of the form that `iptables-save` gives to what is ours.
    #[error("{0} lines of iptables rules, of which {1} are ours")]
    Foreign(usize, usize),
}

impl Ruleset {
    /// Adds what is ours elsewhere. Lines of a shared chain come together; of an owned chain that
    /// both have, the other's stands.
    pub fn merge(&mut self, other: &Self) {
        for (builtin, jumps) in &other.jumps {
            let ours = self.jumps.entry(*builtin).or_default();
            let new: Vec<_> = jumps.iter().filter(|jump| !ours.contains(jump)).collect();
            ours.extend(new.into_iter().cloned());
        }
        for (name, chain) in &other.chains {
            match (self.chains.entry(name.clone()), chain) {
                (Entry::Occupied(mut ours), Chain::Shared(lines)) => match ours.get_mut() {
                    Chain::Shared(ours) => ours.extend(lines.iter().cloned()),
                    Chain::Owned(_) => {
                        ours.insert(chain.clone());
                    }
                },
                (Entry::Occupied(mut ours), Chain::Owned(_)) => {
                    ours.insert(chain.clone());
                }
                (Entry::Vacant(place), chain) => {
                    place.insert(chain.clone());
                }
            }
        }
    }

    /// Nothing is ours.
    pub fn is_empty(&self) -> bool {
        self.jumps.is_empty() && self.chains.is_empty()
    }

    /// All chains, by table and name.
    pub fn chains(&self) -> impl Iterator<Item = (Table, &ChainName, &Chain)> {
        self.chains
            .iter()
            .map(|((table, name), chain)| (*table, name, chain))
    }

    /// Whether there is such a chain.
    pub fn has_chain(&self, table: Table, name: &ChainName) -> bool {
        self.chains.contains_key(&(table, name.clone()))
    }

    /// The rules of a chain in the order in which they are written; none if there is no such
    /// chain.
    pub fn rules(&self, table: Table, name: &ChainName) -> Vec<Rule> {
        let chain = self.chains.get(&(table, name.clone()));
        chain.map_or_else(Vec::new, |chain| chain.rules(table, name))
    }

    /// The jumps from built-in chains, in their order.
    pub fn jumps(&self) -> impl Iterator<Item = (Table, Builtin, &ChainName)> {
        self.jumps.iter().flat_map(|(place, jumps)| {
            let (table, builtin) = *place;
            jumps.iter().map(move |jump| (table, builtin, jump))
        })
    }

    /// The conntrack zone of each device that the raw table has one for.
    pub fn zones(&self) -> impl Iterator<Item = (&IfName, Zone)> {
        let raw = self.chains().filter(|chain| chain.0 == Table::Raw);
        let rules = raw.flat_map(|(_, _, chain)| chain.lines());
        rules.filter_map(|rule| match rule.target() {
            Target::Zone(zone) | Target::ZoneOrig(zone) => Some((rule.in_interface()?, *zone)),
            _ => None,
        })
    }

    /// Adds a chain with its rules, or replaces it.
    pub(super) fn set_chain(&mut self, table: Table, name: ChainName, rules: Vec<Rule>) {
        let chain = if Chain::is_shared(table, &name) {
            Chain::Shared(rules.into_iter().collect())
        } else {
            Chain::Owned(rules)
        };
        self.chains.insert((table, name), chain);
    }

    /// Adds a jump after those that the built-in chain has.
    pub(super) fn add_jump(&mut self, table: Table, builtin: Builtin, to: ChainName) {
        self.jumps.entry((table, builtin)).or_default().push(to);
    }
}

impl Chain {
    /// Whether the chain of this name is one that ports or networks share.
    pub(super) fn is_shared(table: Table, name: &ChainName) -> bool {
        let parts: &[_] = match table {
            Table::Filter => &["-FORWARD", "-INPUT", "-sg-chain"],
            Table::Raw => &["-PREROUTING"],
            Table::Nat => &["-PREROUTING", "-POSTROUTING"],
        };
        parts.iter().any(|part| name.as_str().ends_with(part))
    }

    /// What follows the lines of a shared chain: `<prefix>-sg-chain` accepts what every port that
    /// it concerns has let pass.
    pub(super) fn tail(table: Table, name: &ChainName) -> Option<Rule> {
        let accepts = table == Table::Filter && name.as_str().ends_with("-sg-chain");
        accepts.then(|| Rule::new(Target::Accept))
    }

    /// The chain's lines without its tail.
    fn lines(&self) -> Box<dyn Iterator<Item = &Rule> + '_> {
        match self {
            Self::Owned(rules) => Box::new(rules.iter()),
            Self::Shared(lines) => {
                let (accepting, others): (Vec<_>, Vec<_>) =
                    lines.iter().partition(|line| line.accepts());
                Box::new(others.into_iter().chain(accepting))
            }
        }
    }

    /// The chain's rules in the order in which they are written.
    pub(super) fn rules(&self, table: Table, name: &ChainName) -> Vec<Rule> {
        let is_shared = matches!(self, Self::Shared(_));
        let tail = Self::tail(table, name).filter(|_| is_shared);
        self.lines().cloned().chain(tail).collect()
    }
}

impl Table {
    /// All tables that have something of ours.
    pub const ALL: [Self; 3] = [Self::Raw, Self::Filter, Self::Nat];

    /// iptables' name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Raw => "raw",
            Self::Filter => "filter",
            Self::Nat => "nat",
        }
    }
}

impl Builtin {
    /// All built-in chains.
    pub const ALL: [Self; 5] = [
        Self::Prerouting,
        Self::Input,
        Self::Forward,
        Self::Output,
        Self::Postrouting,
    ];

    /// iptables' name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Prerouting => "PREROUTING",
            Self::Input => "INPUT",
            Self::Forward => "FORWARD",
            Self::Output => "OUTPUT",
            Self::Postrouting => "POSTROUTING",
        }
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Display for Builtin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl From<Ruleset> for Vec<String> {
    fn from(ruleset: Ruleset) -> Self {
        ruleset.to_string().lines().map(str::to_owned).collect()
    }
}

impl TryFrom<Vec<String>> for Ruleset {
    type Error = RulesetError;

    fn try_from(lines: Vec<String>) -> Result<Self, RulesetError> {
        lines.join("\n").parse()
    }
}

impl std::str::FromStr for Ruleset {
    type Err = RulesetError;

    fn from_str(text: &str) -> Result<Self, RulesetError> {
        let observed = read(text, |_| true);
        if let Some(place) = observed.irregularities().next() {
            return Err(RulesetError::Irregular(place));
        }
        let understood = observed.ruleset.to_string().lines().count();
        let given = text.lines().filter(|line| !line.is_empty()).count();
        if given != understood {
            return Err(RulesetError::Foreign(given, understood));
        }
        Ok(observed.ruleset)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_with_anything_that_is_not_ours_is_refused() {
        for text in [
            "nonsense",
            "*filter\n:x-local - [0:0]",
            "*filter\n:x-local - [0:0]\n-A x-local -j LOG --log-level 7\nCOMMIT",
            "*filter\n:x-sg-chain - [0:0]\nCOMMIT",
            "*filter\n-A FORWARD -j ACCEPT\nCOMMIT",
            "*mangle\n:x-local - [0:0]\nCOMMIT",
        ] {
            assert!(text.parse::<Ruleset>().is_err(), "{text}");
        }
        assert_eq!("".parse(), Ok(Ruleset::default()));
    }

    #[test]
    fn the_raw_table_tells_which_bridge_has_which_zone() {
        let text =
            "*raw\n:x-PREROUTING - [0:0]\n-A x-PREROUTING -i brqlab -j CT --zone 4099\nCOMMIT";
        let ruleset: Ruleset = text.parse().unwrap();
        let zones: Vec<_> = ruleset.zones().collect();
        let (bridge, zone) = zones[0];
        assert_eq!((bridge.as_str(), u16::from(zone)), ("brqlab", 4099));
    }
}
