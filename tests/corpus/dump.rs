//! What iptables-save and ipset save print, as chains of lines and sets of members.
//!
//! Text, and no parser of vmhook's: both sides were written by the same programs.

use std::collections::{BTreeMap, BTreeSet};

/// The chains of one family by table and name, such as `filter FORWARD`. Each is its rules in order,
/// less `-A CHAIN`; before them a built-in chain's policy, if it is not ACCEPT.
///
/// An empty built-in chain is left out: the first use of a table makes it, and nobody deletes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Dump(pub(crate) BTreeMap<String, Vec<String>>);

impl Dump {
    pub(crate) fn parse(save: &str) -> Self {
        let mut chains: BTreeMap<String, Vec<String>> = BTreeMap::new();
        let mut table = "";
        for line in save.lines() {
            if let Some(name) = line.strip_prefix('*') {
                table = name;
            } else if let Some(chain) = line.strip_prefix(':') {
                let words: Vec<_> = chain.split(' ').collect();
                let policy = ["-", "ACCEPT"].iter().all(|usual| words[1] != *usual);
                let rules = policy.then(|| format!("policy {}", words[1]));
                chains.insert(format!("{table} {}", words[0]), rules.into_iter().collect());
            } else if let Some(rule) = line.strip_prefix("-A ") {
                let (chain, rule) = rule.split_once(' ').unwrap();
                let rules = chains.get_mut(&format!("{table} {chain}")).unwrap();
                rules.push(rule.to_owned());
            }
        }
        let builtin = |chain: &str| chain.ends_with(char::is_uppercase) && !chain.contains('-');
        chains.retain(|chain, rules| !rules.is_empty() || !builtin(chain));
        Self(chains)
    }

    /// One table's chains.
    pub(crate) fn table(mut self, table: &str) -> Self {
        let in_table = |chain: &str| chain.split(' ').next() == Some(table);
        self.0.retain(|chain, _| in_table(chain));
        self
    }

    /// Less the agent's chains, and the jumps to them.
    pub(crate) fn foreign(mut self) -> Self {
        let ours = |words: &str| words.contains("neutron-");
        self.0.retain(|chain, _| !ours(chain));
        for rules in self.0.values_mut() {
            rules.retain(|rule| !ours(rule));
        }
        self.0.retain(|_, rules| !rules.is_empty());
        self
    }

    /// One chain's rules.
    pub(crate) fn rules(&self, chain: &str) -> &[String] {
        self.0.get(chain).map_or(&[], Vec::as_slice)
    }

    /// A chain a line, a rule a line.
    pub(crate) fn lines(&self) -> Vec<String> {
        let of_chain = |(chain, rules): (&String, &Vec<String>)| {
            let rules = rules.iter().map(|rule| format!("{chain}: {rule}"));
            [format!("{chain}:")].into_iter().chain(rules).collect()
        };
        self.0
            .iter()
            .flat_map(|it| -> Vec<_> { of_chain(it) })
            .collect()
    }
}

/// Sets by name: how each was made, and its members.
pub(crate) type Sets = BTreeMap<String, (String, BTreeSet<String>)>;

/// Of what `ipset save` prints; without the seed of a set's hash.
pub(crate) fn sets(save: &str) -> Sets {
    let mut sets = Sets::new();
    for line in save.lines() {
        let words: Vec<_> = line.splitn(3, ' ').collect();
        match words[..] {
            ["create", name, form] => {
                let (form, _seed) = form.split_once(" initval ").unwrap();
                sets.insert(name.to_owned(), (form.to_owned(), BTreeSet::new()));
            }
            ["add", name, member] => {
                sets.get_mut(name).unwrap().1.insert(member.to_owned());
            }
            _ => panic!("ipset printed {line:?}"),
        }
    }
    sets
}
