//! The records, through the boundary. What the domains want is in [`wants`](super::wants).

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{batch, lost};
use crate::facts::Epoch;
use crate::host::Host;
use crate::model::{DomainUuid, NetworkId};
use crate::record::{DomainRecord, HostRecord, Index, NetworkRecord, decode, encode};
use crate::transaction::Records;

/// The records of this boot and network namespace.
pub struct Store<'a> {
    pub(super) host: &'a dyn Host,
    epoch: Epoch,
}

impl<'a> Store<'a> {
    /// The records of this boot and network namespace.
    ///
    /// # Errors
    /// If the kernel does not say which those are.
    pub fn open(host: &'a dyn Host) -> Result<Self> {
        Ok(Self {
            host,
            epoch: host.epoch()?,
        })
    }

    /// This boot and network namespace.
    pub fn epoch(&self) -> &Epoch {
        &self.epoch
    }

    /// What was applied for a domain.
    ///
    /// # Errors
    /// If its record cannot be read or understood.
    pub fn domain(&self, uuid: &DomainUuid) -> Result<Option<DomainRecord>> {
        let record: Option<DomainRecord> = self.read(&DomainRecord::file_of(uuid))?;
        Ok(record.filter(|record| record.want.epoch == self.epoch))
    }

    /// The domain of this name, for calls that carry nothing else.
    ///
    /// # Errors
    /// If a record cannot be read or understood.
    pub fn domain_named(&self, name: &str) -> Result<Option<DomainRecord>> {
        for uuid in self.domains_there_are()? {
            let record = self.domain(&uuid)?;
            if let Some(record) = record.filter(|record| record.want.name == name) {
                return Ok(Some(record));
            }
        }
        Ok(None)
    }

    /// What stands of each network.
    ///
    /// # Errors
    /// If a record cannot be read or understood.
    pub fn networks(&self) -> Result<BTreeMap<NetworkId, NetworkRecord>> {
        let mut networks = BTreeMap::new();
        for name in self.host.list_state("networks")? {
            let record: Option<NetworkRecord> = self.read(&format!("networks/{name}"))?;
            if let Some(record) = record.filter(|record| record.epoch == self.epoch) {
                networks.insert(record.network.id.clone(), record);
            }
        }
        Ok(networks)
    }

    /// What is there once, and whether the kernel is as we left it.
    ///
    /// # Errors
    /// If the record cannot be read or understood.
    pub fn host_record(&self) -> Result<Option<HostRecord>> {
        let record: Option<HostRecord> = self.read(HostRecord::FILE)?;
        Ok(record.filter(|record| record.epoch == self.epoch))
    }

    /// All records but the domains'. The index is made again if it names other domains than there
    /// are, or cannot be read: it is derived. Where another one is lost, the host's has no
    /// generation.
    ///
    /// # Errors
    /// If a record cannot be read or understood.
    pub fn load(&self) -> Result<Records> {
        let there = self.domains_there_are()?;
        let host = self.host_record()?;
        // Whoever left the host's record without a generation may have died before the index.
        let trusted = host.as_ref().is_some_and(|host| !host.is_in_doubt());
        let index: Option<Index> = self.read(Index::FILE).unwrap_or_default();
        let agrees = |index: &Index| trusted && index.domains().into_iter().eq(&there);
        let index = match index.filter(agrees) {
            Some(index) => index,
            None => Index::of(&self.some_domains(&there)?),
        };
        let mut records = Records {
            host,
            networks: self.networks()?,
            index,
            ..Records::empty(self.epoch.clone())
        };
        if records.host.is_none() && !records.networks.is_empty() {
            let domains = self.some_domains(&there)?;
            records.host = Some(lost::host_record(self.host, &records, &domains)?);
        } else if let Some(host) = records.host.take() {
            let generation = host.generation.filter(|_| !lost::lacks_a_network(&records));
            records.host = Some(HostRecord { generation, ..host });
        }
        Ok(records)
    }

    /// Adds the records of these domains, as far as they have one.
    ///
    /// # Errors
    /// If a record cannot be read or understood.
    pub fn load_domains(&self, records: &mut Records, some: &BTreeSet<DomainUuid>) -> Result<()> {
        for record in self.some_domains(some)? {
            records
                .domains
                .entry(record.want.uuid.clone())
                .or_insert(record);
        }
        Ok(())
    }

    /// Adds the records of all domains.
    ///
    /// # Errors
    /// If a record cannot be read or understood.
    pub fn load_all_domains(&self, records: &mut Records) -> Result<()> {
        self.load_domains(records, &self.domains_there_are()?)
    }

    /// Writes the host's record, or removes it where nothing is left.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn commit_host(&self, record: Option<&HostRecord>) -> Result<()> {
        match record {
            Some(record) => self.write(HostRecord::FILE, record),
            None => Ok(self.host.remove_state(HostRecord::FILE)?),
        }
    }

    /// Removes every record, want and failure there is, damaged ones too.
    ///
    /// # Errors
    /// If one cannot be removed.
    pub fn forget_everything(&self) -> Result<()> {
        for folder in ["wants", "incoming", "failed", "domains", "networks"] {
            for name in self.host.list_state(folder)? {
                self.host.remove_state(&format!("{folder}/{name}"))?;
            }
        }
        for file in [batch::FILE, Index::FILE, HostRecord::FILE] {
            self.host.remove_state(file)?;
        }
        Ok(())
    }

    /// The domains that have a record, of whatever boot.
    pub(super) fn domains_there_are(&self) -> Result<BTreeSet<DomainUuid>> {
        let names = self.host.list_state("domains")?;
        Ok(names.iter().filter_map(|name| name.parse().ok()).collect())
    }

    fn some_domains(&self, domains: &BTreeSet<DomainUuid>) -> Result<Vec<DomainRecord>> {
        let records = domains.iter().map(|uuid| self.domain(uuid).transpose());
        records.flatten().collect()
    }

    pub(super) fn read<T: DeserializeOwned>(&self, file: &str) -> Result<Option<T>> {
        let Some(bytes) = self.host.read_state(file)? else {
            return Ok(None);
        };
        let record = decode(&bytes).with_context(|| {
            format!("state file {file} is damaged; remove it and run `vmhook sync`")
        })?;
        Ok(Some(record))
    }

    pub(super) fn write<T: Serialize>(&self, file: &str, record: &T) -> Result<()> {
        Ok(self.host.write_state(file, &encode(record))?)
    }
}
