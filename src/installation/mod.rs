//! What an installation is: a few small files in places that libvirt and the operator know.
//!
//! `vmhook setup` makes it and `vmhook remove` undoes it. Both look first ([`Scene`]), decide here,
//! as values ([`Step`]), and then do and say what was decided. So a second `setup` finds nothing to
//! do, and one that was killed is finished by the next.
//!
//! ```text
//! /etc/libvirt/hooks/qemu.d/50-vmhook     what libvirt runs: a few lines of shell, which start
//!                    network.d/50-vmhook  /usr/bin/vmhook-event where there is something to do
//!                    daemon.d/50-vmhook
//! /etc/vmhook/vmhook.toml.example         to be copied
//!             conf.d/                     the operator's, empty
//! ```
//!
//! # What libvirt runs
//!
//! libvirt runs *every* executable file of those three folders, in the order of their names: also
//! `.50-vmhook.swp`, `50-vmhook~` and `50-vmhook.dpkg-old`. So
//!
//! - a file is written beside the folders, where libvirt knows three names and runs no other, is
//!   complete, executable and on the disk there, and then renamed. At no moment does a folder hold
//!   an incomplete file, or a stub that is not executable, which libvirt would pass by without a word;
//! - what editors and package managers left of an earlier stub goes or loses its execute permission.
//!
//! # Whose a file is
//!
//! Every file of ours ends with a line that holds a sum of all before it. So any version of the
//! program knows any other version's files, and those that somebody has changed since. A changed stub
//! is set aside before it is replaced, a changed example stays.

mod apparmor;
mod file;
mod leftover;
mod scene;
mod step;

#[cfg(test)]
mod tests;

pub use apparmor::{PROFILES, keeps_hooks_from_running};
pub use file::{EXAMPLE, Kind, OwnFile, STUBS};
pub use scene::{Found, Scene};
pub use step::{Step, to_remove, to_set_up};

/// What libvirt runs, as its own sources fix it.
pub const HOOKS: &str = "/etc/libvirt/hooks";

/// What a stub starts.
pub const EVENT: &str = "/usr/bin/vmhook-event";

/// Where stubs and what is beside them are made before they are renamed, and where the example is: on
/// the same file system as their places, and under a name that nobody runs or reads.
pub const UNFINISHED: [&str; 2] = [
    "/etc/libvirt/hooks/.vmhook-unfinished",
    "/etc/vmhook/.vmhook-unfinished",
];

/// Where a file of this path is made.
pub fn unfinished(path: &str) -> &'static str {
    let [hooks, config] = UNFINISHED;
    if path.starts_with(HOOKS) {
        hooks
    } else {
        config
    }
}

/// The folder of the configuration.
pub const CONFIG: &str = "/etc/vmhook";

/// The configuration itself, which is the operator's.
pub const MAIN: &str = "/etc/vmhook/vmhook.toml";

/// The folder of the configuration's parts.
pub const PARTS: &str = "/etc/vmhook/conf.d";

/// The programs that a start of a guest needs, with Debian's package of each.
pub const PROGRAMS: [(&str, &str); 7] = [
    ("iptables-save", "iptables"),
    ("iptables-restore", "iptables"),
    ("ip6tables-save", "iptables"),
    ("ip6tables-restore", "iptables"),
    ("nft", "nftables"),
    ("ipset", "ipset"),
    ("conntrack", "conntrack"),
];

/// libvirt's daemons that run our hooks, monolithic and modular.
pub const DAEMONS: [&str; 3] = ["libvirtd", "virtqemud", "virtnetworkd"];
