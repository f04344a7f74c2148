//! One transaction, run: all of it, or nothing of it.

use anyhow::{Context, Result};

use super::run::{run, run_all};
use super::{Store, journal, observe};
use crate::facts::HostFacts;
use crate::firewall::guard::{Capabilities, IBRNAME_PROBE, read_tables};
use crate::host::{Host, HostError};
use crate::plan::{Besides, NftFamily, Plan};
use crate::record::{HostRecord, Phase, Want};
use crate::state::ReadBack;
use crate::transaction::{Records, Surroundings, Transaction, settle};

/// What one transaction starts from.
pub(super) struct Attempt<'a> {
    pub(super) host: &'a dyn Host,
    pub(super) store: &'a Store<'a>,
    pub(super) facts: &'a HostFacts,
    pub(super) before: &'a Records,
    pub(super) observed: Option<&'a ReadBack>,
}

impl Attempt<'_> {
    /// Applies these wants. Whatever fails while something comes is undone; what only goes, goes as
    /// far as it can, and the next repair removes the rest.
    pub(super) fn make(&self, wants: &[Want]) -> Result<()> {
        let capabilities = self.ready_host(wants)?;
        let around = Surroundings {
            facts: self.facts,
            machine_id: &self.host.machine_id(),
            capabilities,
            backend: self.host.iptables_backend()?,
            observed: self.observed,
        };
        let transaction = settle(self.before, wants, around);
        self.mark_dirty(&transaction)?;
        let comes = wants.iter().any(|want| want.phase != Phase::Gone);
        let mut left = Vec::new();
        if comes || wants.is_empty() {
            if let Err(error) = run(self.host, &transaction.plan) {
                return Err(self.undone(error));
            }
        } else {
            left = run_all(self.host, &transaction.plan);
        }
        self.finish(&transaction, wants, left.is_empty())?;
        journal::applied(self.host, wants, &transaction.plan, &left);
        Ok(())
    }

    /// Before the first network: can the kernel do it, and is nobody else doing it?
    fn ready_host(&self, wants: &[Want]) -> Result<Capabilities> {
        let first = self.before.host.is_none();
        if !first || wants.iter().all(|want| want.phase == Phase::Gone) {
            return Ok(Capabilities::default());
        }
        self.host
            .ensure_br_netfilter()
            .context("bridged frames cannot reach iptables; load the kernel module br_netfilter")?;
        if let Some(pid) = self.host.neutron_agent()? {
            anyhow::bail!(
                "a Neutron Linux bridge agent runs here (pid {pid}) and deletes every rule that \
                 contains its prefix; stop it first"
            );
        }
        Ok(Capabilities {
            ibrname: self.host.nft_accepts(IBRNAME_PROBE)?,
        })
    }

    /// From here on the records may not say what the kernel has.
    fn mark_dirty(&self, transaction: &Transaction) -> Result<()> {
        if transaction.plan.is_empty() {
            return Ok(());
        }
        let record = self
            .before
            .host
            .as_ref()
            .or(transaction.after.host.as_ref());
        let dirty = record.map(|record| HostRecord {
            generation: None,
            ..record.clone()
        });
        self.store.commit_host(dirty.as_ref())
    }

    fn finish(&self, transaction: &Transaction, wants: &[Want], clean: bool) -> Result<()> {
        let after = &transaction.after;
        self.store.commit(self.before, after)?;
        let record = match &after.host {
            Some(record) => Some(self.noted(record, clean)?),
            None if clean => None,
            None => self.before.host.clone().map(|host| HostRecord {
                generation: None,
                ..host
            }),
        };
        self.store.commit_host(record.as_ref())?;
        for want in wants {
            self.store.drop_want(want)?;
            if want.phase == Phase::Gone {
                self.store.drop_failures(&want.uuid)?;
            }
        }
        Ok(())
    }

    /// The host's record as it is after an act of ours.
    fn noted(&self, record: &HostRecord, clean: bool) -> Result<HostRecord> {
        let mut record = record.clone();
        if record.guard_chains.is_empty() {
            let bridge = self.host.nft_table(NftFamily::Bridge)?;
            let inet = self.host.nft_table(NftFamily::Inet)?;
            record.guard_chains = read_tables(bridge.as_deref(), inet.as_deref())?.chains;
        }
        record.generation = clean.then(|| self.host.ruleset_generation()).transpose()?;
        Ok(record)
    }

    /// Goes back to what the records say, from whatever the kernel has now.
    fn undone(&self, error: anyhow::Error) -> anyhow::Error {
        self.host.begin_undo();
        match self.undo() {
            Ok(()) => error,
            Err(second) => {
                journal::closed(self.host, &error, &second);
                error.context(format!(
                    "and going back failed too ({second:#}); the port is closed"
                ))
            }
        }
    }

    fn undo(&self) -> Result<()> {
        let mut before = self.before.clone();
        self.store.load_all_domains(&mut before)?;
        let Some(record) = self.store.host_record()? else {
            return Ok(());
        };
        let have = observe(self.host, &self.host.facts()?, &record)?;
        let besides = Besides {
            capabilities: record.capabilities,
            ..Besides::default()
        };
        run(self.host, &Plan::between(&have, &before.state(), &besides))?;
        match &before.host {
            Some(host) => self.store.commit_host(Some(&self.noted(host, true)?)),
            None => self.store.commit_host(None),
        }
    }
}

/// So that callers may ask what a failed change was given.
pub(super) fn input_of(error: &anyhow::Error) -> Option<&str> {
    error
        .chain()
        .find_map(|cause| match cause.downcast_ref::<HostError>() {
            Some(HostError::Command { input, .. }) => Some(input.as_str()),
            _ => None,
        })
}
