//! The boundary: kernel, processes, files, clock, environment. Nothing else in this crate does
//! input or output.
//!
//! [`Host`] is what the rest sees. [`Machine`] is the real one; with the feature `faults`, `Faulty`
//! stands between and makes the nth change fail, hang or end the process. Every method that changes
//! something says so; all others only look.
//!
//! ```text
//!                ┌ netlink/             links, addresses, forwarding databases (rtnetlink)
//!                ├ generation           nftables' generation id (nfnetlink)
//!                ├ connections          single conntrack entries (nfnetlink)
//! Host ◀ Machine ┼ process              iptables, ipset, nft, conntrack, br_netfilter
//!                ├ state, lock,
//!                │ lock_holder          files below /run/vmhook
//!                ├ config_files         files below /etc/vmhook
//!                ├ sysctl, epoch,
//!                │ caller, neutron_agent  /proc
//!                └ log                  the journal or syslog
//! ```
//!
//! Two rules hold for all of it. **Nothing waits without limit**: every wait ends with the time
//! limit of the whole call (`deadline`). **Nothing is left behind**: a program that overstays is
//! killed with all that it started.
//!
//! Some things are no part of [`Host`], because no plan and no record depends on them: standard input
//! ([`stdin`]), and what an installation touches, its files ([`Tree`]), the programs that it looks for
//! ([`Programs`]) and libvirt's daemons ([`tell_daemons`]).

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "this is the boundary: the one place for files, processes, sockets and the clock"
)]

mod br_netfilter;
mod caller;
mod config_files;
mod connections;
mod conntrack;
mod deadline;
mod epoch;
mod error;
#[cfg(feature = "faults")]
mod faulty;
mod generation;
mod installation;
mod ipset;
mod iptables;
mod libvirt;
mod lock;
mod lock_holder;
mod log;
mod machine;
mod netlink;
mod neutron_agent;
mod nft;
mod open;
mod policy;
mod privileges;
mod process;
mod programs;
mod state;
pub mod stdin;
mod sysctl;

pub use br_netfilter::has_br_netfilter;
pub use config_files::ConfigFile;
pub use error::HostError;
#[cfg(feature = "faults")]
pub use faulty::{FaultError, Faults, Faulty};
pub use installation::Tree;
pub use libvirt::{Told, tell_daemons};
pub use lock::LockGuard;
pub use machine::{Machine, Paths};
pub use open::open;
pub use policy::forward_policy;
pub use privileges::is_root;
pub use programs::{Programs, is_selinux_on};
pub use sysctl::igmp_max_memberships;

use std::net::IpAddr;
use std::time::Duration;

use crate::facts::{Epoch, HostFacts, IptablesBackend, LinkFact, Process};
use crate::firewall::connection::Connection;
use crate::model::{Family, FdbEntry, IfName, Neighbour, Zone};
use crate::plan::link::LinkChange;
use crate::plan::{Forget, NftFamily, RestoreInput};

/// What the boundary can do. One call is one indivisible act where the kernel allows it.
pub trait Host {
    /// All links and addresses of this network namespace (netlink dump).
    ///
    /// # Errors
    /// [`HostError::Netlink`].
    fn facts(&self) -> Result<HostFacts, HostError>;

    /// All addresses, but only some links: those of these names and what they are ports of, every
    /// VXLAN device, and whatever carries an address that is good beyond its link; of bridges that are
    /// the host's also their ports. Enough for a domain on its way up, at a cost that does not depend
    /// on how many others there are on bridges of ours.
    ///
    /// # Errors
    /// [`HostError::Netlink`].
    fn facts_about(&self, names: &[&str]) -> Result<HostFacts, HostError>;

    /// The address from which the kernel speaks to this one by its routes; `None` if it has no route.
    ///
    /// # Errors
    /// [`HostError::Netlink`].
    fn source_to(&self, other: IpAddr) -> Result<Option<IpAddr>, HostError>;

    /// The link of this name, if there is one.
    ///
    /// # Errors
    /// [`HostError::Netlink`].
    fn link(&self, name: &str) -> Result<Option<LinkFact>, HostError>;

