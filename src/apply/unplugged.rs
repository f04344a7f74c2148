//! Interfaces that were unplugged, or moved to another bridge, while their machine runs.
//!
//! libvirt calls no hook about an interface of `type='bridge'`: its tap goes, and its name stays a
//! member, for whatever tap gets it next; or its tap is a member on another network's bridge. So
//! whoever reads the links anyway drops the ports that lost their tap; whoever wants a tap, an address
//! or a chain's name that such a port has drops it first, with its connections; and nobody opens a tap
//! that is not where it was.

use std::collections::BTreeSet;

use super::links::Links;
use crate::host::{Host, HostError};
use crate::model::{DomainUuid, IfName, NetworkId};
use crate::record::{IndexLine, Want};
use crate::refusal::Refusal;
use crate::transaction::Records;

/// The domain's want without the ports that have lost their tap; `None` where none has. It keeps its
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
        let Some(tap) = &line.tap else { continue };
        let network = records.networks.get(&line.port.network);
        if links.has_lost(tap, network.map(|record| &record.network.bridge))? {
            domains.insert(line.domain.clone());
        }
    }
    Ok(domains)
}

/// See [`without_unplugged`].
pub(super) fn shrunk(links: &Links<'_>, want: &Want) -> Result<Option<Want>, HostError> {
    let mut lost = BTreeSet::new();
    for port in &want.ports {
        if let Some(tap) = &port.tap
            && links.has_lost(tap, bridge(want, &port.network))?
        {
            lost.insert(port.key());
        }
    }
    let less = || want.keeping(want.generation, |port| !lost.contains(&port.key()));
    Ok((!lost.is_empty()).then(less))
}

/// Why a want cannot be served: a tap that it opens is not where it was. Whoever wrote it has seen
/// the tap; the machine has changed since, and who has the name now is not known.
pub(super) fn lost_tap(links: &Links<'_>, want: &Want) -> Result<Option<Refusal>, HostError> {
    for (port, tap) in want.open_ports() {
        if links.has_lost(tap, bridge(want, &port.network))? {
            let cause = format!("its tap {} is gone, or on another bridge", tap.name);
            return Ok(Some(Refusal::of_interface(&want.name, port.mac, cause)));
        }
    }
    Ok(None)
}

fn bridge<'a>(want: &'a Want, network: &NetworkId) -> Option<&'a IfName> {
    let mut networks = want.networks.iter();
    let network = networks.find(|other| other.id == *network)?;
    Some(&network.bridge)
}
