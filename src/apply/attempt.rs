//! One transaction, run: all of it, or nothing of it.

use std::collections::BTreeMap;

use anyhow::{Context, Result};

use super::run::{run, run_all};
use super::{Store, journal, observe};
use crate::event::Call;
use crate::facts::{HostFacts, IptablesBackend, LinkKind};
use crate::firewall::guard::{Capabilities, IBRNAME_PROBE, read_tables};
use crate::host::Host;
use crate::model::{BridgeSwitches, DomainUuid, IfName};
use crate::plan::{Besides, NftFamily, Plan, Summary};
use crate::record::{HostRecord, Phase, Want};
use crate::state::ReadBack;
use crate::transaction::{Records, Renewal, Surroundings, Transaction, brings, settle};

/// What one transaction starts from.
pub(super) struct Attempt<'a> {
    pub(super) host: &'a dyn Host,
    pub(super) store: &'a Store<'a>,
    pub(super) facts: Option<&'a HostFacts>,
    pub(super) before: &'a Records,
    pub(super) observed: Option<&'a ReadBack>,
    /// The call that this process serves.
    pub(super) call: Call,
    /// See [`Surroundings::renewal`].
    pub(super) renewal: Option<&'a Renewal>,
}

/// A transaction that did not come true.
#[derive(Debug)]
pub(super) enum Failed {
    /// Kernel and records are as they were.
    Undone(anyhow::Error),
    /// Going back failed too.
    Stuck(Stuck),
}

/// A change failed, and going back failed too. What is not done is closed, and the host's record has
/// no generation, so that the next hook reads back and repairs.
#[derive(Debug, thiserror::Error)]
#[error("{first:#}; going back failed too: {second:#}; what is not done is closed")]
pub struct Stuck {
    pub(super) first: anyhow::Error,
    second: anyhow::Error,
    told: Vec<DomainUuid>,
}

impl Stuck {
    /// Whether the journal has a line of this domain's about it.
    pub fn tells_of(&self, domain: &DomainUuid) -> bool {
        self.told.contains(domain)
    }

    /// Whether the journal has a line about it.
    pub fn is_told(&self) -> bool {
        !self.told.is_empty()
    }
}

