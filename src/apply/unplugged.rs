//! Interfaces that were unplugged, or plugged elsewhere, while their machine runs.
//!
//! libvirt calls no hook about an interface of `type='bridge'`: its tap goes, and its name stays a
//! member, for whatever tap gets it next. So whoever reads the links anyway drops the ports whose
//! taps are gone; whoever wants a tap, a MAC address or a chain's name that such a port has drops it
//! first; and nobody opens a tap that is not there any more.

use std::collections::BTreeSet;

use super::links::Links;
use crate::host::{Host, HostError};
use crate::model::{DomainUuid, Tap};
use crate::record::{IndexLine, Want};
use crate::refusal::Refusal;
use crate::transaction::Records;

/// The domain's want without the ports whose tap is gone; `None` where all are there. It keeps its
/// number: a hook of that domain may be about to use the next one.
///
/// # Errors
/// If the kernel does not say which links there are.
pub fn without_unplugged(host: &dyn Host, want: &Want) -> Result<Option<Want>, HostError> {
    shrunk(&Links::of(host), want)
}

/// The domains among those concerned that have lost a tap.
pub(super) fn unplugged(
    links: &Links<'_>,
    records: &Records,
    concerned: impl Fn(&IndexLine) -> bool,
) -> Result<BTreeSet<DomainUuid>, HostError> {
    let mut domains = BTreeSet::new();
    for line in records.index.lines.iter().filter(|line| concerned(line)) {
        if is_gone(links, line.tap.as_ref())? {
            domains.insert(line.domain.clone());
        }
    }
    Ok(domains)
}

/// See [`without_unplugged`].
pub(super) fn shrunk(links: &Links<'_>, want: &Want) -> Result<Option<Want>, HostError> {
    let mut gone = BTreeSet::new();
    for port in &want.ports {
        if is_gone(links, port.tap.as_ref())? {
            gone.insert(port.key());
        }
    }
    let less = || want.keeping(want.generation, |port| !gone.contains(&port.key()));
    Ok((!gone.is_empty()).then(less))
}

/// Why a want cannot be served: a tap that it opens is not there any more. Whoever wrote it has
/// seen the tap; the machine has changed since, and who has the name now is not known.
pub(super) fn lost_tap(links: &Links<'_>, want: &Want) -> Result<Option<Refusal>, HostError> {
    for (port, tap) in want.open_ports() {
        if !links.has_tap(tap)? {
            let cause = format!("its tap {} is not there any more", tap.name);
            return Ok(Some(Refusal::of_interface(&want.name, port.mac, cause)));
        }
    }
    Ok(None)
}

fn is_gone(links: &Links<'_>, tap: Option<&Tap>) -> Result<bool, HostError> {
    tap.map_or(Ok(false), |tap| Ok(!links.has_tap(tap)?))
}
