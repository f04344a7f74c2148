//! Everything of ours that the kernel has, as a [`HostState`].

use std::collections::BTreeSet;

use anyhow::{Context, Result};

use crate::facts::{HostFacts, LinkFact, LinkKind};
use crate::firewall::guard::{Guard, Tables, read_tables};
use crate::firewall::iptables::{ChainPrefix, Observed, parse_save};
use crate::host::Host;
use crate::model::{Family, IfName, NetworkId, Tunnel};
use crate::plan::NftFamily;
use crate::plan::link::{ALIAS, Bridge, VxlanDevice};
use crate::record::HostRecord;
use crate::state::{HostState, OwnLink};

/// Reads back everything of ours that the kernel has.
///
/// A link counts only if it is as we make it: one that is down, or with an attribute that somebody
/// changed, is left out, so that a plan makes it again in place. The guard counts only while its
/// fixed chains are what nft printed when they were made.
///
/// # Errors
/// Any look that fails: half an observation would be taken for things that are gone.
pub fn observe(host: &dyn Host, facts: &HostFacts, record: &HostRecord) -> Result<HostState> {
    let mut state = HostState { guard: guard(host, record)?, ..HostState::default() };
    let prefix = &record.options.prefix;
    state.v4 = rules(host, Family::Ipv4, prefix)?;
    state.v6 = rules(host, Family::Ipv6, prefix)?;
    for link in &facts.links {
        let Some((name, own)) = own_link(facts, link) else { continue };
        if let OwnLink::Vxlan(_) = own {
            state.fdb.extend(host.fdb(&name)?);
        }
        let master = link.master.and_then(|index| facts.link_by_index(index));
        if let Some(bridge) = master.and_then(|bridge| bridge.name.parse().ok()) {
            state.enslaved.insert(name.clone(), bridge);
        }
        state.links.insert(name, own);
    }
    Ok(state)
}

fn rules(host: &dyn Host, family: Family, prefix: &ChainPrefix) -> Result<Observed> {
    let text = host.iptables_save(family)?;
    parse_save(&text, prefix).with_context(|| format!("cannot read back the {family} rules"))
}

fn guard(host: &dyn Host, record: &HostRecord) -> Result<Guard> {
    let bridge = host.nft_table(NftFamily::Bridge)?;
    let inet = host.nft_table(NftFamily::Inet)?;
    let listing = read_tables(bridge.as_deref(), inet.as_deref())?;
    let changed = listing.guard.tables == Tables::Made && listing.chains != record.guard_chains;
    let tables = if changed { Tables::Damaged } else { listing.guard.tables };
    Ok(Guard { tables, ..listing.guard })
}
