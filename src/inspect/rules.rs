//! Chains, the lines of shared chains, and jumps.

use super::check::{Check, Kind, Status};
use super::compare::{Kernel, Scoped, of_family};
use crate::firewall::iptables::{Builtin, Chain, ChainName, Observed, Rule, Ruleset, Table};
use crate::model::{Family, IfName};

/// The checks of one family.
pub(super) fn checks(part: Scoped<'_>, kernel: Kernel<'_>, family: Family) -> Vec<Check> {
    let side = Side {
        part,
        program: match family {
            Family::Ipv4 => "iptables",
            Family::Ipv6 => "ip6tables",
        },
        applied: of_family(part.applied, family),
        whole: of_family(kernel.whole, family),
        found: kernel.rules(family),
    };
    let mut checks = side.jumps();
    for (table, name, chain) in side.applied.chains() {
        match chain {
            Chain::Owned(_) => checks.push(side.owned(table, name)),
            Chain::Shared(_) => checks.extend(side.shared(table, name)),
        }
    }
    checks
}

/// One family of one part.
struct Side<'a> {
    part: Scoped<'a>,
    program: &'static str,
    applied: &'a Ruleset,
    whole: &'a Ruleset,
    found: &'a Observed,
}

impl Side<'_> {
    fn check(&self, kind: Kind, table: Table, object: &str) -> Check {
        let object = format!("{} -t {table} {object}", self.program);
        Check::new(self.part.scope, kind, object)
    }

    /// A chain that belongs to one part whole.
    fn owned(&self, table: Table, name: &ChainName) -> Check {
        let check = self.check(Kind::Chain, table, name.as_str());
        if !self.found.ruleset.has_chain(table, name) {
            return check.is(Status::Missing);
        }
        let applied = self.applied.rules(table, name);
        let found = self.found.ruleset.rules(table, name);
        let mut points = Vec::new();
        let lack = |rules: &[Rule], rule: &&Rule| !rules.contains(rule);
        let missing = applied.iter().filter(|rule| lack(&found, rule));
        points.extend(missing.map(|rule| format!("lacks -A {name} {rule}")));
        let extra = found.iter().filter(|rule| lack(&applied, rule));
        points.extend(extra.map(|rule| format!("has besides -A {name} {rule}")));
        if points.is_empty() && found != applied {
            points.push("its lines are in another order, or one is there twice".to_owned());
        }
        if self.found.is_irregular(table, name) {
            points.push(IRREGULAR.to_owned());
        }
        check.different(&points)
    }

    /// A part's lines in a chain of many; whoever has none in it has the chain itself.
    fn shared(&self, table: Table, name: &ChainName) -> Vec<Check> {
        let found = self.found.ruleset.rules(table, name);
        let line = |rule: &Rule| format!("-A {name} {rule}");
        let applied = self.applied.rules(table, name);
        let mut checks = Vec::new();
        if self.part.devices.is_empty() {
            checks.push(self.shared_chain(table, name));
        }
        // Its tail belongs to the chain, not to a port.
        let tail = |rule: &&Rule| self.part.devices.is_empty() || concerns(rule, self.part.devices);
        checks.extend(applied.iter().filter(tail).map(|rule| {
            self.check(Kind::Rule, table, &line(rule))
                .there(found.contains(rule))
        }));
        let known = self.whole.rules(table, name);
        let unknown = found.iter().filter(|rule| !known.contains(rule));
        let here = unknown.filter(|rule| concerns(rule, self.part.devices));
        checks
            .extend(here.map(|rule| self.check(Kind::Rule, table, &line(rule)).is(Status::Extra)));
        checks
    }

    fn shared_chain(&self, table: Table, name: &ChainName) -> Check {
        let check = self.check(Kind::Chain, table, name.as_str());
        if !self.found.ruleset.has_chain(table, name) {
            return check.is(Status::Missing);
        }
        if self.found.is_irregular(table, name) {
            return check.different(&[IRREGULAR.to_owned()]);
        }
        check
    }

    /// Jumps from a built-in chain stand at its top, each once, in their order.
    fn jumps(&self) -> Vec<Check> {
        let mut checks = Vec::new();
        for (table, builtin, to) in self.applied.jumps() {
            let object = format!("-A {builtin} -j {to}");
            let check = self.check(Kind::Jump, table, &object);
            let at = |rules: &Ruleset| jumps_of(rules, table, builtin);
            let (applied, found) = (at(self.applied), at(&self.found.ruleset));
            let strays = self.found.strays(table, builtin);
            let text = format!("-j {to}");
            checks.push(if applied == found {
                check
            } else if found.contains(to) || strays.iter().any(|line| line.ends_with(&text)) {
                check.different(&[
                    "is not at the top of the chain, once and in its place".to_owned()
                ])
            } else {
                check.is(Status::Missing)
            });
        }
        checks
    }
}

const IRREGULAR: &str = "has a line that is not vmhook's, or one twice or out of its place";

fn jumps_of(rules: &Ruleset, table: Table, builtin: Builtin) -> Vec<ChainName> {
    let there = rules
        .jumps()
        .filter(|jump| (jump.0, jump.1) == (table, builtin));
    there.map(|(_, _, to)| to.clone()).collect()
}

/// Whether a line names one of these devices, or, for the part of all (no devices), none at all.
fn concerns(rule: &Rule, devices: &[IfName]) -> bool {
    let text = rule.to_string();
    let words: Vec<&str> = text.split(' ').collect();
    let option = |word: &str| ["-i", "-o", "--physdev-in", "--physdev-out"].contains(&word);
    let mut named = words
        .windows(2)
        .filter(|pair| option(pair[0]))
        .map(|pair| pair[1]);
    if devices.is_empty() {
        named.next().is_none()
    } else {
        named.any(|name| devices.iter().any(|device| device.as_str() == name))
    }
}
