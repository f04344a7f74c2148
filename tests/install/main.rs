//! What `make install`, `vmhook setup` and `vmhook remove` put where and take away, and how a
//! running libvirt learns of it.

#[path = "../support/mod.rs"]
mod support;

mod package;
mod remove;
mod selinux;
mod setup;

use std::path::Path;

use support::{DomainSpec, Guest, Lab, Nic, Tap, Vm};

const QEMU: &str = "/etc/libvirt/hooks/qemu.d/50-vmhook";

/// The folder of this build's binaries stands for `target/release`.
fn binaries() -> String {
    let event = Path::new(env!("CARGO_BIN_EXE_vmhook-event"));
    event
        .parent()
        .expect("a file has a folder")
        .display()
        .to_string()
}

/// Every file below a folder, with its mode.
fn files(lab: &Lab, folder: &str) -> Vec<String> {
    let found = lab.ok(&format!(
        "cd {folder} && find . -type f -printf '%m %P\\n' | sort -k 2"
    ));
    found.lines().map(str::to_owned).collect()
}

/// A lab with the programs in their places, and no hook yet.
fn with_programs() -> Lab {
    let lab = Lab::new();
    lab.ok(&format!(
        "install -m 755 {0}/vmhook {0}/vmhook-event /usr/bin/",
        binaries()
    ));
    lab
}