impl Attempt<'_> {
    /// Applies these wants. Whatever fails while something comes is undone; what only goes, goes as
    /// far as it can, and the next repair removes the rest.
    pub(super) fn make(&self, wants: &[Want]) -> Result<(), Failed> {
        let transaction = self.transaction(wants).map_err(Failed::Undone)?;
        let left = if wants.is_empty() || brings(self.before, wants) {
            self.all_or_nothing(&transaction, wants)?
        } else {
            self.as_far_as_it_goes(&transaction, wants)
        };
        self.tell(&transaction, wants, &left);
        Ok(())
    }

    /// What was repaired is one line, what was done for each want one more, and so is what was nobody's.
    fn tell(&self, transaction: &Transaction, wants: &[Want], left: &[anyhow::Error]) {
        if let Some(observed) = self.observed {
            let repairs = wants.is_empty() && self.renewal.is_none();
            let should = if repairs {
                transaction.after.state()
            } else {
                self.before.state()
            };
            let repaired = Summary::between(observed, &should, []);
            if repairs || !repaired.is_empty() {
                journal::repaired(self.host, self.call, &repaired, &transaction.plan);
            }
        }
        if wants.is_empty() {
            journal::left(self.host, self.call, left);
        }
        for want in wants {
            let changed = transaction.share(self.before, want, wants);
            journal::applied(self.host, want, &changed, left);
        }
        if !wants.is_empty() || self.renewal.is_some() {
            journal::of_nobody(self.host, self.call, &transaction.rest(self.before, wants));
        }
    }

    /// What is run for these wants.
    pub(super) fn transaction(&self, wants: &[Want]) -> Result<Transaction> {
        let (capabilities, backend) = self.ready_host(wants)?;
        let switches = self.switches(wants)?;
        let around = Surroundings {
            facts: self.facts,
            machine_id: &self.host.machine_id(),
            capabilities,
            backend,
            switches: &switches,
            observed: self.observed,
            renewal: self.renewal,
        };
        Ok(settle(self.before, wants, around))
    }

    /// What bridges of the host's have to which a network comes only now.
    fn switches(&self, wants: &[Want]) -> Result<BTreeMap<IfName, BridgeSwitches>> {
        let mut switches = BTreeMap::new();
        let lent = self.before.host.as_ref().map(|host| &host.lent);
        let domains = self.before.domains.values().map(|record| &record.want);
        let networks = domains.chain(wants).flat_map(|want| &want.networks);
        for network in networks.filter(|network| network.existing().is_some()) {
            let bridge = &network.bridge;
            if lent.is_some_and(|lent| lent.contains_key(bridge)) {
                continue;
            }
            let link = self.host.link(bridge.as_str())?;
            if let Some(LinkKind::Bridge(fact)) = link.map(|link| link.kind) {
                switches.insert(bridge.clone(), fact.switches());
            }
        }
        Ok(switches)
    }

    /// Before the first network: can the kernel do it, and is nobody else doing it?
    fn ready_host(&self, wants: &[Want]) -> Result<(Capabilities, IptablesBackend)> {
        if let Some(record) = &self.before.host {
            return Ok((record.capabilities, record.backend));
        }
        if wants.iter().all(|want| want.phase == Phase::Gone) {
            return Ok((Capabilities::default(), IptablesBackend::Nft));
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
        let backend = self.host.iptables_backend()?;
        let ibrname = self.host.nft_accepts(IBRNAME_PROBE)?;
        Ok((Capabilities { ibrname }, backend))
    }

    /// What is left is nobody's loss, but the next hook must see it.
    fn all_or_nothing(
        &self,
        transaction: &Transaction,
        wants: &[Want],
    ) -> Result<Vec<anyhow::Error>, Failed> {
        self.mark_dirty(transaction).map_err(Failed::Undone)?;
        let after = &transaction.after;
        let mut left = run(self.host, &transaction.plan)
            .map_err(|error| self.undone(error, wants, || self.undo_kernel(after)))?;
        let finished = self.finish(transaction, left.is_empty());
        finished.map_err(|error| {
            self.undone(error, wants, || {
                let kernel = self.undo_kernel(after);
                let records = self.commit(after, self.before);
                kernel.and(records)
            })
        })?;
        left.extend(self.drop_wants(wants));
        Ok(left)
    }

    /// What could not be done; also what could not be written down, where nothing can be.
    fn as_far_as_it_goes(&self, transaction: &Transaction, wants: &[Want]) -> Vec<anyhow::Error> {
        let mut left: Vec<_> = self.mark_dirty(transaction).err().into_iter().collect();
        left.extend(run_all(self.host, &transaction.plan));
        match self.finish(transaction, left.is_empty()) {
            Ok(()) => left.extend(self.drop_wants(wants)),
            // The records do not have it: whoever has the lock next tries again.
            Err(error) => left.push(error),
        }
        left
    }

    /// From here on the records may not say what the kernel has.
    fn mark_dirty(&self, transaction: &Transaction) -> Result<()> {
        if transaction.plan.is_empty() {
            return Ok(());
        }
        let dirty = self.meanwhile(&transaction.after);
        self.store.commit_host(dirty.as_ref())
    }

    /// The host's record while the kernel may have what was before, or what comes.
    fn meanwhile(&self, after: &Records) -> Option<HostRecord> {
        let ends = [&self.before.host, &after.host].into_iter().flatten();
        let record = ends.clone().next()?.doubted();
        Some(ends.fold(record, |record, end| {
            record.beside(&end.options).lending_besides(end)
        }))
    }

    /// Writes down what a transaction changed; a reload's at once.
    fn commit(&self, before: &Records, after: &Records) -> Result<()> {
        match self.renewal {
            Some(_) => self.store.commit_at_once(before, after),
            None => self.store.commit(before, after),
        }
    }

    /// Writes down what is true now; that the kernel is as the records say comes last.
    fn finish(&self, transaction: &Transaction, clean: bool) -> Result<()> {
        let after = &transaction.after;
        self.commit(self.before, after)?;
        let record = match &after.host {
            Some(record) => Some(self.noted(record, clean)?),
            None if clean => None,
            None => self.meanwhile(after),
        };
        self.store.commit_host(record.as_ref())
    }

    /// Removes what is applied: their owners may be waiting for just this, and go. So nothing that
    /// fails is undone any more. A want that stays is applied once more by the next hook, which
    /// changes nothing.
    fn drop_wants(&self, wants: &[Want]) -> Vec<anyhow::Error> {
        let dropped = wants.iter().map(|want| self.store.drop_want(want));
        dropped.filter_map(Result::err).collect()
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
        if clean {
            record.besides.clear();
        }
        Ok(record)
    }

    /// Goes back. As in [`finish`](Self::finish), that the kernel is as the records say comes last.
    fn undone(
        &self,
        error: anyhow::Error,
        wants: &[Want],
        undo: impl FnOnce() -> Result<()>,
    ) -> Failed {
        self.host.begin_undo();
        match undo().and_then(|()| self.note_before()) {
            Ok(()) => Failed::Undone(error),
            Err(second) => {
                let stuck = Stuck {
                    first: error,
                    second,
                    told: wants.iter().map(|want| want.uuid.clone()).collect(),
                };
                journal::stuck(self.host, wants, &stuck);
                Failed::Stuck(stuck)
            }
        }
    }

    /// Makes the kernel what it was before, from whatever it has now.
    fn undo_kernel(&self, after: &Records) -> Result<()> {
        let Some(record) = self.meanwhile(after) else {
            return Ok(());
        };
        let mut before = self.before.clone();
        let mut others = self.store.domains_there_are()?;
        others.retain(|uuid| !after.domains.contains_key(uuid));
        self.store.load_domains(&mut before, &others)?;
        let ways_out = &before.ways_out() | &after.ways_out();
        let have = observe(self.host, &self.host.facts()?, &record, &ways_out)?;
        let besides = Besides {
            capabilities: record.capabilities,
            ..Besides::default()
        };
        let left = run(self.host, &Plan::between(&have, &before.state(), &besides))?;
        left.into_iter().next().map_or(Ok(()), Err)
    }

    fn note_before(&self) -> Result<()> {
        let record = self.before.host.as_ref();
        let record = record.map(|record| self.noted(record, true)).transpose()?;
        self.store.commit_host(record.as_ref())
    }
}
