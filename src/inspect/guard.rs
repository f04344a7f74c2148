//! The guard's tables and elements.

use super::check::{Check, Kind, Status};
use super::compare::{Kernel, Scoped};
use crate::firewall::guard::{Element, Tables};
use crate::model::IfName;

pub(super) fn checks(part: Scoped<'_>, kernel: Kernel<'_>) -> Vec<Check> {
    let found = &kernel.observed.state.guard;
    let element = |element: &Element| Check::new(part.scope, Kind::SetElement, element);
    let applied = part.applied.guard.elements.iter();
    let mut checks: Vec<Check> = applied
        .map(|it| element(it).there(found.elements.contains(it)))
        .collect();
    let unknown = found.elements.difference(&kernel.whole.guard.elements);
    let here = unknown.filter(|it| concerns(it, part.devices));
    checks.extend(here.map(|it| element(it).is(Status::Extra)));
    checks
}

/// The two tables themselves.
pub(super) fn tables(part: Scoped<'_>, kernel: Kernel<'_>) -> Check {
    let check = Check::new(part.scope, Kind::Tables, "bridge vmhook, inet vmhook");
    match kernel.observed.state.guard.tables {
        Tables::Made => check,
        Tables::Absent => check.is(Status::Missing),
        Tables::Damaged => check
            .different(&["one of them is missing, or one of their chains was changed".to_owned()]),
    }
}

fn concerns(element: &Element, devices: &[IfName]) -> bool {
    let named = |device: &IfName| match element {
        Element::Bridge(bridge) | Element::SharedBridge(bridge) | Element::Zoned(bridge, _) => {
            bridge == device
        }
        Element::Foreign(_, key) => key.contains(&format!("\"{device}\"")),
        Element::HostEnd(end) | Element::HostPort(end) => end == device,
        other => other.port() == Some(device),
    };
    devices.iter().any(named)
}
