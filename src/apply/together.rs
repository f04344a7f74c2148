//! What the records say, decided anew for all domains at once: all of it comes true, or nothing.
//!
//! A hook wants something for its own domain, writes that down, and may die; who wants something for
//! every domain does it under the lock in one go. So nothing is written before it is true, and no
//! number of a want is used up: a hook of that domain may be about to use the next one. A death in
//! the middle leaves the records as they were, in doubt, and the next hook makes the kernel what
//! they say.

use std::collections::BTreeSet;

use anyhow::Result;

use super::attempt::Failed;
use super::links::Links;
use super::round::{Look, Round};
use super::served::Served;
use super::settle::serve;
use super::stale::gone;
use super::unplugged::shrunk;
use super::{Store, batch};
use crate::event::Call;
use crate::facts::HostFacts;
use crate::host::Host;
use crate::plan::Plan;
use crate::record::Want;
use crate::transaction::{self, Records, Renewal};

/// What is decided.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Decided {
    /// What every domain wants; most of them as before.
    pub wants: Vec<Want>,
    /// What becomes of all that no domain owns.
    pub renewal: Renewal,
}

/// What is decided upon.
#[derive(Debug, Clone, Copy)]
pub struct Standing<'a> {
    /// All records.
    pub records: &'a Records,
    /// The want of each domain that lives, without ports that have lost their tap.
    pub wants: &'a [Want],
    /// The host's links and addresses.
    pub facts: &'a HostFacts,
}

/// Takes the host lock, applies what is wanted already, and then what `decide` makes of every
/// domain's want, as one transaction; once more where a hook has come meanwhile. Whose want is written
/// later finds what was decided in the record and in the configuration: see [`Basis`](crate::record::Basis).
///
/// # Errors
/// What `decide` says, why a want cannot be admitted (a [`Refusal`](crate::refusal::Refusal)), or
/// why it could not be applied. Then none of it is.
pub fn settle_together(
    host: &dyn Host,
    call: Call,
    mut decide: impl FnMut(Standing<'_>) -> Result<Decided>,
) -> Result<()> {
    let (_lock, store) = batch::lock(host, call)?;
    let mut served = Served::default();
    loop {
        serve((host, call), &store, &mut served)?;
        let round = round((host, call), &store, &mut decide)?;
        round.all_or_none()?;
        if served.all_of(&store)? {
            return Ok(());
        }
    }
}

/// What [`settle_together`] would run now. Nothing is changed, but for what a dead reload was writing:
/// that has happened, and is ended first.
///
/// # Errors
/// As there.
pub fn plan_together(
    host: &dyn Host,
    call: Call,
    mut decide: impl FnMut(Standing<'_>) -> Result<Decided>,
) -> Result<Plan> {
    let (_lock, store) = batch::lock(host, call)?;
    round((host, call), &store, &mut decide)?.plan()
}

/// A pass with the wants that differ from what is recorded, by which ports change while they are open;
/// beside them the domains whose rules change by that. If all rules are to be written otherwise, the
/// kernel is read back: what stands there already under the names that they get is ours then, and goes.
/// A machine may end meanwhile: so the links are read first, and once.
fn round<'a>(
    (host, call): (&'a dyn Host, Call),
    store: &'a Store<'a>,
    decide: &mut impl FnMut(Standing<'_>) -> Result<Decided>,
) -> Result<Round<'a>> {
    let links = Links::of(host);
    links.get()?;
    let mut records = store.load()?;
    store.load_all_domains(&mut records)?;
    let wants = living(host, &links, &records)?;
    let Decided { wants, renewal } = decide(Standing {
        records: &records,
        wants: &wants,
        facts: links.get()?,
    })?;
    let differs = |want: &Want| {
        let is_as = |had: &Want| {
            (&had.ports, &had.networks, &had.options)
                == (&want.ports, &want.networks, &want.options)
        };
        let record = records.domains.get(&want.uuid);
        record.is_none_or(|record| !is_as(&record.want))
    };
    let wants = wants.into_iter().filter(differs);
    let wants: Vec<Want> = wants.map(|want| Want { call, ..want }).collect();
    let naming = transaction::naming(&records, &wants);
    let mut round = Round::looking((host, call), store, links, (wants, Look::besides(&renewal)))?;
    store.load_domains(&mut round.records, &naming)?;
    round.renewal = Some(renewal);
    Ok(round)
}

fn living(host: &dyn Host, links: &Links<'_>, records: &Records) -> Result<Vec<Want>> {
    let gone: BTreeSet<_> = gone(host, links, records, |_| true)?.into_iter().collect();
    let domains = records.domains.iter();
    let living = domains.filter(|(uuid, _)| !gone.contains(*uuid));
    living
        .map(|(_, record)| {
            let less = shrunk(links, &record.want)?;
            Ok(less.unwrap_or_else(|| record.want.clone()))
        })
        .collect()
}

impl Round<'_> {
    /// Applies all wants as one transaction, or none.
    fn all_or_none(&self) -> Result<()> {
        self.check()?;
        let renews = self.renewal.as_ref().is_some_and(|it| !it.is_empty());
        if self.wants.is_empty() && self.observed.is_none() && !renews {
            return Ok(());
        }
        match self.attempt(&self.wants) {
            Ok(()) => Ok(()),
            Err(Failed::Undone(error)) => Err(error),
            Err(Failed::Stuck(error)) => Err(error.into()),
        }
    }

    /// What that would run.
    fn plan(&self) -> Result<Plan> {
        self.check()?;
        Ok(self.ready(&self.wants)?.transaction(&self.wants)?.plan)
    }

    /// Why not all wants can stand beside each other and what there is.
    fn check(&self) -> Result<()> {
        let mut so_far = self.records.clone();
        for want in &self.wants {
            self.admitted(want, &so_far)??;
            so_far.add(want);
        }
        Ok(())
    }
}
