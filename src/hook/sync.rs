//! `vmhook sync DOMAIN`: what libvirt changed on a running domain without a hook.
//!
//! libvirt plugs interfaces of `type='bridge'` in and out, and moves taps between bridges, and calls
//! nobody. So an operator asks. What is gone or elsewhere closes first, whatever becomes of the rest;
//! then everything that the domain has now is opened, as at `start`, all of it or nothing of it.
//!
//! ```text
//! live XML ─┬─ recorded, and gone from it ─▶ closed
//!           ├─ recorded, and still there ──▶ stays as it was resolved
//!           └─ not recorded ───────────────▶ resolved now, its tap checked, opened
//! ```
//!
//! A hook of the same domain may run meanwhile. The record is read before the XML: what the one has
//! and the other has not is gone, not new. And nothing is written once anybody else has.

use anyhow::{Result, bail};

use super::bring::want_started;
use super::changes::Change;
use super::comer::Comer;
use super::context::{fulfil_by, let_go};
use super::domain::port_of;
use super::failure::refusal;
use crate::apply::{Mode, Store, without_unplugged};
use crate::domain::Domain;
use crate::event::Call;
use crate::facts::Process;
use crate::host::Host;
use crate::model::{DomainUuid, PortKey};
use crate::record::Want;
use crate::refusal::Refusal;

/// What became of a domain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Synced {
    /// It has no interface on a managed bridge, and left nothing.
    NotOurs,
    /// It is shut off; whether something of it was left, which is gone now.
    ShutOff {
        /// Something was left.
        left: bool,
    },
    /// It runs.
    Runs {
        /// What became of its ports.
        changes: Vec<Change>,
        /// Why nothing was opened that was not open before.
        refused: Option<Refusal>,
    },
}

/// Makes a domain's ports what its XML says. `ask` gives the XML as it is at that moment.
///
/// # Errors
/// If libvirt, the records or the kernel do not answer, or somebody else changes the domain just now.
pub fn sync(host: &dyn Host, mut ask: impl FnMut() -> Result<Domain>) -> Result<Synced> {
    let store = Store::open(host)?;
    let uuid = ask()?.uuid;
    let before = noted(&store, &uuid)?;
    let domain = ask()?;
    if !domain.active {
        return shut_off(host, &store, before.as_ref());
    }
    if let Some(want) = &before {
        close(host, &store, &domain, want)?;
    }
    let after_closing = noted(&store, &uuid)?;
    let refused = match open(host, &store, &domain, after_closing.as_ref()) {
        Ok(false) if before.is_none() => return Ok(Synced::NotOurs),
        Ok(_) => None,
        Err(error) => Some(refusal(error)?),
    };
    let changes = Change::between(before.as_ref(), noted(&store, &uuid)?.as_ref());
    Ok(Synced::Runs { changes, refused })
}

fn noted(store: &Store<'_>, uuid: &DomainUuid) -> Result<Option<Want>> {
    Ok(store.domain(uuid)?.map(|record| record.want))
}

fn shut_off(host: &dyn Host, store: &Store<'_>, left: Option<&Want>) -> Result<Synced> {
    let Some(want) = left else {
        return Ok(Synced::ShutOff { left: false });
    };
    let taps = want.ports.iter().filter(|port| port.tap.is_some()).count();
    let gone = without_unplugged(host, want)?;
    let gone = gone.map_or(0, |there| want.ports.len() - there.ports.len());
    if gone < taps {
        bail!(
            "domain {}: by its XML it is shut off, but a tap of its is there; give the XML of the \
             running machine",
            want.name
        );
    }
    let generation = next(store, &want.uuid, Some(want))?;
    let gone = Want {
        call: Call::Sync,
        ..want.gone(generation)
    };
    let_go(host, store, gone)?;
    Ok(Synced::ShutOff { left: true })
}

/// Closes what is recorded, and gone or elsewhere.
fn close(host: &dyn Host, store: &Store<'_>, domain: &Domain, want: &Want) -> Result<()> {
    let there = without_unplugged(host, want)?;
    let there = there.as_ref().unwrap_or(want);
    let interfaces = domain.interfaces.iter();
    let named = interfaces.filter_map(|it| port_of(&there.ports, &there.networks, it));
    let named: Vec<PortKey> = named.map(|(port, _)| port.key()).collect();
    let generation = next(store, &want.uuid, Some(want))?;
    let kept = there.keeping(generation, |port| named.contains(&port.key()));
    if kept.ports.len() == want.ports.len() {
        return Ok(());
    }
    let kept = Want {
        call: Call::Sync,
        ..kept
    };
    let_go(host, store, kept)
}

/// Opens all that it has, and repairs what somebody changed; false if there is nothing to open.
fn open(host: &dyn Host, store: &Store<'_>, domain: &Domain, noted: Option<&Want>) -> Result<bool> {
    fulfil_by(Mode::Repair, host, store, || {
        let Some(comer) = Comer::of((host, store), true, (Call::Sync, domain))? else {
            return Ok(None);
        };
        let want = Want {
            generation: next(store, &domain.uuid, noted)?,
            // The operator's shell is nobody whose life says anything of the domain's; its taps do.
            caller: noted.map_or(Process::NOBODY, |want| want.caller.clone()),
            ..want_started(&comer)?
        };
        Ok((!want.ports.is_empty()).then_some(want))
    })
}

/// The number of the domain's next want, if nobody has written one since this was noted.
fn next(store: &Store<'_>, uuid: &DomainUuid, noted: Option<&Want>) -> Result<u64> {
    let next = store.next_generation(uuid)?;
    if next != 1 + noted.map_or(0, |want| want.generation) {
        bail!("something else happens to domain {uuid} just now; run it again");
    }
    Ok(next)
}
