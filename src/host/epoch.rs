//! This boot and this network namespace.

use std::fs;
use std::io::{Error, ErrorKind};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::Duration;

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

/// Time since the boot, from `/proc/uptime`: seconds with two digits, and another number.
pub(super) fn uptime() -> Result<Duration, HostError> {
    let path = Path::new("/proc/uptime");
    let text = fs::read_to_string(path).map_err(HostError::file("cannot read", path))?;
    let seconds = text.split(' ').next().and_then(|word| word.parse().ok());
    let uptime = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    let error = || Error::new(ErrorKind::InvalidData, "no number of seconds");
    uptime.ok_or_else(|| HostError::file("cannot understand", path)(error()))
}

#[test]
fn time_goes_on() {
    let before = uptime().unwrap();
    assert!(before > Duration::ZERO && uptime().unwrap() >= before);
}
