//! A look at everything, that changes nothing: for `plan`, `inspect` and `sync`.

use anyhow::Result;

use super::settle::is_as_we_left_it;
use super::{Store, batch, observe};
use crate::event::Call;
use crate::facts::HostFacts;
use crate::host::Host;
use crate::state::ReadBack;
use crate::transaction::Records;

/// The host as it is and as the records say. Where it is taken without the lock, a hook that runs
/// meanwhile makes the two disagree.
#[derive(Debug, Clone)]
pub struct Survey {
    /// Links and addresses.
    pub facts: HostFacts,
    /// All records of this boot and network namespace, every domain's included.
    pub records: Records,
    /// Everything of ours that the kernel has; `None` while no record says that anything is.
    pub observed: Option<ReadBack>,
    /// Whether the next hook would read the kernel back and repair: somebody else was there, or a
    /// hook died.
    pub doubtful: bool,
}

/// Looks at the whole host while no hook is at work, and none has left a record half written.
///
/// # Errors
/// As for [`survey`], and if the lock is not to be had in time.
pub fn survey_in_peace(host: &dyn Host, call: Call) -> Result<Survey> {
    let (_lock, _) = batch::lock(host, call)?;
    survey(host)
}

/// Looks at the whole host.
///
/// # Errors
/// If the kernel or a record cannot be read.
pub fn survey(host: &dyn Host) -> Result<Survey> {
    let store = Store::open(host)?;
    let facts = host.facts()?;
    let mut records = store.load()?;
    store.load_all_domains(&mut records)?;
    let (observed, doubtful) = match &records.host {
        Some(record) => (
            Some(observe(host, &facts, record, &records.ways_out())?),
            !is_as_we_left_it(host, record)?,
        ),
        None => (None, false),
    };
    Ok(Survey {
        facts,
        records,
        observed,
        doubtful,
    })
}