    /// The permanent entries (`NUD_PERMANENT`, `NTF_SELF`) of one VXLAN device's forwarding
    /// database that name a remote end; empty if there is no such device.
    ///
    /// # Errors
    /// [`HostError::Netlink`].
    fn fdb(&self, device: &IfName) -> Result<Vec<FdbEntry>, HostError>;

    /// The permanent neighbour entries (`NUD_PERMANENT`) of one link that no routing daemon has made;
    /// empty if there is no such link.
    ///
    /// # Errors
    /// [`HostError::Netlink`].
    fn neighbours(&self, device: &IfName) -> Result<Vec<Neighbour>, HostError>;

    /// The kernel's nftables generation id: changes with every nftables commit in this namespace.
    ///
    /// # Errors
    /// [`HostError::Netlink`].
    fn ruleset_generation(&self) -> Result<u32, HostError>;

    /// `iptables-save` or `ip6tables-save`, all tables.
    ///
    /// # Errors
    /// [`HostError::Command`].
    fn iptables_save(&self, family: Family) -> Result<String, HostError>;

    /// Which kernel interface `iptables` speaks to.
    ///
    /// # Errors
    /// [`HostError::Command`] if there is no iptables.
    fn iptables_backend(&self) -> Result<IptablesBackend, HostError>;

    /// `nft --stateless list table <family> vmhook`; `None` if there is no such table.
    ///
    /// # Errors
    /// [`HostError::Command`].
    fn nft_table(&self, family: NftFamily) -> Result<Option<String>, HostError>;

    /// Whether `nft --check` accepts this script: a probe of what the kernel can do.
    ///
    /// # Errors
    /// [`HostError::Command`] if nft cannot be run.
    fn nft_accepts(&self, script: &str) -> Result<bool, HostError>;

    /// **Changes**: one `nft -f`, a transaction.
    ///
    /// # Errors
    /// [`HostError::Command`]; then nothing was changed.
    fn nft(&self, script: &str) -> Result<(), HostError>;

    /// **Changes**: `iptables-restore --noflush` and `ip6tables-restore --noflush`, a transaction a
    /// table each; an empty text is not run. Side by side or one after the other.
    ///
    /// # Errors
    /// [`HostError::Command`] of the first that failed; what the other did stays.
    fn iptables_restore(&self, input: &RestoreInput) -> Result<(), HostError>;

    /// `ipset save`: every set of this network namespace with its elements.
    ///
    /// # Errors
    /// [`HostError::Command`], also where there is no `ipset`.
    fn ipset_save(&self) -> Result<String, HostError>;

    /// `ipset list -terse`: every set of this network namespace, and how many elements it has.
    ///
    /// # Errors
    /// As for [`ipset_save`](Self::ipset_save).
    fn ipset_sizes(&self) -> Result<String, HostError>;

    /// **Changes**: `ipset -exist restore`. Waits for rules that are still being destroyed to let go
    /// of their sets.
    ///
    /// # Errors
    /// [`HostError::Command`]; what stands before the line that failed is done.
    fn ipset_restore(&self, text: &str) -> Result<(), HostError>;

    /// **Changes**: one link, one forwarding entry or one setting of a link.
    ///
    /// Making what is there already in the same form and deleting what is gone succeed.
    ///
    /// # Errors
    /// [`HostError::Netlink`], naming the change.
    fn change_link(&self, change: &LinkChange) -> Result<(), HostError>;

    /// **Changes**: deletes the conntrack entries of these addresses in a zone, both directions;
    /// with no address, all entries of the zone.
    ///
    /// # Errors
    /// [`HostError::Netlink`]; for a whole zone [`HostError::Command`].
    fn forget_connections(&self, forget: &Forget) -> Result<(), HostError>;

    /// **Changes**: deletes the conntrack entries of a zone that are `over`, each as it was read: one
    /// that took its place meanwhile stays.
    ///
    /// # Errors
    /// [`HostError::Netlink`].
    fn forget_connections_if(
        &self,
        zone: Zone,
        over: &dyn Fn(&Connection) -> bool,
    ) -> Result<(), HostError>;

