//! `prepare`, `start`, `started`: a domain comes.

use std::ffi::OsStr;

use anyhow::Result;

use super::comer::Comer;
use super::context::fulfil;
use super::input::Input;
use crate::apply::{Store, is_as_recorded};
use crate::event::Call;
use crate::host::Host;
use crate::plan::LinkChange;
use crate::record::{Phase, Want};

/// The networks are made, and closed to the domain's ports.
pub(super) fn prepare(host: &dyn Host, root: bool, name: &OsStr, input: &Input) -> Result<()> {
    let domain = input.domain(name)?;
    let store = Store::open(host)?;
    fulfil(host, &store, || {
        let Some(comer) = Comer::of((host, &store), root, (Call::Prepare, &domain))? else {
            return Ok(None);
        };
        comer.want(Phase::Prepared, comer.request()?).map(Some)
    })?;
    Ok(())
}

/// The ports are opened: their taps are there, and QEMU does not run yet.
pub(super) fn start(host: &dyn Host, root: bool, name: &OsStr, input: &Input) -> Result<()> {
    let domain = input.domain(name)?;
    let store = Store::open(host)?;
    // Also of a domain that turns out not to be ours.
    let incoming = root && store.take_incoming(&domain.uuid).unwrap_or(false);
    fulfil(host, &store, || {
        let Some(comer) = Comer::of((host, &store), root, (Call::Start, &domain))? else {
            return Ok(None);
        };
        let want = want_started(&comer)?;
        Ok(Some(Want { incoming, ..want }))
    })?;
    Ok(())
}

/// QEMU runs: is all there, as it was applied? Else it is applied again.
pub(super) fn started(host: &dyn Host, root: bool, name: &OsStr, input: &Input) -> Result<()> {
    let domain = input.domain(name)?;
    let store = Store::open(host)?;
    fulfil(host, &store, || {
        let Some(comer) = Comer::of((host, &store), root, (Call::Started, &domain))? else {
            return Ok(None);
        };
        let want = want_started(&comer)?;
        let is_there = comer.has(&want) && is_as_recorded(host, &store)?;
        Ok((!is_there).then_some(want))
    })?;
    Ok(())
}

/// The taps are silenced before anything is waited for: the host's own IPv6 stack speaks on a tap
/// that is up.
pub(super) fn want_started(comer: &Comer<'_>) -> Result<Want> {
    let requested = comer.request_with_taps()?;
    for tap in requested.ports.iter().filter_map(|port| port.tap.as_ref()) {
        comer
            .host
            .change_link(&LinkChange::QuietTap(tap.name.clone()))?;
    }
    comer.want(Phase::Started, requested)
}
