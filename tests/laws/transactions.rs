//! What a transaction leads to.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use vmhook::firewall::guard::Tables;
use vmhook::firewall::iptables::{Table, chain_suffix};
use vmhook::model::{NetworkId, Port};
use vmhook::plan::{Besides, Forget, Plan, Step};
use vmhook::record::{Index, Want};
use vmhook::state::ReadBack;
use vmhook::transaction::{Records, Surroundings, Transaction, settle, touched};

use crate::hosts::{admitted, around, batches, epoch, facts, farewells};
use crate::kernel::{Kernel, acts};

/// A host between two transactions.
#[derive(Debug, Clone)]
pub(crate) struct Host {
    pub(crate) records: Records,
    pub(crate) kernel: Kernel,
}

impl Host {
    pub(crate) fn new() -> Self {
        Self {
            records: Records::empty(epoch()),
            kernel: Kernel::new(),
        }
    }

    /// Everything read back, all records at hand.
    pub(crate) fn settle_whole(&self, wants: &[Want]) -> Transaction {
        let observed = self.kernel.observed_by(self.records.host.as_ref());
        let facts = facts();
        let around = Surroundings {
            observed: Some(&observed),
            ..around(&facts)
        };
        settle(&self.records, wants, around)
    }

    /// Nothing read back, and of the domains only those concerned.
    pub(crate) fn settle_delta(&self, wants: &[Want]) -> Transaction {
        let mut concerned = touched(&self.records, wants);
        concerned.extend(wants.iter().map(|want| want.uuid.clone()));
        let mut some = self.records.clone();
        some.domains.retain(|uuid, _| concerned.contains(uuid));
        settle(&some, wants, around(&facts()))
    }

    /// Runs a transaction and takes over its records, with those that it did not load.
    pub(crate) fn take(&mut self, transaction: &Transaction, wants: &[Want]) {
        self.kernel.run(&transaction.plan);
        let mut after = transaction.after.clone();
        let own: BTreeSet<_> = wants.iter().map(|want| &want.uuid).collect();
        for (uuid, record) in &self.records.domains {
            if !own.contains(uuid) {
                let record = || record.clone();
                after.domains.entry(uuid.clone()).or_insert_with(record);
            }
        }
        if let Some(host) = &mut after.host
            && host.guard_chains.is_empty()
        {
            host.guard_chains = self.kernel.guard_chains();
        }
        self.records = after;
    }

    /// The kernel is what the records say.
    pub(crate) fn check(&self) -> Result<(), TestCaseError> {
        let wanted = ReadBack::from(self.records.state());
        prop_assert_eq!(self.kernel.observed(), wanted);
        Ok(())
    }
}

/// Plays a host; shows each transaction, with the host before it, before it is run.
pub(crate) fn play(
    batches: &[Vec<Want>],
    mut see: impl FnMut(&Host, &[Want], &Transaction) -> Result<(), TestCaseError>,
) -> Result<Host, TestCaseError> {
    let mut host = Host::new();
    for batch in batches {
        let wants = admitted(batch, &host.records);
        let transaction = host.settle_delta(&wants);
        see(&host, &wants, &transaction)?;
        host.take(&transaction, &wants);
    }
    Ok(host)
}

/// The host in the end.
pub(crate) fn played(batches: &[Vec<Want>]) -> Result<Host, TestCaseError> {
    play(batches, |_, _, _| Ok(()))
}

/// The connections that a plan forgets.
fn forgets(plan: &Plan) -> Vec<&Forget> {
    let steps = plan.steps.iter();
    steps
        .filter_map(|step| match step {
            Step::Connections(forget) => Some(forget),
            _ => None,
        })
        .collect()
}

