//! Failures on demand: the nth change fails, hangs, or the process dies there.
//!
//! Any text in the environment of a test says where: for each n from 1 to the number of changes that
//! a run makes ([`Faults`] can note it), a test repeats the run with a failure at n and looks at
//! what is left. No package is built with this.

use std::cell::Cell;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::facts::{Epoch, HostFacts, IptablesBackend, LinkFact, Process};
use crate::firewall::connection::Connection;
use crate::model::{Family, FdbEntry, IfName, Neighbour, Zone};
use crate::plan::link::LinkChange;
use crate::plan::{Forget, NftFamily, RestoreInput};

use super::{ConfigFile, Host, HostError, LockGuard, Priority};

/// What is to happen, and at which change.
///
/// Written `fail:3`, `hang:3`, `die-before:3`, `die-after:3`, `stop-before:3`, `stop-after:3`,
/// `fail-reads-after:3`, `count:/path`, any of them with commas between. Changes count from 1; the two halves of an
/// `iptables_restore` count as two.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Faults {
    at: Vec<(Fault, u32)>,
    fail_reads_after: Option<u32>,
    count: Option<PathBuf>,
}

/// What can happen to a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    /// It is refused; nothing was changed.
    Fail,
    /// It takes all the time there is, and is then refused.
    Hang,
    /// The process is killed, and nothing was changed.
    DieBefore,
    /// The process is killed when it is done.
    DieAfter,
    /// The process stands still, until somebody lets it go on.
    StopBefore,
    /// The same when it is done.
    StopAfter,
}

/// A text that is not a [`Faults`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "\"{0}\" is no fault (fail:N, hang:N, die-before:N, die-after:N, stop-before:N, stop-after:N, \
     fail-reads-after:N, count:PATH)"
)]
pub struct FaultError(pub String);

impl FromStr for Faults {
    type Err = FaultError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut faults = Self::default();
        for word in text.split(',') {
            faults
                .add(word)
                .ok_or_else(|| FaultError(word.to_owned()))?;
        }
        Ok(faults)
    }
}

impl Faults {
    fn add(&mut self, word: &str) -> Option<()> {
        let (what, value) = word.split_once(':')?;
        let number = || value.parse().ok().filter(|&number| number > 0);
        match what {
            "fail" => self.at.push((Fault::Fail, number()?)),
            "hang" => self.at.push((Fault::Hang, number()?)),
            "die-before" => self.at.push((Fault::DieBefore, number()?)),
            "die-after" => self.at.push((Fault::DieAfter, number()?)),
            "stop-before" => self.at.push((Fault::StopBefore, number()?)),
            "stop-after" => self.at.push((Fault::StopAfter, number()?)),
            "fail-reads-after" => self.fail_reads_after = Some(value.parse().ok()?),
            "count" => self.count = Some(PathBuf::from(value)),
            _ => return None,
        }
        Some(())
    }

    fn at(&self, change: u32) -> impl Iterator<Item = Fault> {
        let here = self.at.iter().filter(move |(_, number)| *number == change);
        here.map(|&(fault, _)| fault)
    }
}

/// A host that does as it is told to fail.
#[derive(Debug)]
pub struct Faulty<H> {
    host: H,
    faults: Faults,
    changes: Cell<u32>,
}

impl<H: Host> Faulty<H> {
    /// This host with these faults.
    pub fn new(host: H, faults: Faults) -> Self {
        Self {
            host,
            faults,
            changes: Cell::new(0),
        }
    }

    /// The number of changes asked for so far.
    pub fn changes(&self) -> u32 {
        self.changes.get()
    }

    fn change(&self, what: &str, make: impl FnOnce() -> Done) -> Done {
        let number = self.changes.get() + 1;
        self.changes.set(number);
        if let Some(path) = &self.faults.count {
            note(path, number)?;
        }
        for fault in self.faults.at(number) {
            match fault {
                Fault::Fail => return Err(refused(what, "told to fail")),
                Fault::Hang => {
                    std::thread::sleep(self.host.time_left());
                    return Err(refused(what, "killed at the time limit, told to hang"));
                }
                Fault::DieBefore => signal_this(Signal::SIGKILL),
                Fault::StopBefore => signal_this(Signal::SIGSTOP),
                Fault::DieAfter | Fault::StopAfter => {}
            }
        }
        let done = make();
        for fault in self.faults.at(number) {
            match fault {
                Fault::DieAfter => signal_this(Signal::SIGKILL),
                Fault::StopAfter => signal_this(Signal::SIGSTOP),
                _ => {}
            }
        }
        done
    }

