//! What the domains want, and why they did not get it.
//!
//! A want is written by its domain's own hook, without the lock. Whoever holds the lock removes it, and
//! leaves a failure where it could not be applied.

use std::collections::BTreeMap;

use anyhow::Result;

use super::{Store, journal};
use crate::model::DomainUuid;
use crate::record::{Want, decode};
use crate::refusal::Refusal;

/// Why a want was not applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unapplied {
    /// It cannot be had, or could not be done. The journal has it.
    Refused(Refusal),
    /// The configuration has changed since its owner read it.
    Outdated,
}

impl Store<'_> {
    /// The domain's latest want that is not applied, for each domain that has one. Older ones are
    /// removed on the way, those of another boot too. So is one that cannot be understood, after
    /// telling its owner: it must not hold up everybody else.
    ///
    /// # Errors
    /// If the state directory cannot be read or changed.
    pub fn wants(&self) -> Result<Vec<Want>> {
        let mut latest: BTreeMap<DomainUuid, u64> = BTreeMap::new();
        for (uuid, generation) in self.want_files()? {
            let known = latest.entry(uuid.clone()).or_insert(generation);
            if *known != generation {
                let older = generation.min(*known);
                self.host.remove_state(&Want::file_of(&uuid, older))?;
                *known = generation.max(*known);
            }
        }
        let mut wants = Vec::new();
        for (uuid, generation) in latest {
            let file = Want::file_of(&uuid, generation);
            let read = self
                .host
                .read_state(&file)?
                .map(|bytes| decode::<Want>(&bytes));
            let want = match read {
                Some(Err(error)) => {
                    let refusal = Refusal::of_domain(uuid.as_str(), format!("{file}: {error}"));
                    journal::unreadable(self.host, &uuid, &refusal);
                    self.write(&failure_file(&uuid, generation), &refusal)?;
                    None
                }
                Some(Ok(want)) => Some(want),
                None => None,
            };
            match want.filter(|want| want.epoch == *self.epoch()) {
                Some(want) => wants.push(want),
                None => self.host.remove_state(&file)?,
            }
        }
        Ok(wants)
    }

    /// The number of a domain's next want.
    ///
    /// # Errors
    /// If the state directory cannot be read.
    pub fn next_generation(&self, uuid: &DomainUuid) -> Result<u64> {
        let applied = self
            .domain(uuid)?
            .map_or(0, |record| record.want.generation);
        let waiting = self
            .want_files()?
            .into_iter()
            .filter(|(owner, _)| owner == uuid);
        Ok(1 + waiting
            .map(|(_, generation)| generation)
            .max()
            .unwrap_or(0)
            .max(applied))
    }

    /// Writes a want: from now on whoever holds the lock applies it.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn put_want(&self, want: &Want) -> Result<()> {
        self.write(&want.file(), want)
    }

    /// Removes a want that is applied, or that will not be.
    ///
    /// # Errors
    /// If it cannot be removed.
    pub fn drop_want(&self, want: &Want) -> Result<()> {
        Ok(self.host.remove_state(&want.file())?)
    }

    /// Notes why a want was not applied, for its owner, and removes it.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn put_failure(&self, want: &Want, refusal: &Refusal) -> Result<()> {
        self.write(&failure_file(&want.uuid, want.generation), refusal)?;
        self.drop_want(want)
    }

    /// Notes that a want was not applied because the configuration is another one than that which
    /// decided about it, and removes it.
    ///
    /// # Errors
    /// If it cannot be written.
    pub(super) fn put_outdated(&self, want: &Want) -> Result<()> {
        let file = failure_file(&want.uuid, want.generation);
        self.write(&file, &None::<Refusal>)?;
        self.drop_want(want)
    }

    /// Why this want was not applied, if it was not; tells it once.
    ///
    /// # Errors
    /// If the state directory cannot be read.
    pub fn take_failure(&self, want: &Want) -> Result<Option<Unapplied>> {
        let file = failure_file(&want.uuid, want.generation);
        let Some(refusal) = self.read::<Option<Refusal>>(&file)? else {
            return Ok(None);
        };
        self.host.remove_state(&file)?;
        Ok(Some(
            refusal.map_or(Unapplied::Outdated, Unapplied::Refused),
        ))
    }

    /// Forgets failures that nobody will ask for: whoever wanted it is gone, and the next want of
    /// the domain may get the same number.
    ///
    /// # Errors
    /// If the state directory cannot be read.
    pub fn drop_failures(&self, uuid: &DomainUuid) -> Result<()> {
        let files = self.host.list_state("failed")?;
        let own = files.iter().filter(|name| name.starts_with(uuid.as_str()));
        own.map(|name| format!("failed/{name}"))
            .try_for_each(|file| Ok(self.host.remove_state(&file)?))
    }

    fn want_files(&self) -> Result<Vec<(DomainUuid, u64)>> {
        let names = self.host.list_state("wants")?;
        Ok(names
            .iter()
            .filter_map(|name| Want::parse_file(name))
            .collect())
    }
}

fn failure_file(uuid: &DomainUuid, generation: u64) -> String {
    format!("failed/{uuid}.{generation}")
}