fn is_nothing(plan: &Plan) -> Result<(), TestCaseError> {
    prop_assert!(plan.is_empty(), "{}", plan);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn a_plan_leads_to_what_is_wanted(batches in batches()) {
        let mut host = Host::new();
        for batch in &batches {
            let wants = admitted(batch, &host.records);
            let transaction = host.settle_delta(&wants);
            host.take(&transaction, &wants);
            host.check()?;
        }
    }

    #[test]
    fn what_is_there_needs_no_plan(batches in batches()) {
        let host = played(&batches)?;
        let state = host.records.state();
        is_nothing(&Plan::between(&state.clone().into(), &state, &Besides::default()))?;
        is_nothing(&host.settle_delta(&[]).plan)?;
        is_nothing(&host.settle_whole(&[]).plan)?;
        let again: Vec<Want> = host.records.domains.values().map(|it| it.want.clone()).collect();
        is_nothing(&host.settle_delta(&again).plan)?;
    }

    #[test]
    fn the_records_of_the_domains_concerned_lead_where_the_whole_kernel_leads(batches in batches()) {
        play(&batches, |host, wants, delta| {
            let whole = host.settle_whole(wants);
            let (mut one, mut other) = (host.clone(), host.clone());
            one.take(delta, wants);
            other.take(&whole, wants);
            prop_assert_eq!(&one.kernel, &other.kernel);
            prop_assert_eq!(&one.records, &other.records);
            prop_assert_eq!(forgets(&delta.plan), forgets(&whole.plan));
            Ok(())
        })?;
    }

    #[test]
    fn touched_finds_every_domain_whose_rules_change(batches in batches()) {
        play(&batches, |host, wants, _| {
            let after = host.settle_whole(wants).after;
            let touched = touched(&host.records, wants);
            for (uuid, record) in &host.records.domains {
                let own = wants.iter().any(|want| want.uuid == *uuid);
                let same = after.domains.get(uuid) == Some(record);
                prop_assert!(own || same || touched.contains(uuid), "{}", uuid);
            }
            Ok(())
        })?;
    }

    #[test]
    fn the_order_of_wants_decides_nothing(batches in batches()) {
        play(&batches, |host, wants, transaction| {
            let mut reversed = wants.to_vec();
            reversed.reverse();
            let other = host.settle_delta(&reversed);
            prop_assert_eq!(&other.after, &transaction.after);
            prop_assert_eq!(&other.plan, &transaction.plan);
            Ok(())
        })?;
    }

    #[test]
    fn when_all_are_gone_nothing_is_left(batches in batches()) {
        let mut host = played(&batches)?;
        let wants = farewells(&host.records);
        let transaction = host.settle_delta(&wants);
        host.take(&transaction, &wants);
        host.check()?;
        let kept: Vec<&str> = host.records.networks.keys().map(NetworkId::as_str).collect();
        prop_assert!(kept.is_empty() || kept == ["office"], "a stranger is there: {:?}", kept);
        if kept.is_empty() {
            prop_assert_eq!(host.kernel, Kernel::new());
            prop_assert_eq!(host.records, Records::empty(epoch()));
        }
    }

    #[test]
    fn tables_that_somebody_changed_or_another_version_made_are_made_anew_once(
        batches in batches(), changed: bool,
    ) {
        let mut host = played(&batches)?;
        if let Some(record) = &mut host.records.host {
            prop_assert!(record.has_our_base());
            if changed {
                record.guard_chains.push("a rule that somebody took away".to_owned());
            } else {
                record.guard_base ^= 1;
            }
        }
        let repair = host.settle_whole(&[]);
        let anew = host.records.host.is_some();
        prop_assert_eq!(repair.plan.to_string().contains("delete table bridge vmhook"), anew);
        host.take(&repair, &[]);
        host.check()?;
        is_nothing(&host.settle_whole(&[]).plan)?;
    }

    #[test]
    fn the_index_says_what_the_records_say(batches in batches()) {
        let host = played(&batches)?;
        let mut lines = host.records.index.lines.clone();
        lines.sort_by(|one, other| one.domain.cmp(&other.domain));
        prop_assert_eq!(lines, Index::of(host.records.domains.values()).lines);
    }

    #[test]
    fn no_two_open_ports_share_a_tap_a_chain_or_an_address_on_a_network(batches in batches()) {
        let host = played(&batches)?;
        let domains = host.records.domains.values();
        let open: Vec<&Port> = domains.flat_map(|it| it.want.open_ports()).map(|it| it.0).collect();
        let distinct = |count: usize| count == open.len();
        let keys: BTreeSet<_> = open.iter().map(|port| port.key()).collect();
        let taps: BTreeSet<_> = open.iter().filter_map(|port| Some(&port.tap.as_ref()?.name)).collect();
        let chains: BTreeSet<_> = open.iter().map(|port| chain_suffix(port)).collect();
        prop_assert!(distinct(keys.len()) && distinct(taps.len()) && distinct(chains.len()));
    }

    #[test]
    fn each_network_has_a_zone_of_its_own(batches in batches()) {
        let host = played(&batches)?;
        let networks = &host.records.networks;
        let zones: BTreeSet<_> = networks.values().map(|record| record.zone).collect();
        prop_assert_eq!(zones.len(), networks.len());
        let state = host.records.state();
        let by_bridge: BTreeMap<_, _> = state.v4.zones().collect();
        // On the host's own bridge the zone is of ports, not of the bridge.
        let whole = networks.values().filter(|record| record.network.existing().is_none());
        let serving = whole.filter(|record| record.serving);
        let expected = serving.map(|record| (&record.network.bridge, record.zone)).collect();
        prop_assert_eq!(by_bridge, expected);
        prop_assert_eq!(state.v4.zones().collect::<Vec<_>>(), state.v6.zones().collect::<Vec<_>>());
    }

    #[test]
    fn every_jump_has_its_chain_and_every_port_chain_ends_in_a_drop(batches in batches()) {
        let state = played(&batches)?.records.state();
        for rules in [&state.v4, &state.v6] {
            for (table, _, to) in rules.jumps() {
                prop_assert!(rules.has_chain(table, to), "{}", to);
            }
            for (table, name, _) in rules.chains() {
                let lines = rules.rules(table, name);
                for to in lines.iter().filter_map(|rule| rule.target().chain()) {
                    prop_assert!(rules.has_chain(table, to), "{}", to);
                }
                let last = lines.last().map(ToString::to_string).unwrap_or_default();
                let part = name.as_str().strip_prefix("neutron-linuxbri-").unwrap_or_default();
                if table == Table::Filter && part.len() == 11 {
                    let drops = last.ends_with("-j DROP") || last.ends_with("-j neutron-linuxbri-sg-fallback");
                    prop_assert!(drops && !last.contains("-s ") && !last.contains("-p "), "{}", last);
                }
            }
        }
    }

    #[test]
    fn a_network_whose_record_is_lost_keeps_its_links(
        batches in batches(), lost: prop::sample::Index,
    ) {
        let mut host = played(&batches)?;
        let used: Vec<NetworkId> = host.records.networks.keys()
            .filter(|id| host.records.index.uses(id)).cloned().collect();
        prop_assume!(!used.is_empty());
        host.records.networks.remove(lost.get(&used));
        let repair = host.settle_whole(&[]);
        prop_assert!(!repair.plan.to_string().contains("ip link del"), "{}", repair.plan);
        host.take(&repair, &[]);
        host.check()?;
        is_nothing(&host.settle_whole(&[]).plan)?;
    }

    #[test]
    fn a_network_that_stands_changes_only_where_everything_is_repaired(batches in batches()) {
        let mut host = played(&batches)?;
        let facts = facts();
        let observed = host.kernel.observed();
        let elsewhere = Surroundings { machine_id: "another machine", ..around(&facts) };
        is_nothing(&settle(&host.records, &[], elsewhere).plan)?;
        let repair = settle(&host.records, &[], Surroundings { observed: Some(&observed), ..elsewhere });
        let bridges = repair.plan.to_string().matches("type bridge").count();
        let networks = host.records.networks.values();
        let made = networks.filter(|record| record.network.existing().is_none());
        prop_assert_eq!(bridges, made.count());
        host.take(&repair, &[]);
        host.check()?;
    }
}

