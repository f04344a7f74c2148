//! Everything of ours that the kernel has.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;

use super::host_end;
use crate::facts::{BridgeFact, HostFacts, LinkFact, LinkKind, VlanFact};
use crate::firewall::guard::{Guard, read_tables};
use crate::firewall::ipset::{Sets, parse_sets};
use crate::firewall::iptables::{Observed, parse_save_of};
use crate::host::Host;
use crate::model::{BridgeSwitches, Family, IfName, Learning, Lent, Mtu, NetworkId, Vlan};
use crate::plan::NftFamily;
use crate::plan::link::{ALIAS_PREFIX, Bridge, UNFINISHED, VlanDevice, VxlanDevice};
use crate::record::HostRecord;
use crate::state::{HostState, OwnLink, ReadBack};

/// Reads back everything of ours that the kernel has. Which devices of the host joined a bridge of
/// ours by our doing, only records tell: `ways_out` names those of networks.
///
/// A link that is down, or with an attribute that somebody changed, is [altered](OwnLink::Altered),
/// so that a plan makes it again. The guard counts as ours only while its fixed chains are what nft
/// printed when they were made.
///
/// # Errors
/// Any look that fails: half of what is there would be taken for things that are gone.
pub fn observe(
    host: &dyn Host,
    facts: &HostFacts,
    record: &HostRecord,
    ways_out: &BTreeSet<IfName>,
) -> Result<ReadBack> {
    let mut state = HostState {
        guard: guard(host, record)?,
        sets: sets(host, record)?,
        ..HostState::default()
    };
    for link in &facts.links {
        let Some((name, own)) = own_link(facts, link) else {
            state.enslaved.extend(joined(facts, link, ways_out));
            continue;
        };
        let master = link.master.and_then(|index| facts.link_by_index(index));
        let bridge: Option<IfName> = master.and_then(|bridge| bridge.name.parse().ok());
        if let LinkKind::Vxlan(fact) = &link.kind {
            let learning = fact.learns_from();
            reach(host, &mut state, (&name, learning), bridge.as_ref())?;
        }
        if link.suppresses {
            state.suppressed.insert(name.clone());
        }
        if let Some(bridge) = bridge {
            state.enslaved.insert(name.clone(), bridge);
        }
        state.links.insert(name, own);
    }
    state.lent = lent(facts, record);
    Ok(ReadBack {
        state,
        v4: rules(host, record, Family::Ipv4)?,
        v6: rules(host, record, Family::Ipv6)?,
    })
}

/// The bridges of the host's that are lent, as far as they are there and something of ours is on them: one
/// that is as it was before has nothing to give back, whoever saw to that.
fn lent(facts: &HostFacts, record: &HostRecord) -> BTreeMap<IfName, Lent> {
    let bridges = record.lent.iter().filter_map(|(name, before)| {
        let link = facts.link(name).filter(|link| link.is_bridge_of_the_host());
        let LinkKind::Bridge(fact) = &link?.kind else {
            return None;
        };
        let has = fact.switches();
        let filters = has == BridgeSwitches::ON;
        let lent = Lent {
            before: *before,
            filters,
        };
        (filters || has != *before).then(|| (name.clone(), lent))
    });
    bridges.collect()
}

/// What a VXLAN device knows of other hosts, where that is ours to say; by EVPN, what its bridge says of
/// this host's ports.
fn reach(
    host: &dyn Host,
    state: &mut HostState,
    (name, learning): (&IfName, Learning),
    bridge: Option<&IfName>,
) -> Result<()> {
    if learning != Learning::Evpn {
        state.fdb.extend(host.fdb(name)?);
    }
    let neighbours_of = match learning {
        Learning::Frames => None,
        Learning::Inventory => Some(name),
        Learning::Evpn => bridge,
    };
    if let Some(link) = neighbours_of {
        state.neighbours.extend(host.neighbours(link)?);
    }
    Ok(())
}

fn rules(host: &dyn Host, record: &HostRecord, family: Family) -> Result<Observed> {
    let prefixes = record.writings().map(|options| &options.prefix);
    Ok(parse_save_of(&host.iptables_save(family)?, prefixes))
}

/// A device of the host that is a network's way out, and the bridge of ours that it is on.
fn joined(
    facts: &HostFacts,
    link: &LinkFact,
    ways_out: &BTreeSet<IfName>,
) -> Option<(IfName, IfName)> {
    let name: IfName = link.name.parse().ok()?;
    let bridge = facts.link_by_index(link.master?)?;
    let is_ours = ways_out.contains(&name) && bridge.is_ours();
    let bridge = bridge.name.parse().ok()?;
    is_ours.then_some((name, bridge))
}

fn guard(host: &dyn Host, record: &HostRecord) -> Result<Guard> {
    let bridge = host.nft_table(NftFamily::Bridge)?;
    let inet = host.nft_table(NftFamily::Inet)?;
    Ok(record.guard(read_tables(bridge.as_deref(), inet.as_deref())?))
}

/// While no rule can name a set, nobody need have `ipset`.
fn sets(host: &dyn Host, record: &HostRecord) -> Result<Sets> {
    if record.writings().all(|options| !options.ipset) {
        return Ok(Sets::default());
    }
    Ok(parse_sets(&host.ipset_save()?))
}

/// The link as a value of ours, if it bears our alias, or a death left it without one.
fn own_link(facts: &HostFacts, link: &LinkFact) -> Option<(IfName, OwnLink)> {
    let name: IfName = link.name.parse().ok()?;
    if name.as_str() == UNFINISHED {
        return Some((name, OwnLink::Altered));
    }
    let network: NetworkId = link
        .alias
        .as_deref()?
        .strip_prefix(ALIAS_PREFIX)?
        .parse()
        .ok()?;
    let as_made = as_made(facts, link, &name, network);
    Some((name, as_made.unwrap_or(OwnLink::Altered)))
}

/// The link, if it is up and as we make it.
fn as_made(
    facts: &HostFacts,
    link: &LinkFact,
    name: &IfName,
    network: NetworkId,
) -> Option<OwnLink> {
    let mtu = Mtu::try_from(link.mtu).ok()?;
    match &link.kind {
        LinkKind::Bridge(fact) if link.up && *fact == BridgeFact::OURS => {
            Some(OwnLink::Bridge(Bridge {
                name: name.clone(),
                mac: link.mac?,
                mtu,
                network,
            }))
        }
        LinkKind::Vxlan(fact) if link.up => {
            let underlay = facts.link_by_index(fact.underlay?)?;
            let (tunnel, outer) = fact.tunnel(name, underlay)?;
            Some(OwnLink::Vxlan(VxlanDevice {
                tunnel,
                outer,
                mtu,
                network,
            }))
        }
        LinkKind::Vlan(fact) if link.up => {
            let vlan = vlan(facts, name, fact)?;
            Some(OwnLink::Vlan(VlanDevice { vlan, mtu, network }))
        }
        LinkKind::Veth(Some(_)) if link.up => host_end::as_made(facts, link, name, network),
        _ => None,
    }
}

fn vlan(facts: &HostFacts, name: &IfName, fact: &VlanFact) -> Option<Vlan> {
    let parent = facts.link_by_index(fact.parent?)?;
    Some(Vlan {
        id: fact.id?,
        device: name.clone(),
        parent: parent.name.parse().ok()?,
    })
}
