//! Domains whose VM is gone without a word: libvirtd was killed, or the host's QEMU was.

use std::collections::BTreeMap;

use anyhow::Result;

use super::links::Links;
use crate::event::Call;
use crate::facts::{HostFacts, Process};
use crate::host::Host;
use crate::model::DomainUuid;
use crate::record::{IndexLine, Want};
use crate::transaction::Records;

/// Whether a recorded port's VM may still run: its tap is there, by index, or the process that
/// called the hook still runs and may be in the middle of a start.
pub fn is_live(host: &dyn Host, facts: &HostFacts, line: &IndexLine) -> bool {
    let has_tap = line.tap.as_ref().is_some_and(|tap| facts.has_tap(tap));
    has_tap || host.is_running(&line.caller)
}

/// What a want comes to: nobody may still want it. Its hook died before it was applied, then whoever
/// called that hook, and its taps went with the caller. Then it wants nothing any more.
pub(super) fn still_wanted(host: &dyn Host, links: &Links<'_>, want: Want) -> Result<Want> {
    if host.is_running(&want.caller) {
        return Ok(want);
    }
    let facts = links.get()?;
    let mut taps = want.ports.iter().filter_map(|port| port.tap.as_ref());
    let live = taps.any(|tap| facts.has_tap(tap));
    Ok(if live {
        want
    } else {
        want.gone(want.generation)
    })
}

/// The domains among those concerned that have no live port.
pub(super) fn gone(
    host: &dyn Host,
    links: &Links<'_>,
    records: &Records,
    concerned: impl Fn(&IndexLine) -> bool,
) -> Result<Vec<DomainUuid>> {
    let mut running: BTreeMap<(u32, u64), bool> = BTreeMap::new();
    let mut live: BTreeMap<&DomainUuid, bool> = BTreeMap::new();
    for line in records.index.lines.iter().filter(|line| concerned(line)) {
        let Process { pid, start } = line.caller;
        let runs = *running
            .entry((pid, start))
            .or_insert_with(|| host.is_running(&line.caller));
        let alive = live.entry(&line.domain).or_insert(false);
        *alive |= runs || is_live(host, links.get()?, line);
    }
    let gone = live.into_iter().filter(|(_, alive)| !alive);
    Ok(gone.map(|(uuid, _)| uuid.clone()).collect())
}

/// The want of a domain that is gone, as this call has found.
pub(super) fn farewell(record_of: &Want, call: Call) -> Want {
    Want {
        call,
        ..record_of.gone(record_of.generation + 1)
    }
}

/// Withdraws every domain whose VM is gone, and says which. For the daemon's start and for `sync`.
///
/// # Errors
/// If a record cannot be read or a want not be written.
pub fn retire_stale(host: &dyn Host, call: Call) -> Result<Vec<DomainUuid>> {
    let store = super::Store::open(host)?;
    let mut records = store.load()?;
    store.load_all_domains(&mut records)?;
    let gone = gone(host, &Links::of(host), &records, |_| true)?;
    for uuid in &gone {
        if let Some(record) = records.domains.get(uuid) {
            store.put_want(&farewell(&record.want, call))?;
        }
    }
    Ok(gone)
}