proptest! {
    // Each plan is cut at each of its points.
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn a_plan_cut_anywhere_is_repaired_and_can_be_undone(batches in batches()) {
        play(&batches, |host, wants, transaction| {
            let acts = acts(&transaction.plan);
            for done in 0..acts.len() {
                let mut cut = host.clone();
                acts[..done].iter().for_each(|act| cut.kernel.act(act));
                let mut undone = cut.clone();
                let repair = cut.settle_whole(wants);
                cut.take(&repair, wants);
                cut.check()?;
                let observed = undone.kernel.observed_by(undone.records.host.as_ref());
                let before = undone.records.state();
                undone.kernel.run(&Plan::between(&observed, &before, &Besides::default()));
                undone.check()?;
            }
            Ok(())
        })?;
    }
}

#[test]
fn random_hosts_are_not_empty() {
    // The laws would hold for hosts on which nothing is ever admitted.
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let mut open = 0;
    let mut moved = 0;
    for _ in 0..128 {
        let batches = batches().new_tree(&mut runner).expect("a host").current();
        let host = play(&batches, |host, _, transaction| {
            let names = |records: &Records| -> BTreeMap<_, _> {
                let ports = records.domains.values().flat_map(|it| it.want.open_ports());
                ports
                    .map(|(port, tap)| (tap.name.clone(), port.key()))
                    .collect()
            };
            let after = names(&transaction.after);
            let before = names(&host.records);
            moved += before
                .iter()
                .filter(|(tap, key)| after.get(tap).is_some_and(|it| it != *key))
                .count();
            Ok(())
        });
        let host = host.expect("no law is broken");
        open += host.records.state().guard.open_ports().len();
        assert!(host.records.host.is_none() || host.records.state().guard.tables == Tables::Made);
    }
    assert!(open > 100, "{open} open ports");
    assert!(moved > 5, "{moved} taps that moved");
}
