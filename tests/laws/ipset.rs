//! `ipset restore`, small: stricter than the real one about what is there and what is not.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

/// Sets by name, each with its family and its elements.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Ipset(BTreeMap<String, (String, BTreeSet<String>)>);

impl Ipset {
    pub(crate) fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// Applies a text; `in_use` are the sets that rules name. Panics where the real one fails.
    pub(crate) fn restore(&mut self, text: &str, in_use: &BTreeSet<String>) {
        for line in text.lines() {
            let words: Vec<&str> = line.split(' ').collect();
            match words[..] {
                ["create", name, "hash:net", "family", family] => {
                    let set = (family.to_owned(), BTreeSet::new());
                    assert!(self.0.insert(name.to_owned(), set).is_none(), "{line}");
                }
                ["flush", name] => self.members(name).clear(),
                ["add", name, member] => {
                    assert!(!member.ends_with("/0"), "{line}");
                    assert!(self.members(name).insert(member.to_owned()), "{line}");
                }
                ["del", name, member] => assert!(self.members(name).remove(member), "{line}"),
                ["swap", one, other] => {
                    let first = self.0.remove(one).expect(line);
                    let second = self.0.insert(other.to_owned(), first).expect(line);
                    assert_eq!(self.0[other].0, second.0, "{line}");
                    self.0.insert(one.to_owned(), second);
                }
                ["destroy", name] => {
                    assert!(!in_use.contains(name), "{line}");
                    assert!(self.0.remove(name).is_some(), "{line}");
                }
                _ => panic!("{line}"),
            }
        }
    }

    /// What `ipset save` prints.
    pub(crate) fn save(&self) -> String {
        let mut text = String::new();
        for (name, (family, members)) in &self.0 {
            let sizes = "hashsize 1024 maxelem 65536 bucketsize 12 initval 0x0";
            writeln!(text, "create {name} hash:net family {family} {sizes}").expect("memory");
            for member in members {
                writeln!(text, "add {name} {member}").expect("memory");
            }
        }
        text
    }

    fn members(&mut self, name: &str) -> &mut BTreeSet<String> {
        &mut self.0.get_mut(name).expect(name).1
    }
}
