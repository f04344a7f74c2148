//! The one road by which wants become true.

use anyhow::Result;

use super::outdated::without_outdated;
use super::round::Round;
use super::served::Served;
use super::{Store, batch};
use crate::event::Call;
use crate::facts::IptablesBackend;
use crate::host::Host;
use crate::record::{DomainRecord, HostRecord, Want};

/// How much is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// The wants there are; the kernel is read back only where somebody else was there.
    Wants,
    /// Everything, against the kernel read back.
    Repair,
}

/// Has this want become true, with every other one there is: by who holds the lock, or by us. What
/// becomes of it is told by [`Store::take_failure`].
///
/// # Errors
/// If the lock is not to be had in time, or a repair that belongs to nobody's want fails.
pub fn settle(host: &dyn Host, mode: Mode, want: &Want) -> Result<()> {
    match mode {
        Mode::Repair => repair(host, want.call),
        Mode::Wants => match batch::lock_unless_served(host, want)? {
            Some((_lock, store)) => rounds((host, want.call), &store, false, None),
            None => Ok(()),
        },
    }
}

/// The same for the want of a domain that goes: it is served also where it could not be `written`
/// down.
///
/// # Errors
/// As for [`settle`].
pub fn settle_leaving(host: &dyn Host, want: &Want, written: bool) -> Result<()> {
    let taken = if written {
        batch::lock_unless_served(host, want)?
    } else {
        Some(batch::lock(host, want.call)?)
    };
    match taken {
        Some((_lock, store)) => rounds((host, want.call), &store, false, Some(want)),
        None => Ok(()),
    }
}

/// Takes the host lock, applies every want there is, and makes the kernel what the records say.
/// `call` is what this process serves: repairs are told by it, and domains that went without a word.
///
/// # Errors
/// As for [`settle`].
pub fn repair(host: &dyn Host, call: Call) -> Result<()> {
    let (_lock, store) = batch::lock(host, call)?;
    rounds((host, call), &store, true, None)
}

/// Until no want is left, by who holds the lock; the work of others only for half of our time.
fn rounds(
    (host, call): (&dyn Host, Call),
    store: &Store<'_>,
    mut repair: bool,
    mut leaving: Option<&Want>,
) -> Result<()> {
    let mut served = Served::default();
    loop {
        let mut wants = store.wants()?;
        if let Some(want) = leaving.take()
            && is_newer(want, store.domain(&want.uuid)?.as_ref())
        {
            wants.retain(|other| other.uuid != want.uuid);
            wants.push(want.clone());
        }
        wants.retain(|want| served.add(want));
        let wants = without_outdated(host, store, wants)?;
        if wants.is_empty() && !repair {
            return Ok(());
        }
        Round::new((host, call), store, wants, repair)?.settle()?;
        // What has come since has hooks that wait for the lock, with more time than is left here.
        if host.elapsed() > host.time_left() {
            return Ok(());
        }
        repair = false;
    }
}

/// Applies every want there is, by who holds the lock.
pub(super) fn serve(
    (host, call): (&dyn Host, Call),
    store: &Store<'_>,
    served: &mut Served,
) -> Result<()> {
    loop {
        let mut wants = store.wants()?;
        wants.retain(|want| served.add(want));
        let wants = without_outdated(host, store, wants)?;
        if wants.is_empty() {
            return Ok(());
        }
        Round::new((host, call), store, wants, false)?.settle()?;
    }
}

/// Whether something of the domain stands that this want was not applied to yet.
fn is_newer(want: &Want, record: Option<&DomainRecord>) -> bool {
    record.is_some_and(|record| record.want.generation < want.generation)
}

/// Whether nobody has changed an nftables table since our last act, and that act was this version's
/// of the program. The old iptables has no generation, so there the answer is always no.
pub(super) fn is_as_we_left_it(host: &dyn Host, record: &HostRecord) -> Result<bool> {
    let Some(generation) = record.generation else {
        return Ok(false);
    };
    if record.backend == IptablesBackend::Legacy || !record.has_our_base() {
        return Ok(false);
    }
    Ok(host.ruleset_generation()? == generation)
}

/// Whether the kernel is as the records say: nothing of ours is there, or nobody else was.
///
/// # Errors
/// If the records or the kernel's generation cannot be read.
pub fn is_as_recorded(host: &dyn Host, store: &Store<'_>) -> Result<bool> {
    match store.host_record()? {
        Some(record) => is_as_we_left_it(host, &record),
        None => Ok(store.networks()?.is_empty()),
    }
}
