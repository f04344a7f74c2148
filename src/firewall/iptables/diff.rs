//! The difference between two rulesets.

use std::collections::{BTreeMap, BTreeSet};

use super::{Builtin, Chain, ChainName, Observed, Rule, Ruleset, Table};

/// What must change in one family, a table at a time: one transaction each.
///
/// Its text is [`restore_text`](Changes::restore_text).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changes(pub(super) BTreeMap<Table, TableChanges>);

/// What must change in one table.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct TableChanges {
    /// Chains that are made, and whose rules follow in `append`.
    pub(super) create: BTreeSet<ChainName>,
    /// Chains that are emptied: to be written anew or to be deleted.
    pub(super) flush: BTreeSet<ChainName>,
    /// Lines that are deleted from chains that stay: the chain and the line.
    pub(super) delete: Vec<(String, String)>,
    /// Lines at the end of chains: those of chains that are new or emptied, and those that accept.
    pub(super) append: Vec<(ChainName, Rule)>,
    /// Lines at the top of shared chains, in the order in which they shall stand.
    pub(super) insert: Vec<(ChainName, Rule)>,
    /// Jumps at the top of built-in chains, each with its place from 1.
    pub(super) jump: Vec<(Builtin, usize, ChainName)>,
    /// Chains that are deleted, empty by then.
    pub(super) remove: Vec<ChainName>,
}

impl Changes {
    /// There is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Nothing that is there is deleted or emptied. Only then may both families be applied side by
    /// side: parallel deleters make each other start again.
    pub fn only_adds(&self) -> bool {
        let adds = |table: &TableChanges| table.flush.is_empty() && table.delete.is_empty();
        self.0.values().all(adds)
    }
}

/// What makes `have` into `want`: what `want` lacks is deleted.
///
/// Both must be the same part of the host: all that is ours, or the skeleton and the fragments of
/// the domains and networks that change. Then lines of other ports in shared chains are in
/// neither and stay. Only without any other port may the skeleton be missing on one side.
pub fn diff(have: &Ruleset, want: &Ruleset) -> Changes {
    Difference {
        have,
        irregular: &Observed::default(),
        want,
    }
    .changes()
}

/// What makes what the kernel has into `want`, which is all that shall be ours on the host:
/// [`diff`], and every chain and every jump that is out of order is written anew.
pub fn repair(have: &Observed, want: &Ruleset) -> Changes {
    Difference {
        have: &have.ruleset,
        irregular: have,
        want,
    }
    .changes()
}

struct Difference<'a> {
    have: &'a Ruleset,
    /// Only its notes of what is out of order count here.
    irregular: &'a Observed,
    want: &'a Ruleset,
}

impl Difference<'_> {
    fn changes(&self) -> Changes {
        let mut tables = BTreeMap::new();
        for table in Table::ALL {
            let mut changes = TableChanges::default();
            self.chains(table, &mut changes);
            self.jumps(table, &mut changes);
            if changes != TableChanges::default() {
                tables.insert(table, changes);
            }
        }
        Changes(tables)
    }

    fn chains(&self, table: Table, changes: &mut TableChanges) {
        for (_, name, want) in self.want.chains().filter(|chain| chain.0 == table) {
            let key = (table, name.clone());
            let in_order = !self.irregular.chains.contains(&key);
            match (self.have.chains.get(&key), want) {
                (None, want) => {
                    changes.create.insert(name.clone());
                    changes.write(table, name, want);
                }
                (Some(have), want) if in_order && have == want => {}
                (Some(Chain::Shared(have)), Chain::Shared(want)) if in_order => {
                    changes.exchange(name, have, want);
                }
                (Some(_), want) => {
                    changes.flush.insert(name.clone());
                    changes.write(table, name, want);
                }
            }
        }
        for (_, name, _) in self.have.chains().filter(|chain| chain.0 == table) {
            if !self.want.has_chain(table, name) {
                changes.flush.insert(name.clone());
                changes.remove.push(name.clone());
            }
        }
    }

    /// The jumps of a built-in chain are few: where they differ all go and come anew.
    fn jumps(&self, table: Table, changes: &mut TableChanges) {
        for builtin in Builtin::ALL {
            let place = (table, builtin);
            let jumps = |ruleset: &Ruleset| ruleset.jumps.get(&place).cloned().unwrap_or_default();
            let (have, want) = (jumps(self.have), jumps(self.want));
            let strays = self.irregular.jumps.get(&place);
            if have == want && strays.is_none() {
                continue;
            }
            let have = have.iter().map(|chain| format!("-j {chain}"));
            let lines = have.chain(strays.into_iter().flatten().cloned());
            changes
                .delete
                .extend(lines.map(|line| (builtin.to_string(), line)));
            let numbered = (1..).zip(want);
            changes
                .jump
                .extend(numbered.map(|(at, chain)| (builtin, at, chain)));
        }
    }
}

impl TableChanges {
    fn write(&mut self, table: Table, name: &ChainName, chain: &Chain) {
        let rules = chain.rules(table, name).into_iter();
        self.append.extend(rules.map(|rule| (name.clone(), rule)));
    }

    fn exchange(&mut self, name: &ChainName, have: &BTreeSet<Rule>, want: &BTreeSet<Rule>) {
        let gone = have.difference(want);
        let text = |rule: &Rule| super::display::Restorable(rule).to_string();
        self.delete
            .extend(gone.map(|rule| (name.to_string(), text(rule))));
        let new = want.difference(have);
        let new = new.map(|rule| (name.clone(), rule.clone()));
        let (accepting, others): (Vec<_>, Vec<_>) = new.partition(|(_, rule)| rule.accepts());
        self.append.extend(accepting);
        self.insert.extend(others);
    }
}
