//! Several records that become true at once.
//!
//! A record is written whole, but each by itself: who dies between two leaves some as they were and
//! some as they shall be. Where hooks want something that does no harm, for their wants are still
//! there. A reload has no want that outlives it. So what it is about to write it writes down as one
//! file first. From then on it has happened: whoever gets the lock next writes the rest.

use std::collections::BTreeMap;

use anyhow::Result;
use serde::{Deserialize, Serialize};

use super::{Store, journal};
use crate::event::Call;
use crate::facts::Epoch;
use crate::host::{Host, LockGuard};
use crate::record::{DomainRecord, HostRecord, Index, NetworkRecord, Want, decode, encode};
use crate::transaction::Records;

/// The name of the file that holds it while it is being written.
pub(super) const FILE: &str = "batch";

/// Files of the state directory that are written or removed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Batch {
    epoch: Epoch,
    /// Name and content.
    write: BTreeMap<String, String>,
    remove: Vec<String>,
}

/// Takes the host lock, and ends what somebody was writing when it died.
pub(super) fn lock(host: &dyn Host, call: Call) -> Result<(LockGuard, Store<'_>)> {
    let lock = host.lock()?;
    Ok((lock, ended(host, call)?))
}

/// The same for who waits until this want is served: `None` where somebody else has.
pub(super) fn lock_unless_served<'a>(
    host: &'a dyn Host,
    want: &Want,
) -> Result<Option<(LockGuard, Store<'a>)>> {
    let is_served = || Ok(host.read_state(&want.file())?.is_none());
    let Some(lock) = host.lock_unless(&is_served)? else {
        return Ok(None);
    };
    Ok(Some((lock, ended(host, want.call)?)))
}

/// The records, once what was begun is ended. What nobody can read holds up nobody: then some records
/// are as they were before the reload and some are not, and the kernel is made what they say.
fn ended(host: &dyn Host, call: Call) -> Result<Store<'_>> {
    let store = Store::open(host)?;
    let Some(bytes) = host.read_state(FILE)? else {
        return Ok(store);
    };
    match decode::<Batch>(&bytes) {
        Ok(batch) if batch.epoch == *store.epoch() => store.write_batch(&batch)?,
        Ok(_) => {}
        Err(error) => {
            if let Some(record) = store.host_record()? {
                store.commit_host(Some(&record.doubted()))?;
            }
            journal::damaged_batch(host, call, &error);
        }
    }
    host.remove_state(FILE)?;
    Ok(store)
}

impl Batch {
    /// What a transaction changes, the host's record excepted.
    pub(super) fn between(before: &Records, after: &Records) -> Self {
        let mut batch = Self {
            epoch: after.epoch.clone(),
            write: BTreeMap::new(),
            remove: Vec::new(),
        };
        for (uuid, record) in &after.domains {
            if before.domains.get(uuid) != Some(record) {
                batch.put(DomainRecord::file_of(uuid), record);
            }
        }
        for (id, record) in &after.networks {
            if before.networks.get(id) != Some(record) {
                batch.put(NetworkRecord::file_of(id), record);
            }
        }
        let domains = before.domains.keys();
        let domains = domains.filter(|uuid| !after.domains.contains_key(*uuid));
        batch.remove.extend(domains.map(DomainRecord::file_of));
        let networks = before.networks.keys();
        let networks = networks.filter(|id| !after.networks.contains_key(*id));
        batch.remove.extend(networks.map(NetworkRecord::file_of));
        let host = before.host.as_ref();
        let were_in_doubt = host.is_some_and(HostRecord::is_in_doubt);
        match after.index.lines.is_empty() {
            true => batch.remove.push(Index::FILE.to_owned()),
            // In doubt the index was made anew, and what is written may be another one.
            false if after.index == before.index && !were_in_doubt => {}
            false => batch.put(Index::FILE.to_owned(), &after.index),
        }
        batch
    }

    fn put<T: Serialize>(&mut self, file: String, record: &T) {
        let text = String::from_utf8_lossy(&encode(record)).into_owned();
        self.write.insert(file, text);
    }
}

impl Store<'_> {
    /// Writes what a transaction changed, the host's record excepted.
    ///
    /// # Errors
    /// If a record cannot be written.
    pub fn commit(&self, before: &Records, after: &Records) -> Result<()> {
        self.write_batch(&Batch::between(before, after))
    }

    /// The same, but all of it is written or nothing, and the host's record with it, in doubt.
    ///
    /// # Errors
    /// If a record cannot be written. Then it is not known which of both.
    pub(super) fn commit_at_once(&self, before: &Records, after: &Records) -> Result<()> {
        let mut batch = Batch::between(before, after);
        if let Some(host) = &after.host {
            let besides = before.host.iter().flat_map(HostRecord::writings);
            let host = besides.fold(host.doubted(), HostRecord::beside);
            batch.put(HostRecord::FILE.to_owned(), &host);
        }
        self.write(FILE, &batch)?;
        self.write_batch(&batch)?;
        Ok(self.host.remove_state(FILE)?)
    }

    fn write_batch(&self, batch: &Batch) -> Result<()> {
        for (file, text) in &batch.write {
            self.host.write_state(file, text.as_bytes())?;
        }
        for file in &batch.remove {
            self.host.remove_state(file)?;
        }
        Ok(())
    }
}
