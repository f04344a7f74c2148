//! `nft -f` and `nft list table`, small: as strict about what is there as the kernel, and stricter
//! than it about adding twice.

use std::collections::BTreeMap;

use vmhook::firewall::guard::{Listing, read_tables};

/// Our two tables, by family.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Nft(BTreeMap<String, Table>);

#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Table {
    /// Sets and maps by name, elements with the value that a map has.
    sets: BTreeMap<String, BTreeMap<String, Option<String>>>,
    chains: BTreeMap<String, Vec<String>>,
}

impl Nft {
    /// `nft -f`: all of it or a panic.
    pub(crate) fn run(&mut self, script: &str) {
        let mut lines = script.lines();
        while let Some(line) = lines.next() {
            let words: Vec<&str> = line.split(' ').collect();
            match words.as_slice() {
                ["table", family, "vmhook"] => {
                    self.0.entry((*family).to_owned()).or_default();
                }
                ["delete", "table", family, "vmhook"] => {
                    self.0.remove(*family).expect(line);
                }
                ["table", family, "vmhook", "{"] => {
                    let body = lines.by_ref().take_while(|line| *line != "}").collect();
                    let had = self.0.insert((*family).to_owned(), Table::of(body));
                    assert_eq!(had, None, "{line}");
                }
                [verb, what, family, "vmhook", name, ..] => {
                    let table = self.0.get_mut(*family).expect(line);
                    let rest = line.split_once(&format!(" vmhook {name}")).expect(line).1;
                    table.change((verb, what), name, rest.trim());
                }
                _ => panic!("{line}"),
            }
        }
    }

    /// Both tables as the program reads them.
    pub(crate) fn listing(&self) -> Listing {
        let text = |family: &str| self.0.get(family).map(|table| table.list(family));
        let (bridge, inet) = (text("bridge"), text("inet"));
        read_tables(bridge.as_deref(), inet.as_deref()).expect("nft's own form")
    }
}

impl Table {
    /// What stands between the braces of a table's declaration.
    fn of(body: Vec<&str>) -> Self {
        let mut table = Self::default();
        let mut chain = None;
        for line in body.into_iter().map(str::trim) {
            let words: Vec<&str> = line.split(' ').collect();
            match (words.as_slice(), &mut chain) {
                (["}"], _) => chain = None,
                (["chain", name, "{"], None) => {
                    chain = Some(table.chains.entry((*name).to_owned()).or_default());
                }
                (["set" | "map", name, "{", ..], None) => {
                    table.sets.insert((*name).to_owned(), BTreeMap::new());
                }
                (_, Some(rules)) => rules.push(line.to_owned()),
                _ => panic!("{line}"),
            }
        }
        table
    }

    fn change(&mut self, doing: (&str, &str), name: &str, rest: &str) {
        match doing {
            ("add", "element") => keys(rest).for_each(|element| self.add(name, element)),
            ("delete", "element") => keys(rest).for_each(|element| {
                let set = self.sets.get_mut(name).expect(name);
                let (key, value) = key_and_value(element);
                assert_eq!(set.remove(&key), Some(value), "{name} has {element}");
            }),
            _ => panic!("{doing:?} {name}"),
        }
    }

    fn add(&mut self, set: &str, element: &str) {
        let (key, value) = key_and_value(element);
        let elements = self.sets.get_mut(set).expect(set);
        let had = elements.insert(key, value);
        assert_eq!(had, None, "{set} has {element} already");
    }

    fn list(&self, family: &str) -> String {
        let mut lines = vec![format!("table {family} vmhook {{")];
        for (name, elements) in &self.sets {
            let element = |(key, value): (&String, &Option<String>)| match value {
                Some(value) => format!("{key} : {value}"),
                None => key.clone(),
            };
            let is_map = elements.values().any(Option::is_some);
            let elements: Vec<_> = elements.iter().map(element).collect();
            lines.push(format!("{} {name} {{", if is_map { "map" } else { "set" }));
            if !elements.is_empty() {
                lines.push(format!("elements = {{ {} }}", elements.join(", ")));
            }
            lines.push("}".to_owned());
        }
        for (name, rules) in &self.chains {
            lines.push(format!("chain {name} {{"));
            lines.extend(rules.iter().cloned());
            lines.push("}".to_owned());
        }
        lines.push("}".to_owned());
        lines.join("\n")
    }
}

/// An element as it stands in a set, or in a map.
fn key_and_value(element: &str) -> (String, Option<String>) {
    match element.split_once(" : ") {
        Some((key, value)) => (key.to_owned(), Some(value.to_owned())),
        None => (element.to_owned(), None),
    }
}

/// The elements of `{ a, b }`.
fn keys(braced: &str) -> impl Iterator<Item = &str> {
    let inner = braced
        .strip_prefix("{ ")
        .and_then(|it| it.strip_suffix(" }"));
    inner.expect(braced).split(", ")
}
