//! Which wants were served under one lock.

use std::collections::BTreeSet;

use anyhow::Result;

use super::Store;
use crate::model::DomainUuid;
use crate::record::Want;

/// The wants that were served under this lock. Once a want is served it is removed; where nothing can
/// be removed it stays.
#[derive(Default)]
pub(super) struct Served(BTreeSet<(DomainUuid, u64)>);

impl Served {
    /// Whether it was not served before.
    pub(super) fn add(&mut self, want: &Want) -> bool {
        self.0.insert((want.uuid.clone(), want.generation))
    }

    /// Whether no other want is there.
    pub(super) fn all_of(&self, store: &Store<'_>) -> Result<bool> {
        let wants = store.wants()?;
        let is_served = |want: &Want| self.0.contains(&(want.uuid.clone(), want.generation));
        Ok(wants.iter().all(is_served))
    }
}