    /// **Changes**: makes sure that bridged frames can reach iptables: loads `br_netfilter` if it
    /// is not there, and then, only then, switches the host-wide `bridge-nf-call-*` off again.
    ///
    /// # Errors
    /// [`HostError`] if the module cannot be had.
    fn ensure_br_netfilter(&self) -> Result<(), HostError>;

    /// A running Neutron Linux bridge agent in this network namespace, if there is one: its pid.
    ///
    /// # Errors
    /// [`HostError::File`].
    fn neutron_agent(&self) -> Result<Option<u32>, HostError>;

    /// The files of the configuration, each with its text or why it could not be read.
    fn config_files(&self) -> Vec<ConfigFile>;

    /// The content of a file of the state directory; `None` if there is none.
    ///
    /// # Errors
    /// [`HostError::File`].
    fn read_state(&self, name: &str) -> Result<Option<Vec<u8>>, HostError>;

    /// The names of the files in a folder of the state directory, sorted; empty if there is none.
    ///
    /// # Errors
    /// [`HostError::File`].
    fn list_state(&self, folder: &str) -> Result<Vec<String>, HostError>;

    /// **Changes**: writes a file of the state directory whole (temporary file, rename).
    ///
    /// # Errors
    /// [`HostError::File`]; then the old content stands.
    fn write_state(&self, name: &str, content: &[u8]) -> Result<(), HostError>;

    /// **Changes**: removes a file of the state directory; succeeds if there is none.
    ///
    /// # Errors
    /// [`HostError::File`].
    fn remove_state(&self, name: &str) -> Result<(), HostError>;

    /// Takes the host lock, or gives up at the time limit. Held until the guard is dropped; the
    /// children that are started meanwhile inherit it, so that a killed hook's `iptables-restore`
    /// keeps others out until it has ended.
    ///
    /// # Errors
    /// [`HostError::Busy`] when the time is up.
    fn lock(&self) -> Result<LockGuard, HostError> {
        loop {
            if let Some(lock) = self.lock_unless(&|| Ok(false))? {
                return Ok(lock);
            }
        }
    }

    /// The same for who waits for somebody's work: `None` once it is done, and the lock `needless`.
    /// That is asked now and then while the lock is somebody else's.
    ///
    /// # Errors
    /// As for [`lock`](Self::lock), and those of the question.
    fn lock_unless(
        &self,
        needless: &dyn Fn() -> Result<bool, HostError>,
    ) -> Result<Option<LockGuard>, HostError>;

    /// This boot and network namespace: what another one applied counts as nothing.
    ///
    /// # Errors
    /// [`HostError::File`].
    fn epoch(&self) -> Result<Epoch, HostError>;

    /// Time since the boot, for what must not be believed for long.
    ///
    /// # Errors
    /// [`HostError::File`].
    fn uptime(&self) -> Result<Duration, HostError>;

    /// The process that called the hook.
    fn caller(&self) -> Process;

    /// Whether that process still runs (same pid, same start time).
    fn is_running(&self, process: &Process) -> bool;

    /// The machine id (`/etc/machine-id`), for addresses that are stable on one host; empty if
    /// there is none.
    fn machine_id(&self) -> String;

    /// One line to the journal or syslog. Never fails: a hook works without a log.
    fn log(&self, priority: Priority, fields: &[(&str, &str)], message: &str);

    /// Time spent since the boundary was opened, which a program does first of all.
    fn elapsed(&self) -> Duration;

    /// Time left before every further call is refused with [`HostError::Busy`].
    fn time_left(&self) -> Duration;

    /// Sets another time limit for the whole call, counted from the opening of the boundary.
    fn set_limit(&self, limit: Duration);

    /// Opens the share of the time limit that is kept for undoing: from now on
    /// [`time_left`](Self::time_left) counts to the end of the whole limit.
    fn begin_undo(&self);
}

/// How urgent a log line is (syslog's numbers).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Priority {
    /// A VM has no network, or not the right one.
    Error,
    /// Something was repaired or ignored.
    Warning,
    /// What changed.
    Info,
}
