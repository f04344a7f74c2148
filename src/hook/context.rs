//! What several calls need.

use anyhow::{Result, bail};

use crate::apply::{Mode, Store, settle};
use crate::config::{Config, Source, load};
use crate::host::Host;
use crate::plan::link::ALIAS_PREFIX;
use crate::record::{Phase, Want};

/// Reads the configuration, whatever is wrong with it.
pub fn load_config(host: &dyn Host) -> Config {
    let files = host.config_files();
    let source = |file: crate::host::ConfigFile| Source {
        name: file.path,
        text: file.text,
    };
    load(&files.into_iter().map(source).collect::<Vec<_>>())
}

/// Whether a bridge is in a record or bears our alias. What cannot be read is no record.
pub(super) fn stands(host: &dyn Host, store: &Store<'_>, bridge: &str) -> bool {
    let networks = store.networks().unwrap_or_default();
    let recorded = networks
        .values()
        .any(|record| record.network.bridge.as_str() == bridge);
    let alias = || host.link(bridge).ok().flatten().and_then(|link| link.alias);
    recorded || alias().is_some_and(|alias| alias.starts_with(ALIAS_PREFIX))
}

/// Writes a want and sees that it becomes true.
///
/// # Errors
/// Why it did not. A want that something was to come of is withdrawn then.
pub(super) fn fulfil(host: &dyn Host, store: &Store<'_>, want: &Want) -> Result<()> {
    store.put_want(want)?;
    if let Err(error) = settle(host, Mode::Wants) {
        if want.phase != Phase::Gone {
            withdraw(store, want)?;
        }
        return Err(error.context(format!("domain {}", want.name)));
    }
    match store.take_failure(want)? {
        Some(failure) => bail!(failure),
        None => Ok(()),
    }
}

/// Whoever gets the lock next finds that nothing is wanted any more.
fn withdraw(store: &Store<'_>, want: &Want) -> Result<()> {
    store.put_want(&Want {
        generation: want.generation + 1,
        phase: Phase::Gone,
        ports: Vec::new(),
        networks: Vec::new(),
        ..want.clone()
    })
}
