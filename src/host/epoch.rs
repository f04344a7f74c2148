//! This boot and this network namespace.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use crate::facts::Epoch;

use super::HostError;

/// Reads both from `/proc`.
pub(super) fn read() -> Result<Epoch, HostError> {
    let boot = Path::new("/proc/sys/kernel/random/boot_id");
    // Not /proc/self: that is the first thread, and a namespace belongs to a thread.
    let netns = Path::new("/proc/thread-self/ns/net");
    Ok(Epoch {
        boot: fs::read_to_string(boot)
            .map_err(HostError::file("cannot read", boot))?
            .trim()
            .to_owned(),
        netns: fs::metadata(netns)
            .map_err(HostError::file("cannot read", netns))?
            .ino(),
    })
}

/// The machine id, or nothing.
pub(super) fn machine_id() -> String {
    let text = fs::read_to_string("/etc/machine-id").unwrap_or_default();
    text.trim().to_owned()
}