    fn read<T>(
        &self,
        what: &str,
        look: impl FnOnce() -> Result<T, HostError>,
    ) -> Result<T, HostError> {
        let blind = |&after: &u32| self.changes.get() >= after;
        if self.faults.fail_reads_after.as_ref().is_some_and(blind) {
            return Err(refused(what, "told to fail"));
        }
        look()
    }
}

type Done = Result<(), HostError>;

fn refused(what: &str, reason: &str) -> HostError {
    HostError::Command {
        program: what.to_owned(),
        reason: reason.to_owned(),
        input: String::new(),
    }
}

fn note(path: &Path, number: u32) -> Done {
    std::fs::write(path, number.to_string()).map_err(HostError::file("cannot write", path))
}

/// As the kernel's out-of-memory killer does it: nothing is cleaned up.
fn signal_this(signal: Signal) {
    kill(Pid::this(), signal).expect("a process may signal itself");
}

impl<H: Host> Host for Faulty<H> {
    fn facts(&self) -> Result<HostFacts, HostError> {
        self.read("facts", || self.host.facts())
    }

    fn facts_about(&self, names: &[&str]) -> Result<HostFacts, HostError> {
        self.host.facts_about(names)
    }

    fn source_to(&self, other: IpAddr) -> Result<Option<IpAddr>, HostError> {
        self.host.source_to(other)
    }

    fn link(&self, name: &str) -> Result<Option<LinkFact>, HostError> {
        self.host.link(name)
    }

    fn fdb(&self, device: &IfName) -> Result<Vec<FdbEntry>, HostError> {
        self.read("fdb", || self.host.fdb(device))
    }

    fn neighbours(&self, device: &IfName) -> Result<Vec<Neighbour>, HostError> {
        self.read("neighbours", || self.host.neighbours(device))
    }

    fn ruleset_generation(&self) -> Result<u32, HostError> {
        self.read("ruleset_generation", || self.host.ruleset_generation())
    }

    fn iptables_save(&self, family: Family) -> Result<String, HostError> {
        self.read("iptables_save", || self.host.iptables_save(family))
    }

    fn iptables_backend(&self) -> Result<IptablesBackend, HostError> {
        self.read("iptables_backend", || self.host.iptables_backend())
    }

    fn nft_table(&self, family: NftFamily) -> Result<Option<String>, HostError> {
        self.read("nft_table", || self.host.nft_table(family))
    }

    fn nft_accepts(&self, script: &str) -> Result<bool, HostError> {
        self.read("nft_accepts", || self.host.nft_accepts(script))
    }

    fn nft(&self, script: &str) -> Done {
        self.change("nft", || self.host.nft(script))
    }

    fn iptables_restore(&self, input: &RestoreInput) -> Done {
        let v4 = RestoreInput {
            v6: String::new(),
            ..input.clone()
        };
        let v6 = RestoreInput {
            v4: String::new(),
            ..input.clone()
        };
        if !v4.v4.is_empty() {
            self.change("iptables-restore", || self.host.iptables_restore(&v4))?;
        }
        if !v6.v6.is_empty() {
            self.change("ip6tables-restore", || self.host.iptables_restore(&v6))?;
        }
        Ok(())
    }

    fn ipset_save(&self) -> Result<String, HostError> {
        self.read("ipset_save", || self.host.ipset_save())
    }

    fn ipset_sizes(&self) -> Result<String, HostError> {
        self.read("ipset_sizes", || self.host.ipset_sizes())
    }

    fn ipset_restore(&self, text: &str) -> Done {
        self.change("ipset", || self.host.ipset_restore(text))
    }

    fn change_link(&self, change: &LinkChange) -> Done {
        self.change("change_link", || self.host.change_link(change))
    }

    fn forget_connections(&self, forget: &Forget) -> Done {
        self.change("forget_connections", || {
            self.host.forget_connections(forget)
        })
    }

