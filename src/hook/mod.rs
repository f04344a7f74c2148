//! What each call of libvirt's does, and what `vmhook sync DOMAIN` does where libvirt calls nobody.
//!
//! A call that concerns a VM of ours becomes a [`Want`](crate::record::Want), which
//! [`settle`](crate::apply::settle) makes true together with everybody else's. Only what lets a VM in
//! reads the configuration: `prepare`, `start`, `started`, `port-created` and `sync`, and `migrate`
//! to see whether the VM may be ours. The others work from records alone, so a file that somebody
//! broke has no effect on VMs that run.
//!
//! | call | want | without an interface or record of ours |
//! |---|---|---|
//! | `migrate` | none; noted for `start` | nothing |
//! | `prepare`, `port-created` | prepared: networks there, ports closed | nothing, whatever else is wrong |
//! | `start`, `started`, `vmhook sync DOMAIN` | started: ports open | nothing |
//! | `port-deleted` | as it was, without that port | nothing |
//! | `stopped` | prepared | nothing |
//! | `release` | gone | nothing |
//! | `reconnect`, daemon `start` | as recorded, repaired | nothing |

mod asking;
mod bring;
mod changes;
mod comer;
mod context;
mod daemon;
mod domain;
mod failure;
mod input;
mod leave;
mod migrate;
mod plug;
pub mod rehearsal;
mod reload;
mod sync;

use std::ffi::OsStr;

use crate::event::{Event, Operation};
use crate::host::Host;
use crate::refusal::Refusal;

use failure::Failure;

pub use changes::{Change, Outcome};
pub use context::{load_config, with_sources};
pub use input::Input;
pub use reload::{Decision, Reloaded, Rewritten, decide, rehearse_reload, reload};
pub use sync::{Synced, sync};

/// Serves one event. `input` is what came on standard input, `root` whether we may change things.
///
/// # Errors
/// One line that names domain, interface and cause. Whether it becomes an exit code says
/// [`Event::may_fail`].
pub fn serve(event: &Event, host: &dyn Host, root: bool, input: &Input) -> anyhow::Result<()> {
    let result = match event {
        Event::Domain { name, operation } => serve_domain(*operation, host, root, (name, input)),
        Event::PortCreated => plug::port_created(host, root, input),
        Event::PortDeleted if root => plug::port_deleted(host, input),
        // Session libvirt has a daemon of its own, and nothing of ours.
        Event::DaemonStart if root => daemon::start(host),
        Event::PortDeleted | Event::DaemonStart | Event::Nothing => Ok(()),
    };
    result.map_err(|error| {
        failure::tell(host, event, input, &error);
        named(event, error)
    })
}

fn serve_domain(
    operation: Operation,
    host: &dyn Host,
    root: bool,
    (name, input): (&OsStr, &Input),
) -> anyhow::Result<()> {
    match operation {
        Operation::Prepare => bring::prepare(host, root, name, input),
        Operation::Start => bring::start(host, root, name, input),
        Operation::Started => bring::started(host, root, name, input),
        // What was never let in leaves nothing.
        Operation::Migrate | Operation::Stopped | Operation::Release | Operation::Reconnect
            if !root =>
        {
            Ok(())
        }
        Operation::Migrate => migrate::migrate(host, name, input),
        Operation::Stopped => leave::stopped(host, name, input),
        Operation::Release => leave::release(host, name, input),
        Operation::Reconnect => leave::reconnect(host, name, input),
    }
}

/// Every error names the domain.
fn named(event: &Event, error: anyhow::Error) -> anyhow::Error {
    match event {
        Event::Domain { name, .. } if !error.is::<Refusal>() && !error.is::<Failure>() => {
            failure::named(&name.to_string_lossy(), format!("{error:#}")).into()
        }
        _ => error,
    }
}
