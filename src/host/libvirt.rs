//! Telling libvirt's daemons to look for hooks again.
//!
//! They look when they start and at `SIGHUP`, which is all that `systemctl reload` sends. It touches
//! no guest. A daemon that does not catch the signal yet would die of it: it is left alone. A daemon
//! that does not run (the modular ones end when nobody asks them) looks when it is started.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::HostError;
use crate::installation::DAEMONS;

/// What became of telling one daemon.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// Its name.
    pub daemon: &'static str,
    /// Its process.
    pub pid: i32,
    /// Why it could not be told, if so.
    pub failure: Option<String>,
}

/// **Changes**: tells every daemon of libvirt's, root's own in this network namespace.
///
/// # Errors
/// If the processes there are cannot be listed.
pub fn tell_daemons() -> Result<Vec<Told>, HostError> {
    let proc = Path::new("/proc");
    let entries = fs::read_dir(proc).map_err(HostError::file("cannot read", proc))?;
    let pids = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    let mut told: Vec<Told> = pids
        .filter_map(|pid| Some((pid, daemon(pid)?)))
        .map(|(pid, daemon)| tell(pid, daemon))
        .collect();
    told.sort_by_key(|told| told.pid);
    Ok(told)
}

/// The daemon that this process is.
fn daemon(pid: i32) -> Option<&'static str> {
    let name = fs::read_to_string(format!("/proc/{pid}/comm")).ok()?;
    let daemon = DAEMONS
        .into_iter()
        .find(|daemon| name.trim_end() == *daemon)?;
    let is_roots = fs::metadata(format!("/proc/{pid}")).ok()?.uid() == 0;
    let is_here = network_of(&pid.to_string()) == network_of("thread-self");
    (is_roots && is_here).then_some(daemon)
}

fn network_of(process: &str) -> Option<u64> {
    let path = format!("/proc/{process}/ns/net");
    fs::metadata(path).ok().map(|file| file.ino())
}

fn tell(pid: i32, daemon: &'static str) -> Told {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let failure = if catches_hangup(&status) {
        let sent = kill(Pid::from_raw(pid), Signal::SIGHUP);
        sent.err().map(|errno| errno.desc().to_owned())
    } else {
        Some("it is starting or ending".to_owned())
    };
    Told {
        daemon,
        pid,
        failure,
    }
}

/// proc(5): `SigCgt` is a mask in hexadecimal digits; signal n is bit n - 1.
fn catches_hangup(status: &str) -> bool {
    let mask = status
        .lines()
        .find_map(|line| line.strip_prefix("SigCgt:"))
        .and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.is_some_and(|mask| mask & 1 << (Signal::SIGHUP as u32 - 1) != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_daemon_that_catches_no_hangup_is_not_told() {
        assert!(catches_hangup(
            "Name:\tlibvirtd\nSigCgt:\t0000000000005001\n"
        ));
        assert!(!catches_hangup(
            "Name:\tlibvirtd\nSigCgt:\t0000000000005000\n"
        ));
        assert!(!catches_hangup("Name:\tlibvirtd\n"));
    }
}
