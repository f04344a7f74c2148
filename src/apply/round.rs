//! One pass under the lock: some wants, and what they meet.

use std::collections::BTreeSet;

use anyhow::Result;

use super::attempt::{Attempt, Failed};
use super::links::Links;
use super::settle::is_as_we_left_it;
use super::stale::{farewell, gone, still_wanted};
use super::unplugged::{lost_tap, shrunk, unplugged};
use super::{Store, journal, observe, sets};
use crate::event::Call;
use crate::firewall::iptables::Options;
use crate::host::{Host, HostError};
use crate::model::DomainUuid;
use crate::record::{HostRecord, Phase, Want};
use crate::refusal::Refusal;
use crate::state::ReadBack;
use crate::transaction::{self, Records, Renewal};

/// How much is looked at in one pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Look<'a> {
    /// The kernel is read back only where somebody else was there.
    AsNeeded,
    /// The same, and the sets are looked at also where none of them changes.
    AtSets,
    /// It is read back.
    Everything,
    /// It is read back with rules that are written like this, too.
    EverythingBeside(&'a Options),
}

impl<'a> Look<'a> {
    /// What must be looked at for this.
    pub(super) fn besides(renewal: &'a Renewal) -> Self {
        let options = renewal.options.as_ref();
        options.map_or(Self::AtSets, Self::EverythingBeside)
    }

    /// The host's record, by which the kernel is read.
    fn record(self, record: &HostRecord) -> HostRecord {
        match self {
            Self::EverythingBeside(options) => record.clone().beside(options),
            Self::AsNeeded | Self::AtSets | Self::Everything => record.clone(),
        }
    }

    /// Whether the kernel is read back before these wants.
    fn reads_back(self, host: &dyn Host, records: &Records, wants: &[Want]) -> Result<bool> {
        let Some(record) = &records.host else {
            return Ok(false);
        };
        let at_sets = match self {
            Self::Everything | Self::EverythingBeside(_) => return Ok(true),
            Self::AtSets => true,
            Self::AsNeeded => sets::change_by(records, wants),
        };
        Ok(!is_as_we_left_it(host, record)? || at_sets && !sets::are_whole(host, records))
    }
}

/// One pass under the lock: the wants there are, and what they meet.
pub(super) struct Round<'a> {
    host: &'a dyn Host,
    call: Call,
    store: &'a Store<'a>,
    links: Links<'a>,
    pub(super) records: Records,
    pub(super) observed: Option<ReadBack>,
    pub(super) wants: Vec<Want>,
    /// See [`Surroundings::renewal`](transaction::Surroundings::renewal).
    pub(super) renewal: Option<Renewal>,
}

