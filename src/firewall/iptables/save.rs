//! What `iptables-save` says, as what is ours and what is wrong with it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::words::Words;
use super::{Builtin, Chain, ChainName, ChainPrefix, Rule, Ruleset, Table, Target};

/// What the kernel has of ours, with what no [`Ruleset`] can hold.
///
/// Every line in a chain of ours that we would not have written is wrong, whoever wrote it: a
/// line in front of `<prefix>-FORWARD` that accepts everything would open every VM. Such a chain
/// is noted and [written anew](super::repair) whole, in one transaction.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Observed {
    /// Our chains with the lines that have our form, and the jumps of built-in chains where they
    /// are in order.
    pub ruleset: Ruleset,
    /// Chains of ours that hold a line twice, out of its place, or one that is not ours.
    pub(super) chains: BTreeSet<(Table, ChainName)>,
    /// Built-in chains whose jumps to us are not exactly at the top, each once and plain: the
    /// text of every line there that goes to a chain of ours.
    pub(super) jumps: BTreeMap<(Table, Builtin), Vec<String>>,
}

impl Observed {
    /// Nothing needs repair but what a [`diff`](super::diff()) finds.
    pub fn is_regular(&self) -> bool {
        self.chains.is_empty() && self.jumps.is_empty()
    }

    /// Whether a chain of ours holds a line twice, out of its place, or one that is not ours.
    pub fn is_irregular(&self, table: Table, chain: &ChainName) -> bool {
        self.chains.contains(&(table, chain.clone()))
    }

    /// The lines of a built-in chain that go to chains of ours and are not exactly its first lines,
    /// each once and plain; none if all is in order there.
    pub fn strays(&self, table: Table, builtin: Builtin) -> &[String] {
        self.jumps.get(&(table, builtin)).map_or(&[], Vec::as_slice)
    }

    /// What is out of order, for the log: `chain neutron-linuxbri-FORWARD of table filter`.
    pub fn irregularities(&self) -> impl Iterator<Item = String> {
        let chains = self.chains.iter();
        let jumps = self.jumps.keys();
        let chains = chains.map(|(table, name)| format!("chain {name} of table {table}"));
        let jumps = jumps.map(|(table, name)| format!("our jumps in {name} of table {table}"));
        chains.chain(jumps)
    }
}

impl From<Ruleset> for Observed {
    fn from(ruleset: Ruleset) -> Self {
        Self {
            ruleset,
            ..Self::default()
        }
    }
}

/// Reads the output of `iptables-save` or `ip6tables-save`, all tables. Ours are the chains that
/// the prefix [owns](ChainPrefix::owns) and the lines of built-in chains that go to them;
/// everything else is left out.
pub fn parse_save(text: &str, prefix: &ChainPrefix) -> Observed {
    parse_save_of(text, [prefix])
}

/// The same while one prefix takes another's place: chains of all of them are ours.
pub fn parse_save_of<'a>(
    text: &str,
    prefixes: impl IntoIterator<Item = &'a ChainPrefix>,
) -> Observed {
    let prefixes: Vec<_> = prefixes.into_iter().collect();
    read(text, |chain| {
        prefixes.iter().any(|prefix| prefix.owns(chain))
    })
}

/// The lines that are ours, as `iptables-save` prints them.
impl fmt::Display for Ruleset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for table in Table::ALL {
            let jumps = self.jumps().filter(|jump| jump.0 == table);
            let chains = || self.chains().filter(|chain| chain.0 == table);
            let jumps: Vec<_> = jumps
                .map(|(_, from, to)| format!("-A {from} -j {to}"))
                .collect();
            if jumps.is_empty() && chains().next().is_none() {
                continue;
            }
            writeln!(f, "*{table}")?;
            for (_, name, _) in chains() {
                writeln!(f, ":{name} - [0:0]")?;
            }
            for jump in jumps {
                writeln!(f, "{jump}")?;
            }
            for (_, name, chain) in chains() {
                for rule in chain.rules(table, name) {
                    writeln!(f, "-A {name} {rule}")?;
                }
            }
            writeln!(f, "COMMIT")?;
        }
        Ok(())
    }
}

/// Reads the save form of what `ours` says is ours.
pub(super) fn read(text: &str, ours: impl Fn(&str) -> bool) -> Observed {
    let mut reader = Reader::default();
    let mut table = None;
    for line in text.lines().map(str::trim_end) {
        if let Some(name) = line.strip_prefix('*') {
            table = Table::ALL.into_iter().find(|table| table.name() == name);
            continue;
        }
        let Some(table) = table else { continue };
        if let Some(declared) = line.strip_prefix(':') {
            let name = declared.split(' ').next().unwrap_or_default();
            reader.declare(table, name, &ours);
        } else if let Some((chain, rule)) = line.strip_prefix("-A ").and_then(split_chain) {
            reader.append(table, chain, rule, &ours);
        }
    }
    reader.finish()
}

