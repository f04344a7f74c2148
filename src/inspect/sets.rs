//! The sets that rules name.

use super::check::{Check, Kind, Status};
use super::compare::{Kernel, Scoped};

/// The sets are all domains': one check for each.
pub(super) fn checks(part: Scoped<'_>, kernel: Kernel<'_>) -> Vec<Check> {
    let found = &kernel.observed.state.sets;
    let check = |name| Check::new(part.scope, Kind::Set, format!("ipset {name}"));
    let mut checks = Vec::new();
    for (name, applied) in part.applied.sets.iter() {
        let Some(found) = found.get(name) else {
            checks.push(check(name).is(Status::Missing));
            continue;
        };
        let lacks = applied.difference(found);
        let lacks = lacks.map(|member| format!("lacks {member}"));
        let extra = found.difference(applied);
        let extra = extra.map(|member| format!("has besides {member}"));
        let points: Vec<String> = lacks.chain(extra).collect();
        checks.push(check(name).different(&points));
    }
    if part.devices.is_empty() {
        let unknown = found.iter().map(|(name, _)| name);
        let unknown = unknown.filter(|name| kernel.whole.sets.get(name).is_none());
        checks.extend(unknown.map(|name| check(name).is(Status::Extra)));
    }
    checks
}
