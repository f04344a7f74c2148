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

#[cfg(test)]
mod tests {
    use crate::firewall::iptables::{Observed, Ruleset, diff, repair};

    fn ruleset(lines: &str) -> Ruleset {
        lines.parse().unwrap()
    }

    const SKELETON: &str = "\
*filter
:neutron-filter-top - [0:0]
:neutron-linuxbri-FORWARD - [0:0]
:neutron-linuxbri-sg-chain - [0:0]
-A FORWARD -j neutron-filter-top
-A FORWARD -j neutron-linuxbri-FORWARD
-A neutron-linuxbri-sg-chain -j ACCEPT
COMMIT
";

    const PORT: &str = "\
*filter
:neutron-linuxbri-FORWARD - [0:0]
:neutron-linuxbri-i7a8c0a54-7 - [0:0]
:neutron-linuxbri-sg-chain - [0:0]
-A neutron-linuxbri-FORWARD -m physdev --physdev-out tap7 -j neutron-linuxbri-sg-chain
-A neutron-linuxbri-FORWARD -m physdev --physdev-in tap7 -j neutron-linuxbri-sg-chain
-A neutron-linuxbri-i7a8c0a54-7 -p gre -j RETURN
-A neutron-linuxbri-sg-chain -m physdev --physdev-out tap7 -j neutron-linuxbri-i7a8c0a54-7
-A neutron-linuxbri-sg-chain -j ACCEPT
COMMIT
";

    fn with_port() -> Ruleset {
        let mut both = ruleset(SKELETON);
        both.merge(&ruleset(PORT));
        both
    }

    #[test]
    fn the_first_port_brings_the_skeleton() {
        let changes = diff(&Ruleset::default(), &ruleset(SKELETON));
        assert!(changes.only_adds());
        let expected = "\
*filter
:neutron-filter-top - [0:0]
:neutron-linuxbri-FORWARD - [0:0]
:neutron-linuxbri-sg-chain - [0:0]
-A neutron-linuxbri-sg-chain -j ACCEPT
-I FORWARD 1 -j neutron-filter-top
-I FORWARD 2 -j neutron-linuxbri-FORWARD
COMMIT
";
        assert_eq!(changes.restore_text(), expected);
    }

    #[test]
    fn another_port_goes_in_at_the_top_packets_to_it_first() {
        let changes = diff(&ruleset(SKELETON), &with_port());
        assert!(changes.only_adds());
        let expected = "\
*filter
:neutron-linuxbri-i7a8c0a54-7 - [0:0]
-A neutron-linuxbri-i7a8c0a54-7 -p 47 -j RETURN
-I neutron-linuxbri-sg-chain 1 -m physdev --physdev-out tap7 -j neutron-linuxbri-i7a8c0a54-7
-I neutron-linuxbri-FORWARD 1 -m physdev --physdev-in tap7 -j neutron-linuxbri-sg-chain
-I neutron-linuxbri-FORWARD 1 -m physdev --physdev-out tap7 -j neutron-linuxbri-sg-chain
COMMIT
";
        assert_eq!(changes.restore_text(), expected);
    }

    #[test]
    fn a_port_goes_with_its_lines_before_its_chains() {
        let changes = diff(&with_port(), &ruleset(SKELETON));
        assert!(!changes.only_adds());
        let expected = "\
*filter
:neutron-linuxbri-i7a8c0a54-7 - [0:0]
-D neutron-linuxbri-FORWARD -m physdev --physdev-out tap7 -j neutron-linuxbri-sg-chain
-D neutron-linuxbri-FORWARD -m physdev --physdev-in tap7 -j neutron-linuxbri-sg-chain
-D neutron-linuxbri-sg-chain -m physdev --physdev-out tap7 -j neutron-linuxbri-i7a8c0a54-7
-X neutron-linuxbri-i7a8c0a54-7
COMMIT
";
        assert_eq!(changes.restore_text(), expected);
    }

    #[test]
    fn a_rule_that_changes_makes_its_chain_be_written_anew() {
        let want: Ruleset = with_port()
            .to_string()
            .replace("gre", "esp")
            .parse()
            .unwrap();
        let changes = diff(&with_port(), &want);
        assert!(!changes.only_adds());
        let expected = "\
*filter
:neutron-linuxbri-i7a8c0a54-7 - [0:0]
-A neutron-linuxbri-i7a8c0a54-7 -p esp -j RETURN
COMMIT
";
        assert_eq!(changes.restore_text(), expected);
    }

    #[test]
    fn a_jump_out_of_its_place_makes_all_of_them_come_anew() {
        let first = "-A FORWARD -j neutron-filter-top\n";
        let text = SKELETON.replace(first, &format!("-A FORWARD -j DOCKER-USER\n{first}"));
        let observed =
            crate::firewall::iptables::parse_save(&text, &"neutron-linuxbri".parse().unwrap());
        assert_ne!(observed, Observed::from(ruleset(SKELETON)));
        let expected = "\
*filter
-D FORWARD -j neutron-filter-top
-D FORWARD -j neutron-linuxbri-FORWARD
-I FORWARD 1 -j neutron-filter-top
-I FORWARD 2 -j neutron-linuxbri-FORWARD
COMMIT
";
        assert_eq!(
            repair(&observed, &ruleset(SKELETON)).restore_text(),
            expected
        );
    }
}
