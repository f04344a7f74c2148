//! `migrate`: the domain is about to come from another host, running.
//!
//! libvirt calls this before `prepare`, and takes what is printed for the domain's new definition. It
//! is noted for [`start`](super::bring::start), and nothing else is done: nobody is kept from coming.

use std::ffi::OsStr;

use anyhow::Result;

use super::context::{load_config, stands};
use super::domain::claims;
use super::input::Input;
use crate::apply::Store;
use crate::domain::{Domain, InterfaceKind};
use crate::host::Host;

/// Notes it, if the domain may be ours.
pub(super) fn migrate(host: &dyn Host, name: &OsStr, input: &Input) -> Result<()> {
    let domain = input.domain(name)?;
    let store = Store::open(host)?;
    store.drop_failed_incoming()?;
    if may_be_ours(host, &store, &domain) {
        store.put_incoming(&domain.uuid)?;
    }
    Ok(())
}

/// An interface of a libvirt network does not say here which bridge it will be on. Where the
/// configuration is broken, `prepare` says so.
fn may_be_ours(host: &dyn Host, store: &Store<'_>, domain: &Domain) -> bool {
    let interfaces = &domain.interfaces;
    let of_network = |kind: &InterfaceKind| *kind == InterfaceKind::Network;
    if interfaces.iter().any(|one| of_network(&one.kind)) {
        return true;
    }
    if interfaces.iter().all(|one| one.bridge.is_none()) {
        return false;
    }
    let config = load_config(host);
    let claims = claims(domain, &domain.interfaces, &config, |bridge| {
        stands(host, store, bridge)
    });
    claims.is_ok_and(|claims| !claims.is_empty())
}
