//! Wants of hooks that read the configuration before it changed.
//!
//! A hook reads it without the lock, and whoever changes it may run a `reload` before the hook's want is
//! there to be seen. So it is looked at again under the lock, and a want that another one decided about
//! is not applied: its owner resolves again.

use anyhow::Result;

use super::Store;
use crate::config::{Fingerprint, Source};
use crate::host::{ConfigFile, Host};
use crate::record::Want;

/// The files of the configuration, as they are now.
pub fn sources(host: &dyn Host) -> Vec<Source> {
    let source = |file: ConfigFile| Source {
        name: file.path,
        text: file.text,
    };
    host.config_files().into_iter().map(source).collect()
}

/// The wants that no other configuration decided about. The owners of the others are told.
pub(super) fn without_outdated(
    host: &dyn Host,
    store: &Store<'_>,
    mut wants: Vec<Want>,
) -> Result<Vec<Want>> {
    if wants.iter().all(|want| want.configuration().is_none()) {
        return Ok(wants);
    }
    let now = Fingerprint::of(&sources(host));
    let is_of_another = |want: &mut Want| want.configuration().is_some_and(|it| *it != now);
    for want in wants.extract_if(.., is_of_another) {
        store.put_outdated(&want)?;
    }
    Ok(wants)
}
