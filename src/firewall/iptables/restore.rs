//! Changes as text for `iptables-restore --noflush`.
//!
//! Measured facts that make this form: a table is one transaction; `:chain - [0:0]` makes a chain
//! or empties it; `-I` and `-A` fetch no rules, so that an apply that only adds costs the same
//! however many ports there are; `-D` of a line that is not there fails the transaction, and so
//! does `-X` of a chain that something jumps to, so lines go before chains.

use std::fmt::{self, Write};

use super::diff::{Changes, TableChanges};
use super::display::Restorable;

impl Changes {
    /// The text for `iptables-restore --noflush`, tables that change only; empty if there is
    /// nothing to do. It is what a plan prints.
    pub fn restore_text(&self) -> String {
        let mut text = String::new();
        for (table, changes) in &self.0 {
            write!(text, "*{table}\n{changes}COMMIT\n").expect("writing to a string never fails");
        }
        text
    }
}

impl fmt::Display for TableChanges {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for chain in self.create.union(&self.flush) {
            writeln!(f, ":{chain} - [0:0]")?;
        }
        for (chain, line) in &self.delete {
            writeln!(f, "-D {chain} {line}")?;
        }
        for (chain, rule) in &self.append {
            writeln!(f, "-A {chain} {}", Restorable(rule))?;
        }
        // Each goes in at the top, so the last comes first.
        for (chain, rule) in self.insert.iter().rev() {
            writeln!(f, "-I {chain} 1 {}", Restorable(rule))?;
        }
        for (builtin, at, chain) in &self.jump {
            writeln!(f, "-I {builtin} {at} -j {chain}")?;
        }
        for chain in &self.remove {
            writeln!(f, "-X {chain}")?;
        }
        Ok(())
    }
}
