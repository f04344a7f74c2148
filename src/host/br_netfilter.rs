//! The kernel module that sends bridged frames through iptables.
//!
//! Without it every rule of a security group would stand there and match nothing. Loading it has a
//! side effect: its host-wide switches are 1 at first, which would put every other bridge of the
//! host (Docker's, libvirt's own) under iptables. Our bridges have switches of their own, so the
//! host-wide ones go to 0, once, by whoever loaded the module. If the module was there before, its
//! switches are the operator's.

use std::path::Path;

use super::HostError;
use super::process::{Call, Runner};

const SWITCHES: &str = "/proc/sys/net/bridge";

/// Whether the module is there.
pub fn has_br_netfilter() -> bool {
    Path::new(SWITCHES).is_dir()
}

/// Loads the module if it is not there.
pub(super) fn ensure(runner: &Runner) -> Result<(), HostError> {
    if has_br_netfilter() {
        return Ok(());
    }
    let call = Call::new("modprobe", &["br_netfilter"]);
    runner.run_well(&call)?;
    for switch in ["iptables", "ip6tables", "arptables"] {
        let path = Path::new(SWITCHES).join(format!("bridge-nf-call-{switch}"));
        std::fs::write(&path, "0").map_err(HostError::file("cannot write", &path))?;
    }
    Ok(())
}
