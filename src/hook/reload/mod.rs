//! `vmhook reload`: what the configuration says now, for domains that run.
//!
//! The domain's XML is not at hand, and libvirt is not asked: the record has the interfaces, and what
//! the domain's metadata said of them. So each port is resolved again from the same sources as at
//! `prepare`, and keeps its network, its MAC address and its tap. What a port then is decides about
//! its rules; what differs from the record is applied, all of it in one transaction.
//!
//! ```text
//! record: interfaces, metadata ─┐
//! configuration as it is now ───┴ resolve ─▶ wants ─ those that differ ─▶ one transaction, or none
//! ```
//!
//! What all domains share changes with them. A network's tunnel and MTU stay, for guests hold what they
//! booted with: another one is refused. `docs/operations.md` lists what comes.

mod decide;
mod existing;
mod host_end;
mod inventory;
mod rewritten;
mod shared;

use anyhow::Result;

use super::context::{load_config, with_sources};
use crate::apply::journal::{Line, Outcome, input};
use crate::apply::{Standing, Stuck, plan_together, settle_together};
use crate::config::Config;
use crate::event::Call;
use crate::host::Host;
use crate::plan::Plan;
use crate::refusal::Refusal;

pub use decide::{Decision, decide};
pub use rewritten::Rewritten;

/// What became of a reload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reloaded {
    /// The configuration is wrong, or a domain cannot have what it says. Nothing was changed.
    Refused(Vec<String>),
    /// All that it serves is as the configuration says, or would be.
    Done(Decision),
}

/// Why a configuration cannot be had.
#[derive(Debug, thiserror::Error)]
#[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
struct Refused(Vec<Refusal>);

/// Brings every domain's ports to the configuration. It is read under the lock: of two at once the
/// one that ends last has read it last.
///
/// # Errors
/// If the records or the kernel do not answer, or a change failed and was undone.
pub fn reload(host: &dyn Host) -> Result<Reloaded> {
    let mut done = Decision::default();
    let settled = settle_together(host, Call::Reload, |standing| {
        let decision = decided(host, standing)?;
        let so_far = std::mem::replace(&mut done, decision);
        done.changes.splice(0..0, so_far.changes);
        done.shared.splice(0..0, so_far.shared);
        Ok(done.decided())
    });
    match settled {
        Ok(()) => Ok(Reloaded::Done(done)),
        Err(error) => refused(error)
            .inspect(|refusals| tell_refused(host, refusals))
            .inspect_err(|error| tell_failed(host, error))
            .map(|refusals| Reloaded::Refused(texts(&refusals))),
    }
}

/// What [`reload`] would do, and run. Nothing is changed.
///
/// # Errors
/// If the records or the kernel do not answer.
pub fn rehearse_reload(host: &dyn Host) -> Result<(Reloaded, Plan)> {
    let mut done = Decision::default();
    let planned = plan_together(host, Call::Reload, |standing| {
        done = decided(host, standing)?;
        Ok(done.decided())
    });
    match planned {
        Ok(plan) => Ok((Reloaded::Done(done), plan)),
        Err(error) => {
            let refusals = refused(error)?;
            Ok((Reloaded::Refused(texts(&refusals)), Plan::default()))
        }
    }
}

/// What the configuration of this moment makes of what stands.
fn decided(host: &dyn Host, standing: Standing<'_>) -> Result<Decision> {
    let config = load_config(host);
    usable(&config)?;
    let facts = with_sources(host, &config, standing.facts.clone())?;
    let standing = Standing {
        facts: &facts,
        ..standing
    };
    Ok(decide(&config, standing).map_err(Refused)?)
}

/// What is wrong with a configuration as a whole, or with some domains under it.
enum Why {
    Configuration(Vec<String>),
    Domains(Vec<Refusal>),
}

/// A configuration that is wrong anywhere.
#[derive(Debug, thiserror::Error)]
#[error("{}", .0.join("\n"))]
struct Wrong(Vec<String>);

/// An error anywhere may be what the operator was about to change: it is mended first.
fn usable(config: &Config) -> Result<()> {
    let mut errors: Vec<String> = config
        .all_errors()
        .iter()
        .map(ToString::to_string)
        .collect();
    if errors.is_empty() {
        errors.extend(config.incomplete().map(ToString::to_string));
    }
    if errors.is_empty() {
        Ok(())
    } else {
        Err(Wrong(errors).into())
    }
}

/// The refusals that an error is; the error if it is none.
fn refused(error: anyhow::Error) -> Result<Why> {
    let error = match error.downcast::<Wrong>() {
        Ok(Wrong(errors)) => return Ok(Why::Configuration(errors)),
        Err(error) => error,
    };
    let error = match error.downcast::<Refused>() {
        Ok(Refused(refusals)) => return Ok(Why::Domains(refusals)),
        Err(error) => error,
    };
    Ok(Why::Domains(vec![error.downcast::<Refusal>()?]))
}

fn texts(why: &Why) -> Vec<String> {
    match why {
        Why::Configuration(errors) => errors.clone(),
        Why::Domains(refusals) => refusals.iter().map(ToString::to_string).collect(),
    }
}

fn tell_refused(host: &dyn Host, why: &Why) {
    let line = Line::of_host(Call::Reload, Outcome::Refused);
    match why {
        Why::Configuration(errors) => {
            let message = format!("the configuration is wrong: {}", errors.join("; "));
            line.write(host, &message);
        }
        Why::Domains(refusals) => refusals.iter().for_each(|refusal| {
            let interface = refusal.interface.map(|mac| mac.to_string());
            let line = Line {
                domain: Some(&refusal.domain),
                interface: interface.as_deref(),
                ..line
            };
            line.write(host, &refusal.to_string());
        }),
    }
}

fn tell_failed(host: &dyn Host, error: &anyhow::Error) {
    if error.downcast_ref().is_some_and(Stuck::is_told) {
        return;
    }
    let line = Line {
        input: input(error),
        ..Line::of_host(Call::Reload, Outcome::Failed)
    };
    line.write(host, &format!("{error:#}"));
}
