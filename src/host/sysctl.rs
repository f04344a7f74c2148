//! Kernel settings: mostly of one device, written to `/proc/sys/net`, which shows the network namespace of
//! the caller.
//!
//! Device names hold dots (`eth0.1011`); they are path components here, so nothing is replaced as
//! with `sysctl -w`.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};
use std::path::Path;

use super::HostError;

/// Writes `/proc/sys/net/<protocol>/conf/<device>/<setting>`.
///
/// A device without that file has no such protocol (IPv6 is switched off, or its MTU is below
/// 1280), and then the setting is not needed.
pub(super) fn set(
    protocol: &str,
    device: &str,
    setting: &str,
    value: &str,
) -> Result<(), HostError> {
    let path = format!("/proc/sys/net/{protocol}/conf/{device}/{setting}");
    let written = OpenOptions::new()
        .write(true)
        .open(&path)
        .and_then(|mut file| file.write_all(value.as_bytes()));
    match written {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        other => other.map_err(HostError::file("cannot write", Path::new(&path))),
    }
}

/// The value of a setting of the host, by its dotted name: for a message, so a failure is none.
pub(super) fn get(name: &str) -> Option<String> {
    let path = format!("/proc/sys/{}", name.replace('.', "/"));
    let value = std::fs::read_to_string(path).ok()?;
    Some(value.trim().to_owned())
}

/// How many IPv4 multicast groups a socket of this host joins, and with it the networks of a UDP port.
pub fn igmp_max_memberships() -> Option<usize> {
    get("net.ipv4.igmp_max_memberships")?.parse().ok()
}
