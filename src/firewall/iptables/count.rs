//! How much two rulesets differ, in numbers: what the journal tells of a change.

use std::collections::BTreeSet;
use std::fmt;

use super::{Observed, Ruleset};

/// How many rules come and go, and how many chains are out of order besides.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RuleCount {
    /// Rules that `want` has and `have` lacks, jumps from built-in chains among them.
    pub added: usize,
    /// Rules that `have` has and `want` lacks.
    pub removed: usize,
    /// Chains that have rules in a wrong order, or beside lines that are not ours: they are written
    /// anew, and a rule that goes with that is in `removed` as well. For a built-in chain: jumps
    /// that are not at its top.
    pub anew: usize,
}

impl RuleCount {
    /// From what the kernel has, or had by a record, to what shall be ours.
    pub fn between(have: &Observed, want: &Ruleset) -> Self {
        let (had, has) = (lines(&have.ruleset), lines(want));
        let irregular = have.chains.len() + have.jumps.len();
        let disordered = have
            .ruleset
            .chains
            .iter()
            .filter(|(place, _)| !have.chains.contains(place));
        let disordered = disordered.filter(|((table, name), chain)| {
            let had = chain.rules(*table, name);
            let has = want.rules(*table, name);
            let sorted = |rules: &[_]| BTreeSet::from_iter(rules.to_vec());
            had != has && sorted(&had) == sorted(&has)
        });
        Self {
            added: has.difference(&had).count(),
            removed: had.difference(&has).count(),
            anew: irregular + disordered.count(),
        }
    }

    /// Nothing differs.
    pub fn is_zero(self) -> bool {
        self == Self::default()
    }
}

/// `+25 -3 ~1`, less what is zero.
impl fmt::Display for RuleCount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = [('+', self.added), ('-', self.removed), ('~', self.anew)];
        let parts = parts.into_iter().filter(|(_, count)| *count > 0);
        let parts: Vec<String> = parts
            .map(|(sign, count)| format!("{sign}{count}"))
            .collect();
        f.write_str(&parts.join(" "))
    }
}

/// Every rule and jump with its place, in a form that compares.
fn lines(ruleset: &Ruleset) -> BTreeSet<String> {
    let rules = ruleset.chains().flat_map(|(table, name, chain)| {
        let rules = chain.rules(table, name).into_iter();
        rules.map(move |rule| format!("{table} {name} {rule}"))
    });
    let jumps = ruleset.jumps();
    let jumps = jumps.map(|(table, builtin, to)| format!("{table} {builtin} -j {to}"));
    rules.chain(jumps).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::firewall::iptables::parse_save;

    const CHAIN: &str = "\
*filter
:x-FORWARD - [0:0]
:x-local - [0:0]
-A FORWARD -j x-FORWARD
-A x-local -p tcp -j RETURN
-A x-local -j DROP
COMMIT
";

    fn count(have: &str, want: &str) -> String {
        let have = Observed::from(have.parse::<Ruleset>().unwrap());
        RuleCount::between(&have, &want.parse().unwrap()).to_string()
    }

    #[test]
    fn what_comes_and_goes_is_counted_with_its_jumps() {
        assert_eq!(count("", CHAIN), "+3");
        assert_eq!(count(CHAIN, ""), "-3");
        assert_eq!(count(CHAIN, CHAIN), "");
        assert_eq!(count(CHAIN, &CHAIN.replace("-p tcp", "-p udp")), "+1 -1");
    }

    #[test]
    fn a_chain_in_a_wrong_order_is_written_anew() {
        let turned = CHAIN.replace(
            "-A x-local -p tcp -j RETURN\n-A x-local -j DROP",
            "-A x-local -j DROP\n-A x-local -p tcp -j RETURN",
        );
        assert_eq!(count(&turned, CHAIN), "~1");
    }

    #[test]
    fn a_line_that_accepts_before_a_ports_line_is_told_with_its_chain() {
        let chain = "\
*filter
:neutron-linuxbri-FORWARD - [0:0]
:neutron-linuxbri-sg-chain - [0:0]
-A neutron-linuxbri-FORWARD -p tcp -j neutron-linuxbri-sg-chain
-A neutron-linuxbri-sg-chain -j ACCEPT
COMMIT
";
        let accept = "-A neutron-linuxbri-FORWARD -j ACCEPT\n";
        let jump = "-A neutron-linuxbri-FORWARD -p tcp";
        let first = chain.replace(jump, &format!("{accept}{jump}"));
        let last = chain.replace("COMMIT", &format!("{accept}COMMIT"));
        let told = |text: &str| {
            let have = parse_save(text, &"neutron-linuxbri".parse().unwrap());
            RuleCount::between(&have, &chain.parse().unwrap()).to_string()
        };
        assert_eq!([told(&first), told(&last)], ["-1 ~1", "-1"]);
    }

    #[test]
    fn a_chain_with_a_line_that_no_rule_of_ours_can_be_is_written_anew() {
        let foreign = CHAIN.replace(
            "-A x-local -j DROP",
            "-A x-local -j DROP\n-A x-local -j LOG --log-level 7",
        );
        let have = parse_save(&foreign, &"x".parse().unwrap());
        let want = CHAIN.parse().unwrap();
        assert_eq!(RuleCount::between(&have, &want).to_string(), "~1");
    }
}
