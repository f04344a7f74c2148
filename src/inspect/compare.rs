//! What was applied against what the kernel has.

use super::check::{Check, Scope};
use super::{guard, links, rules, sets};
use crate::facts::HostFacts;
use crate::firewall::iptables::{Observed, Ruleset};
use crate::model::{Family, IfName};
use crate::state::{HostState, ReadBack};

/// A part of what was applied, and whose it is.
#[derive(Debug, Clone, Copy)]
pub struct Scoped<'a> {
    /// Whose.
    pub scope: &'a Scope,
    /// What was applied for it.
    pub applied: &'a HostState,
    /// Its devices: what concerns others is not looked at. None: the part that all share.
    pub devices: &'a [IfName],
}

/// What the kernel has, and what all records say it should have.
#[derive(Debug, Clone, Copy)]
pub(super) struct Kernel<'a> {
    pub(super) facts: &'a HostFacts,
    pub(super) observed: &'a ReadBack,
    pub(super) whole: &'a HostState,
}

/// One check for each thing in a part of what was applied, and one for each thing of its devices
/// that is in nobody's part. `whole` is what was applied for everybody.
pub fn compare(
    part: Scoped<'_>,
    whole: &HostState,
    observed: &ReadBack,
    facts: &HostFacts,
) -> Vec<Check> {
    let kernel = Kernel {
        facts,
        observed,
        whole,
    };
    let mut checks = links::checks(part, kernel);
    checks.extend(sets::checks(part, kernel));
    for family in Family::BOTH {
        checks.extend(rules::checks(part, kernel, family));
    }
    if part.devices.is_empty() {
        checks.push(guard::tables(part, kernel));
    }
    checks.extend(guard::checks(part, kernel));
    checks
}

impl Kernel<'_> {
    pub(super) fn rules(&self, family: Family) -> &Observed {
        match family {
            Family::Ipv4 => &self.observed.v4,
            Family::Ipv6 => &self.observed.v6,
        }
    }
}

pub(super) fn of_family(state: &HostState, family: Family) -> &Ruleset {
    match family {
        Family::Ipv4 => &state.v4,
        Family::Ipv6 => &state.v6,
    }
}
