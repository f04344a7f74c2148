//! What several calls need.

use std::collections::BTreeSet;

use anyhow::{Result, anyhow};

use super::failure::Failure;
use crate::apply::{Mode, Store, Unapplied, settle, settle_leaving, sources};
use crate::config::{Config, Fingerprint, load};
use crate::facts::HostFacts;
use crate::host::{Host, HostError};
use crate::record::{Basis, DomainRecord, Phase, Want};
use crate::resolve;

/// Reads the configuration, whatever is wrong with it.
pub fn load_config(host: &dyn Host) -> Config {
    load(&sources(host))
}

/// The configuration, and from now on the time limit that it sets for the call of a domain on its
/// way up. Those that end or go on have the program's own: they work from records alone.
pub(super) fn configured(host: &dyn Host) -> (Config, Fingerprint) {
    let sources = sources(host);
    let config = load(&sources);
    if let Ok(of_host) = &config.host {
        host.set_limit(of_host.hook_timeout);
    }
    (config, Fingerprint::of(&sources))
}

/// The host's links and addresses, and from where it speaks to whom the configuration names for that.
///
/// # Errors
/// If the kernel does not answer.
pub fn with_sources(
    host: &dyn Host,
    config: &Config,
    mut facts: HostFacts,
) -> Result<HostFacts, HostError> {
    if let Some(other) = resolve::destination(config) {
        let source = host.source_to(other)?;
        facts.sources.extend(source.map(|source| (other, source)));
    }
    Ok(facts)
}

/// Whether a bridge is in a record or bears our alias. What cannot be read is no record.
pub(super) fn stands(host: &dyn Host, store: &Store<'_>, bridge: &str) -> bool {
    let networks = store.networks().unwrap_or_default();
    let recorded = networks
        .values()
        .any(|record| record.network.bridge.as_str() == bridge);
    let link = || host.link(bridge).ok().flatten();
    recorded || link().is_some_and(|link| link.is_ours())
}

/// Resolves a want by which something comes, and sees that it becomes true; once more where the
/// configuration changes meanwhile, while there is time. Whether anything was wanted.
///
/// # Errors
/// Why it did not; then it is withdrawn.
pub(super) fn fulfil(
    host: &dyn Host,
    store: &Store<'_>,
    resolve: impl FnMut() -> Result<Option<Want>>,
) -> Result<bool> {
    fulfil_by(Mode::Wants, host, store, resolve)
}

/// The same, and how much is looked at on the way.
///
/// # Errors
/// As for [`fulfil`].
pub(super) fn fulfil_by(
    mode: Mode,
    host: &dyn Host,
    store: &Store<'_>,
    mut resolve: impl FnMut() -> Result<Option<Want>>,
) -> Result<bool> {
    let mut next = 0;
    while let Some(mut want) = resolve()? {
        // Whoever has the lock may still take one of the same number for one that it has served.
        want.generation = want.generation.max(next);
        next = want.generation + 1;
        match attempt(mode, host, store, &want)? {
            None => return Ok(true),
            Some(Unapplied::Refused(refusal)) => return Err(Failure::told(refusal).into()),
            Some(Unapplied::Outdated) => {}
        }
    }
    Ok(next > 0)
}

/// Writes a want and has it settled. Why whoever had the lock did not apply it, if it did not.
fn attempt(
    mode: Mode,
    host: &dyn Host,
    store: &Store<'_>,
    want: &Want,
) -> Result<Option<Unapplied>> {
    store.drop_failures(&want.uuid)?;
    // Looked up while nothing has failed yet.
    let before = store.domain(&want.uuid)?;
    store.put_want(want)?;
    if let Err(error) = settle(host, mode, want) {
        let withdrawn = withdraw(store, want, before);
        let failure = Failure::of(want, &error);
        return Err(failure
            .beside("its want cannot be withdrawn", withdrawn)
            .into());
    }
    match store.take_failure(want)? {
        Some(why) => Ok(Some(why)),
        None if is_applied(store, want)? => Ok(None),
        None => {
            let lost = anyhow!("somebody else took back what it asked for; try again");
            Err(Failure::of(want, &lost).into())
        }
    }
}

/// Whether this want has become true, or a later one of the domain. `vmhook remove --purge` forgets
/// all wants, also of hooks that wait for the lock; and `vmhook sync` twice at once for one domain may
/// have written one file. What the ports may is not asked: that is for who applies a want to say, by
/// the record and the configuration of that moment, and for a reload ever since.
fn is_applied(store: &Store<'_>, want: &Want) -> Result<bool> {
    let Some(DomainRecord { want: applied, .. }) = store.domain(&want.uuid)? else {
        return Ok(want.ports.is_empty());
    };
    let opens = |want: &Want| -> (Phase, BTreeSet<_>) {
        let ports = want.ports.iter();
        let taps = ports.map(|port| (port.key(), port.tap.clone()));
        (want.phase, taps.collect())
    };
    let is_this = applied.generation == want.generation && opens(&applied) == opens(want);
    Ok(is_this || applied.generation > want.generation)
}

/// Whoever gets the lock next finds that only what stood before is wanted, as far as it stands then.
fn withdraw(store: &Store<'_>, want: &Want, before: Option<DomainRecord>) -> Result<()> {
    let generation = want.generation + 1;
    let before = before.map_or_else(|| want.gone(generation), |record| record.want);
    store.put_want(&Want {
        generation,
        call: want.call,
        basis: Basis::recorded(&before.ports),
        ..before
    })
}

/// Sees that a want becomes true by which things only go: what it has of its domain's record goes on as
/// that is then. It is never withdrawn, and what cannot be written down is done all the same.
///
/// # Errors
/// What is left for the next hook.
pub(super) fn let_go(host: &dyn Host, store: &Store<'_>, want: Want) -> Result<()> {
    let want = &Want {
        basis: Basis::recorded(&want.ports),
        ..want
    };
    let written = store.put_want(want);
    settle_leaving(host, want, written.is_ok()).map_err(|error| {
        let failure = Failure::of(want, &error);
        failure.beside("its want cannot be written", written)
    })?;
    store.drop_failures(&want.uuid)
}
