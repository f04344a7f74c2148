//! A libvirt daemon has started.

use anyhow::Result;

use crate::apply::{Store, repair, retire_stale};
use crate::event::Call;
use crate::host::Host;

/// Drops what belongs to VMs that are gone, and repairs the rest.
///
/// Every modular daemon of libvirt calls this, some in the middle of another VM's start: a record is
/// dropped only if neither its tap is there nor the process that called its hook still runs.
pub(super) fn start(host: &dyn Host) -> Result<()> {
    let store = Store::open(host)?;
    store.drop_failed_incoming()?;
    let nothing = store.host_record()?.is_none() && store.wants()?.is_empty();
    if nothing && store.load()?.index.lines.is_empty() {
        return Ok(());
    }
    retire_stale(host, Call::DaemonStart)?;
    repair(host, Call::DaemonStart)
}