    fn forget_connections_if(&self, zone: Zone, over: &dyn Fn(&Connection) -> bool) -> Done {
        self.change("forget_connections_if", || {
            self.host.forget_connections_if(zone, over)
        })
    }

    fn ensure_br_netfilter(&self) -> Done {
        self.change("ensure_br_netfilter", || self.host.ensure_br_netfilter())
    }

    fn neutron_agent(&self) -> Result<Option<u32>, HostError> {
        self.read("neutron_agent", || self.host.neutron_agent())
    }

    fn config_files(&self) -> Vec<ConfigFile> {
        self.host.config_files()
    }

    fn read_state(&self, name: &str) -> Result<Option<Vec<u8>>, HostError> {
        self.read("read_state", || self.host.read_state(name))
    }

    fn list_state(&self, folder: &str) -> Result<Vec<String>, HostError> {
        self.read("list_state", || self.host.list_state(folder))
    }

    fn write_state(&self, name: &str, content: &[u8]) -> Done {
        self.change("write_state", || self.host.write_state(name, content))
    }

    fn remove_state(&self, name: &str) -> Done {
        self.change("remove_state", || self.host.remove_state(name))
    }

    fn lock_unless(
        &self,
        needless: &dyn Fn() -> Result<bool, HostError>,
    ) -> Result<Option<LockGuard>, HostError> {
        self.host.lock_unless(needless)
    }

    fn epoch(&self) -> Result<Epoch, HostError> {
        self.host.epoch()
    }

    fn uptime(&self) -> Result<Duration, HostError> {
        self.host.uptime()
    }

    fn caller(&self) -> Process {
        self.host.caller()
    }

    fn is_running(&self, process: &Process) -> bool {
        self.host.is_running(process)
    }

    fn machine_id(&self) -> String {
        self.host.machine_id()
    }

    fn log(&self, priority: Priority, fields: &[(&str, &str)], message: &str) {
        self.host.log(priority, fields, message);
    }

    fn elapsed(&self) -> Duration {
        self.host.elapsed()
    }

    fn time_left(&self) -> Duration {
        self.host.time_left()
    }

    fn set_limit(&self, limit: Duration) {
        self.host.set_limit(limit);
    }

    fn begin_undo(&self) {
        self.host.begin_undo();
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Machine, Paths};
    use super::*;

    fn host(folder: &Path, limit: Duration, faults: &str) -> Faulty<Machine> {
        let paths = Paths {
            config_dir: folder.to_owned(),
            state_dir: folder.to_owned(),
        };
        Faulty::new(Machine::new(paths, limit), faults.parse().unwrap())
    }

    #[test]
    fn the_nth_change_fails_and_the_others_are_made() {
        let folder = tempfile::tempdir().unwrap();
        let count = folder.path().join("count");
        let faults = format!("fail:2,count:{}", count.display());
        let host = host(folder.path(), Duration::from_secs(30), &faults);
        host.write_state("a", b"1").unwrap();
        host.write_state("b", b"1").unwrap_err();
        host.write_state("c", b"1").unwrap();
        assert_eq!(host.read_state("b").unwrap(), None);
        assert!(host.read_state("c").unwrap().is_some());
        assert_eq!(std::fs::read_to_string(count).unwrap(), "3");
    }

    #[test]
    fn reads_fail_once_that_many_changes_were_asked_for() {
        let folder = tempfile::tempdir().unwrap();
        let host = host(folder.path(), Duration::from_secs(30), "fail-reads-after:1");
        assert_eq!(host.read_state("a").unwrap(), None);
        host.write_state("a", b"1").unwrap();
        host.read_state("a").unwrap_err();
    }

    #[test]
    fn a_change_that_hangs_takes_the_works_time_and_leaves_the_undos() {
        let folder = tempfile::tempdir().unwrap();
        let host = host(folder.path(), Duration::from_millis(600), "hang:1");
        host.write_state("a", b"1").unwrap_err();
        assert!(host.elapsed() >= Duration::from_millis(400));
        assert_eq!(host.time_left(), Duration::ZERO);
    }

    #[test]
    fn a_text_that_means_nothing_is_refused() {
        for text in ["", "fail", "fail:0", "fail:x", "explode:1", "fail:1;hang:2"] {
            assert!(text.parse::<Faults>().is_err(), "{text}");
        }
    }
}