impl<'a> Round<'a> {
    pub(super) fn new(
        by: (&'a dyn Host, Call),
        store: &'a Store<'a>,
        wants: Vec<Want>,
        repair: bool,
    ) -> Result<Self> {
        let look = if repair {
            Look::Everything
        } else {
            Look::AsNeeded
        };
        Self::looking(by, store, Links::of(by.0), (wants, look))
    }

    pub(super) fn looking(
        (host, call): (&'a dyn Host, Call),
        store: &'a Store<'a>,
        links: Links<'a>,
        (wants, look): (Vec<Want>, Look<'_>),
    ) -> Result<Self> {
        let mut records = store.load()?;
        let own = wants.iter().map(|want| want.uuid.clone()).collect();
        store.load_domains(&mut records, &own)?;
        let now = |want: Want| {
            let record = records.domains.get(&want.uuid);
            still_wanted(host, &links, want.upon(record))
        };
        let mut wants: Vec<Want> = wants.into_iter().map(now).collect::<Result<_>>()?;
        // Who goes makes room for who comes.
        wants.sort_by_key(|want| want.phase);
        let reads_back = look.reads_back(host, &records, &wants)?;
        let observed = match &records.host {
            Some(record) if reads_back => {
                let record = look.record(record);
                Some(observe(host, links.get()?, &record, &records.ways_out())?)
            }
            _ => None,
        };
        if observed.is_some() {
            store.load_all_domains(&mut records)?;
        } else {
            let concerned = transaction::touched(&records, &wants);
            store.load_domains(&mut records, &concerned)?;
        }
        Ok(Self {
            host,
            call,
            store,
            links,
            records,
            observed,
            wants,
            renewal: None,
        })
    }

    /// Applies all wants as one transaction; if that fails, each by itself.
    pub(super) fn settle(mut self) -> Result<()> {
        self.retire_clashing()?;
        self.drop_unplugged()?;
        let admitted = self.admit()?;
        if admitted.is_empty() && self.observed.is_none() {
            return Ok(());
        }
        match (self.attempt(&admitted), admitted.as_slice()) {
            (Ok(()), _) => Ok(()),
            (Err(Failed::Stuck(error)), _) => Err(error.into()),
            (Err(Failed::Undone(error)), _) if is_out_of_time(&error) => Err(error),
            (Err(Failed::Undone(error)), []) => Err(error),
            (Err(Failed::Undone(error)), [want]) => self.failed(want, &error),
            (Err(Failed::Undone(_)), several) => {
                several.iter().try_for_each(|want| self.alone(want))
            }
        }
    }

    /// Where nothing goes, no network can go either, and nobody asks who else is on its bridge.
    pub(super) fn ready(&self, wants: &[Want]) -> Result<Attempt<'_>> {
        let renewal = self.renewal.as_ref();
        let goes = self.observed.is_some()
            || renewal.is_some_and(|renewal| !renewal.networks.is_empty())
            || wants.iter().any(|want| want.phase == Phase::Gone)
            || transaction::leaves(&self.records, wants);
        let facts = if goes { Some(self.links.get()?) } else { None };
        Ok(Attempt {
            host: self.host,
            store: self.store,
            facts,
            before: &self.records,
            observed: self.observed.as_ref(),
            call: self.call,
            renewal,
        })
    }

    pub(super) fn attempt(&self, wants: &[Want]) -> Result<(), Failed> {
        self.ready(wants).map_err(Failed::Undone)?.make(wants)
    }

    /// Admitted anew: it may have counted on what another want would give up, which then failed.
    fn alone(&self, want: &Want) -> Result<()> {
        let round = Round::new(
            (self.host, self.call),
            self.store,
            vec![want.clone()],
            false,
        )?;
        let admitted = round.admit()?;
        if admitted.is_empty() {
            return Ok(());
        }
        match round.attempt(&admitted) {
            Ok(()) => Ok(()),
            Err(Failed::Undone(error)) if is_out_of_time(&error) => Err(error),
            Err(Failed::Undone(error)) => self.failed(want, &error),
            Err(Failed::Stuck(error)) => Err(error.into()),
        }
    }

    fn refuse(&self, want: &Want, refusal: &Refusal) -> Result<()> {
        journal::refused(self.host, want, refusal, None);
        self.store.put_failure(want, refusal)
    }

    fn failed(&self, want: &Want, error: &anyhow::Error) -> Result<()> {
        let refusal = want.refusal(format!("{error:#}"));
        journal::refused(self.host, want, &refusal, Some(error));
        self.store.put_failure(want, &refusal)
    }

    /// A want may name a tap or an address of a domain that went without a word: that one goes
    /// first.
    fn retire_clashing(&mut self) -> Result<()> {
        let clashes = |line: &_| {
            self.wants
                .iter()
                .any(|want| transaction::clashes(want, line))
        };
        let gone = gone(self.host, &self.links, &self.records, clashes)?;
        let own: BTreeSet<DomainUuid> = self.wants.iter().map(|want| want.uuid.clone()).collect();
        let gone: BTreeSet<DomainUuid> = gone
            .into_iter()
            .filter(|uuid| !own.contains(uuid))
            .collect();
        self.store.load_domains(&mut self.records, &gone)?;
        let records = gone
            .iter()
            .filter_map(|uuid| self.records.domains.get(uuid));
        let farewells: Vec<Want> = records
            .map(|record| farewell(&record.want, self.call))
            .collect();
        self.let_go_first(farewells)
    }

    /// A machine that runs may have lost interfaces without a word: those go, all of them where the
    /// links were read, and else those that a want clashes with.
    fn drop_unplugged(&mut self) -> Result<()> {
        let concerned = |line: &_| {
            let clashes = |want| transaction::clashes(want, line);
            self.observed.is_some() || self.wants.iter().any(clashes)
        };
        let mut unplugged = unplugged(&self.links, &self.records, concerned)?;
        for want in &self.wants {
            unplugged.remove(&want.uuid);
        }
        self.store.load_domains(&mut self.records, &unplugged)?;
        let records = unplugged
            .iter()
            .filter_map(|uuid| self.records.domains.get(uuid));
        let wants = records.map(|record| shrunk(&self.links, &record.want).transpose());
        let call = self.call;
        let wants = wants
            .flatten()
            .map(|want| Ok(Want { call, ..want? }))
            .collect::<Result<_>>()?;
        self.let_go_first(wants)
    }

    /// Puts wants by which things only go before the others, with the records that they touch.
    fn let_go_first(&mut self, wants: Vec<Want>) -> Result<()> {
        let touched = transaction::touched(&self.records, &wants);
        self.store.load_domains(&mut self.records, &touched)?;
        self.wants.splice(0..0, wants);
        Ok(())
    }

    /// Whether a want can stand beside these records.
    pub(super) fn admitted(&self, want: &Want, records: &Records) -> Result<Result<(), Refusal>> {
        Ok(match lost_tap(&self.links, want)? {
            Some(refusal) => Err(refusal),
            None => transaction::admit(want, records),
        })
    }

    /// The wants that can stand beside what there is and beside each other. The others have failed.
    fn admit(&self) -> Result<Vec<Want>> {
        let mut so_far = self.records.clone();
        let mut admitted = Vec::new();
        for want in &self.wants {
            match self.admitted(want, &so_far)? {
                Ok(()) => {
                    so_far.add(want);
                    admitted.push(want.clone());
                }
                Err(refusal) => self.refuse(want, &refusal)?,
            }
        }
        Ok(admitted)
    }
}

/// Whether this process had no time for it. That is no reason to refuse what others want: they wait,
/// or have died, and the next one to have the lock serves them.
fn is_out_of_time(error: &anyhow::Error) -> bool {
    let mut causes = error.chain();
    causes.any(|cause| matches!(cause.downcast_ref(), Some(HostError::Busy { .. })))
}
