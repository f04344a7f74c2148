//! Records that somebody lost: a file that was removed, or damaged and then removed.
//!
//! What is lost is made again from what is left, where that tells enough. What it makes is never
//! trusted: whoever loads it reads the kernel back and repairs.

use std::collections::BTreeMap;

use anyhow::Result;

use crate::firewall::guard::{Capabilities, IBRNAME_PROBE};
use crate::host::Host;
use crate::model::{BridgeSwitches, IfName};
use crate::record::{DomainRecord, HostRecord};
use crate::transaction::Records;

/// The host's record while networks stand. How rules are written, the domains tell.
pub(super) fn host_record<'a>(
    host: &dyn Host,
    records: &Records,
    domains: impl IntoIterator<Item = &'a DomainRecord>,
) -> Result<HostRecord> {
    let ibrname = host.nft_accepts(IBRNAME_PROBE)?;
    let mut written = domains.into_iter().map(|record| &record.want.options);
    let options = written.next().cloned();
    let record = HostRecord {
        epoch: records.epoch.clone(),
        generation: None,
        backend: host.iptables_backend()?,
        capabilities: Capabilities { ibrname },
        options: options.unwrap_or_default(),
        besides: Vec::new(),
        lent: lent(records),
        guard_chains: Vec::new(),
        guard_base: 0,
    };
    Ok(written.fold(record, HostRecord::beside))
}

/// What bridges of the host's had before, as the networks' records tell.
fn lent(records: &Records) -> BTreeMap<IfName, BridgeSwitches> {
    let networks = records.networks.values();
    let lent = networks.flat_map(|record| &record.applied.lent);
    lent.map(|(bridge, lent)| (bridge.clone(), lent.before))
        .collect()
}

/// Whether a domain is on a network that has no record.
pub(super) fn lacks_a_network(records: &Records) -> bool {
    let lines = records.index.lines.iter();
    let mut networks = lines.map(|line| &line.port.network);
    networks.any(|id| !records.networks.contains_key(id))
}