/// The chain and the rest of a line after `-A `.
fn split_chain(line: &str) -> Option<(&str, &str)> {
    line.split_once(' ').or(Some((line, "")))
}

#[derive(Default)]
struct Reader {
    chains: BTreeMap<(Table, ChainName), Vec<Result<Rule, Foreign>>>,
    builtins: BTreeMap<(Table, Builtin), Vec<BuiltinLine>>,
}

/// A line in a chain of ours that has not our form.
struct Foreign;

/// A line in a built-in chain: `Some` of its text if it goes to a chain of ours.
type BuiltinLine = Option<String>;

impl Reader {
    fn declare(&mut self, table: Table, name: &str, ours: &impl Fn(&str) -> bool) {
        if builtin(name).is_none()
            && ours(name)
            && let Ok(name) = name.parse()
        {
            self.chains.entry((table, name)).or_default();
        }
    }

    fn append(&mut self, table: Table, chain: &str, rule: &str, ours: &impl Fn(&str) -> bool) {
        if let Some(builtin) = builtin(chain) {
            let line = goes_to(rule, ours).then(|| rule.to_owned());
            self.builtins
                .entry((table, builtin))
                .or_default()
                .push(line);
        } else if ours(chain)
            && let Ok(name) = chain.parse()
        {
            let rule = rule.parse().map_err(|_| Foreign);
            self.chains.entry((table, name)).or_default().push(rule);
        }
    }

    fn finish(self) -> Observed {
        let mut observed = Observed::default();
        for (place, lines) in self.builtins {
            match plain_jumps(&lines) {
                Some(jumps) if jumps.is_empty() => {}
                Some(jumps) => {
                    observed.ruleset.jumps.insert(place, jumps);
                }
                None => {
                    let ours = lines.into_iter().flatten().collect();
                    observed.jumps.insert(place, ours);
                }
            }
        }
        for ((table, name), lines) in self.chains {
            let count = lines.len();
            let mut rules: Vec<_> = lines.into_iter().flatten().collect();
            let tail = Chain::tail(table, &name);
            let is_shared = Chain::is_shared(table, &name);
            let has_tail = tail.is_some();
            let tail_is_last = take_tail(&mut rules, tail);
            // A line that accepts goes to the end, so where there is a tail none is ours.
            rules.retain(|rule| !has_tail || !rule.accepts());
            let accepting_last = !is_shared || rules.is_sorted_by_key(Rule::accepts);
            observed.ruleset.set_chain(table, name.clone(), rules);
            // Foreign lines are gone by now, lines of a shared chain that were there twice are one
            // in the set, and what is in the wrong place was taken out: the count tells of each.
            let kept = observed.ruleset.rules(table, &name).len();
            if !tail_is_last || !accepting_last || kept != count {
                observed.chains.insert((table, name));
            }
        }
        observed
    }
}

/// Takes the tail out of the rules, and says whether it stood at the end.
fn take_tail(rules: &mut Vec<Rule>, tail: Option<Rule>) -> bool {
    let Some(tail) = tail else { return true };
    let is_last = rules.last() == Some(&tail);
    rules.retain(|rule| *rule != tail);
    is_last
}

/// The jumps of a built-in chain to us, if each stands at the top, once, without condition.
fn plain_jumps(lines: &[BuiltinLine]) -> Option<Vec<ChainName>> {
    let mut jumps = Vec::new();
    let top = lines.iter().take_while(|line| line.is_some()).count();
    for line in lines.iter().flatten() {
        let rule: Rule = line.parse().ok()?;
        let chain = rule.target.chain()?.clone();
        if rule != Rule::new(Target::Jump(chain.clone())) || jumps.contains(&chain) {
            return None;
        }
        jumps.push(chain);
    }
    (jumps.len() == top).then_some(jumps)
}

fn builtin(name: &str) -> Option<Builtin> {
    Builtin::ALL
        .into_iter()
        .find(|builtin| builtin.name() == name)
}

/// Whether a line of whatever program goes to a chain of ours.
fn goes_to(rule: &str, ours: &impl Fn(&str) -> bool) -> bool {
    let Some(mut words) = Words::split(rule) else {
        return false;
    };
    while let Some(word) = words.next() {
        if word == "-j" || word == "-g" {
            return words.next().is_some_and(|target| ours(&target));
        }
    }
    false
}
