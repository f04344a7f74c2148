//! Taking everything down at once: `vmhook remove --purge`.

use anyhow::Result;

use super::run::run_all;
use super::{Store, lost, observe};
use crate::facts::{HostFacts, LinkFact, LinkKind};
use crate::firewall::guard::Element;
use crate::host::{Host, Priority};
use crate::model::IfName;
use crate::plan::{Besides, Directions, Forget, LinkChange, Plan};
use crate::record::NetworkRecord;
use crate::state::{HostState, ReadBack};
use crate::transaction::Records;

/// What became of everything.
#[derive(Debug, Default)]
pub struct Purged {
    /// The domains that run on, without a network now.
    pub without_network: Vec<String>,
    /// Whether anything was there.
    pub anything: bool,
    /// What could not be done. The records then stay, so that the next try finds it.
    pub left: Vec<anyhow::Error>,
}

/// Takes down everything of ours that the kernel has, whoever uses it, and then all records.
///
/// The way is a plan like any other, from what the kernel has to nothing. Before it, the taps on our
/// bridges go down. Without its bridge a tap is a link of the host's own, and a guest that runs on
/// would speak with the host's stack, from which the bridge and the guard kept it.
///
/// # Errors
/// If the lock is not to be had in time, or the kernel cannot be read.
pub fn purge(host: &dyn Host) -> Result<Purged> {
    // What a dead reload was writing is no matter: all of it goes, readable or not.
    let _lock = host.lock()?;
    let store = Store::open(host)?;
    let records = whatever_is_recorded(host, &store);
    let facts = host.facts()?;
    let (down, rest) = to_nothing(host, &facts, &records)?;
    if let Some(record) = &records.host {
        store.commit_host(Some(&record.doubted()))?;
    }
    let purged = Purged {
        without_network: having_a_tap(&facts, &records),
        anything: !down.is_empty() || !rest.is_empty(),
        // While a tap is up its bridge stays: the next try would not know any more whose it is.
        left: match down.iter().try_for_each(|tap| host.change_link(tap)) {
            Ok(()) => run_all(host, &rest),
            Err(error) => vec![error.into()],
        },
    };
    if purged.left.is_empty() {
        store.forget_everything()?;
    }
    say(host, &purged);
    Ok(purged)
}

/// The way from everything of ours that the kernel has to nothing: taps that go down, then the rest.
fn to_nothing(
    host: &dyn Host,
    facts: &HostFacts,
    records: &Records,
) -> Result<(Vec<LinkChange>, Plan)> {
    let record = match &records.host {
        Some(record) => record.clone(),
        None => lost::host_record(host, records, records.domains.values())?,
    };
    let have = observe(host, facts, &record, &records.ways_out())?;
    let besides = Besides {
        capabilities: record.capabilities,
        forget: connections(records),
        ..Besides::default()
    };
    let rest = Plan::between(&have, &HostState::default(), &besides);
    let taps = taps_of(facts, &have).into_iter();
    Ok((taps.map(LinkChange::ShutTap).collect(), rest))
}

/// All records; without those that somebody has damaged, the kernel's own names must do.
fn whatever_is_recorded(host: &dyn Host, store: &Store<'_>) -> Records {
    let read = || {
        let mut records = store.load()?;
        store.load_all_domains(&mut records)?;
        anyhow::Ok(records)
    };
    read().unwrap_or_else(|error| {
        host.log(
            Priority::Warning,
            &[],
            &format!("the records cannot be read, only the kernel: {error:#}"),
        );
        Records::empty(store.epoch().clone())
    })
}

/// The taps on our bridges, whoever put them there; on the host's own those of our machines alone.
fn taps_of(facts: &HostFacts, have: &ReadBack) -> Vec<IfName> {
    let ours = have.state.links.keys().filter_map(|name| facts.link(name));
    let on_ours = ours.flat_map(|bridge| facts.ports_of(bridge.index));
    let lent = have.state.lent.keys().filter_map(|name| facts.link(name));
    let on_lent = lent.flat_map(|bridge| facts.ports_of(bridge.index));
    let is_a_machines = |port: &&LinkFact| {
        let name = port.name.parse().map(Element::Quiet);
        name.is_ok_and(|tap| have.state.guard.elements.contains(&tap))
    };
    let taps = on_ours.chain(on_lent.filter(is_a_machines));
    let taps = taps.filter(|port| port.kind == LinkKind::Tun);
    taps.filter_map(|tap| tap.name.parse().ok()).collect()
}

/// Every connection of every network.
fn connections(records: &Records) -> Vec<Forget> {
    let all = |record: &NetworkRecord| Forget {
        zone: record.zone,
        of: Directions::of(&record.network),
        addresses: Vec::new(),
    };
    records.networks.values().map(all).collect()
}

/// The names of the domains that run on this host with something of ours, sorted.
///
/// # Errors
/// If the kernel's links cannot be read.
pub fn running(host: &dyn Host) -> Result<Vec<String>> {
    let store = Store::open(host)?;
    let records = whatever_is_recorded(host, &store);
    Ok(having_a_tap(&host.facts()?, &records))
}

fn having_a_tap(facts: &HostFacts, records: &Records) -> Vec<String> {
    let has_tap = |tap: &Option<_>| tap.as_ref().is_some_and(|tap| facts.has_tap(tap));
    let lines = records.index.lines.iter().filter(|line| has_tap(&line.tap));
    let mut names: Vec<String> = lines.map(|line| line.domain_name.clone()).collect();
    names.sort();
    names.dedup();
    names
}

fn say(host: &dyn Host, purged: &Purged) {
    for domain in &purged.without_network {
        let message = format!("domain {domain}: purged; it runs on without a network");
        host.log(Priority::Warning, &[("DOMAIN", domain)], &message);
    }
    for error in &purged.left {
        host.log(Priority::Error, &[], &format!("not purged: {error:#}"));
    }
}
