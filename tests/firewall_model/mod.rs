//! `iptables-restore --noflush` and `iptables-save`, small: as strict as the kernel's tools are
//! about what is there and what is not.
#![allow(
    dead_code,
    reason = "each test program that shares this uses a part of it"
)]

use std::collections::BTreeMap;

use vmhook::firewall::iptables::Rule;

/// One family's tables: chains by name, each with its lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Kernel(BTreeMap<String, BTreeMap<String, Vec<String>>>);

const BUILTIN: [(&str, &[&str]); 3] = [
    ("filter", &["FORWARD", "INPUT", "OUTPUT"]),
    ("nat", &["INPUT", "OUTPUT", "POSTROUTING", "PREROUTING"]),
    ("raw", &["OUTPUT", "PREROUTING"]),
];

impl Kernel {
    /// Tables that have only their built-in chains.
    pub(crate) fn new() -> Self {
        let empty = |name: &&str| ((*name).to_owned(), Vec::new());
        let table = |(name, builtin): (&str, &[&str])| {
            (name.to_owned(), builtin.iter().map(empty).collect())
        };
        Self(BUILTIN.into_iter().map(table).collect())
    }

    /// Every chain, by table and name.
    pub(crate) fn chains(&self) -> Vec<(String, String)> {
        let each = |(table, chains): (&String, &BTreeMap<String, Vec<String>>)| {
            let names = chains.keys().cloned();
            let table = table.clone();
            names
                .map(move |name| (table.clone(), name))
                .collect::<Vec<_>>()
        };
        self.0.iter().flat_map(each).collect()
    }

    /// The lines of a chain.
    pub(crate) fn lines(&mut self, table: &str, chain: &str) -> &mut Vec<String> {
        self.0
            .get_mut(table)
            .expect(table)
            .get_mut(chain)
            .expect(chain)
    }

    /// What `iptables-save` prints.
    pub(crate) fn save(&self) -> String {
        let mut lines = Vec::new();
        for (table, chains) in &self.0 {
            lines.push(format!("*{table}"));
            let policy = |name| if is_builtin(name) { "ACCEPT" } else { "-" };
            lines.extend(
                chains
                    .keys()
                    .map(|name| format!(":{name} {} [0:0]", policy(name))),
            );
            for (name, rules) in chains {
                lines.extend(rules.iter().map(|rule| format!("-A {name} {rule}")));
            }
            lines.push("COMMIT".to_owned());
        }
        lines.join("\n")
    }

    /// `iptables-restore --noflush`; panics where the real one fails.
    pub(crate) fn restore(&mut self, text: &str) {
        let mut table = None;
        for line in text.lines() {
            match (line.strip_prefix('*'), &mut table) {
                (Some(name), None) => table = self.0.get_mut(name),
                (None, Some(_)) if line == "COMMIT" => {
                    assert_jumps_resolve(table.take().expect("a table"));
                }
                (None, Some(chains)) => apply(line, chains),
                _ => panic!("{line}"),
            }
        }
        assert!(table.is_none(), "no COMMIT");
    }
}

type Chains = BTreeMap<String, Vec<String>>;

fn apply(line: &str, chains: &mut Chains) {
    if let Some(name) = line.strip_prefix(':') {
        let name = name.strip_suffix(" - [0:0]").expect(line);
        assert!(!is_builtin(name), "{line}");
        chains.insert(name.to_owned(), Vec::new());
        return;
    }
    let words: Vec<_> = line.splitn(3, ' ').collect();
    let rules = chains.get_mut(words[1]).expect(line);
    match words[..] {
        ["-A", _, rule] => rules.push(saved(rule)),
        ["-I", _, rule] => {
            let (at, rule) = rule.split_once(' ').expect(line);
            let at: usize = at.parse().expect(line);
            rules.insert(at - 1, saved(rule));
        }
        ["-D", _, rule] => {
            let rule = saved(rule);
            let at = rules.iter().position(|line| *line == rule).expect(line);
            rules.remove(at);
        }
        ["-X", name] => {
            assert!(rules.is_empty(), "{name} is not empty");
            chains.remove(name);
            let jump = |rule: &String| target(rule) == Some(name);
            assert!(!chains.values().flatten().any(jump), "{name} is used");
        }
        _ => panic!("{line}"),
    }
}

/// The form in which `iptables-save` prints a line.
fn saved(rule: &str) -> String {
    let ours = rule.parse::<Rule>();
    ours.map_or_else(|_| rule.to_owned(), |rule| rule.to_string())
}

fn target(rule: &str) -> Option<&str> {
    let at = rule.rfind("-j ").or_else(|| rule.rfind("-g "))?;
    rule[at + 3..].split(' ').next()
}

fn assert_jumps_resolve(chains: &Chains) {
    let verdicts = ["ACCEPT", "DROP", "RETURN", "CT", "LOG"];
    for rule in chains.values().flatten() {
        let target = target(rule).expect(rule);
        assert!(
            verdicts.contains(&target) || chains.contains_key(target),
            "{rule}"
        );
    }
}

fn is_builtin(name: &str) -> bool {
    BUILTIN.iter().any(|(_, chains)| chains.contains(&name))
}
