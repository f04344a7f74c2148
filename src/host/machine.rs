//! The real host.

use std::cell::OnceCell;
use std::ffi::OsString;
use std::net::IpAddr;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::Duration;

use crate::facts::{Epoch, HostFacts, IptablesBackend, LinkFact, Process};
use crate::firewall::connection::Connection;
use crate::model::{Family, FdbEntry, IfName, Neighbour, Zone};
use crate::plan::link::LinkChange;
use crate::plan::{Forget, NftFamily, RestoreInput};

use super::deadline::Deadline;
use super::netlink::{self, Session};
use super::process::Runner;
use super::state::StateDir;
use super::{
    ConfigFile, Host, HostError, LockGuard, Priority, br_netfilter, caller, config_files,
    connections, conntrack, epoch, generation, ipset, iptables, lock, log, neutron_agent, nft,
};

/// Where the files are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paths {
    /// The configuration: `/etc/vmhook`.
    pub config_dir: PathBuf,
    /// The state: `/run/vmhook`.
    pub state_dir: PathBuf,
}

/// This machine, seen from this thread's network namespace.
///
/// Nothing is opened before it is needed: most calls of a hook are none of our business and end
/// without a socket or a process.
#[derive(Debug)]
pub struct Machine {
    config_dir: PathBuf,
    state: StateDir,
    deadline: Rc<Deadline>,
    runner: Rc<Runner>,
    netlink: OnceCell<Session>,
}

impl Machine {
    /// The machine with these files; all that it does ends within `limit` from now, of which the
    /// last third is kept for [`begin_undo`](Host::begin_undo).
    pub fn new(paths: Paths, limit: Duration) -> Self {
        let deadline = Rc::new(Deadline::new(limit));
        Self {
            config_dir: paths.config_dir,
            state: StateDir::new(paths.state_dir),
            runner: Rc::new(Runner::new(Rc::clone(&deadline))),
            deadline,
            netlink: OnceCell::new(),
        }
    }

    /// The same machine, with programs looked for in this path instead of `$PATH`.
    #[must_use]
    pub fn with_programs_in(mut self, path: impl Into<OsString>) -> Self {
        let mut runner = Runner::new(Rc::clone(&self.deadline));
        runner.search_in(path.into());
        self.runner = Rc::new(runner);
        self
    }

    fn netlink(&self) -> Result<&Session, HostError> {
        if let Some(session) = self.netlink.get() {
            return Ok(session);
        }
        let session = Session::open(Rc::clone(&self.runner))?;
        Ok(self.netlink.get_or_init(|| session))
    }
}

impl Host for Machine {
    fn facts(&self) -> Result<HostFacts, HostError> {
        netlink::read_facts(self.netlink()?)
    }

    fn facts_about(&self, names: &[&str]) -> Result<HostFacts, HostError> {
        netlink::read_facts_about(self.netlink()?, names)
    }

    fn source_to(&self, other: IpAddr) -> Result<Option<IpAddr>, HostError> {
        netlink::source_to(self.netlink()?, other)
    }

    fn link(&self, name: &str) -> Result<Option<LinkFact>, HostError> {
        netlink::read_link(name)
    }

    fn fdb(&self, device: &IfName) -> Result<Vec<FdbEntry>, HostError> {
        netlink::read_fdb(self.netlink()?, device)
    }

    fn neighbours(&self, device: &IfName) -> Result<Vec<Neighbour>, HostError> {
        netlink::read_neighbours(self.netlink()?, device)
    }

    fn ruleset_generation(&self) -> Result<u32, HostError> {
        generation::read()
    }

    fn iptables_save(&self, family: Family) -> Result<String, HostError> {
        iptables::save(&self.runner, family)
    }

    fn iptables_backend(&self) -> Result<IptablesBackend, HostError> {
        iptables::backend(&self.runner)
    }

    fn nft_table(&self, family: NftFamily) -> Result<Option<String>, HostError> {
        nft::table(&self.runner, family)
    }

    fn nft_accepts(&self, script: &str) -> Result<bool, HostError> {
        nft::accepts(&self.runner, script)
    }

    fn nft(&self, script: &str) -> Result<(), HostError> {
        nft::apply(&self.runner, script)
    }

    fn iptables_restore(&self, input: &RestoreInput) -> Result<(), HostError> {
        iptables::restore(&self.runner, input)
    }

    fn ipset_save(&self) -> Result<String, HostError> {
        ipset::save(&self.runner)
    }

    fn ipset_sizes(&self) -> Result<String, HostError> {
        ipset::sizes(&self.runner)
    }

    fn ipset_restore(&self, text: &str) -> Result<(), HostError> {
        ipset::restore(&self.runner, text)
    }

    fn change_link(&self, change: &LinkChange) -> Result<(), HostError> {
        netlink::apply(self.netlink()?, change)
    }

    fn forget_connections(&self, forget: &Forget) -> Result<(), HostError> {
        let Forget {
            zone,
            of,
            addresses,
        } = forget;
        if addresses.is_empty() {
            return conntrack::forget_zone(&self.runner, *zone, *of);
        }
        let is_of = |address: IpAddr| addresses.contains(&address);
        self.forget_connections_if(*zone, &|it| is_of(it.source) || is_of(it.destination))
    }

    fn forget_connections_if(
        &self,
        zone: Zone,
        over: &dyn Fn(&Connection) -> bool,
    ) -> Result<(), HostError> {
        connections::forget_if(zone, over)
    }

    fn ensure_br_netfilter(&self) -> Result<(), HostError> {
        br_netfilter::ensure(&self.runner)
    }

    fn neutron_agent(&self) -> Result<Option<u32>, HostError> {
        neutron_agent::find()
    }

    fn config_files(&self) -> Vec<ConfigFile> {
        config_files::read(&self.config_dir)
    }

    fn read_state(&self, name: &str) -> Result<Option<Vec<u8>>, HostError> {
        self.state.read(name)
    }

    fn list_state(&self, folder: &str) -> Result<Vec<String>, HostError> {
        self.state.list(folder)
    }

    fn write_state(&self, name: &str, content: &[u8]) -> Result<(), HostError> {
        self.state.write(name, content)
    }

    fn remove_state(&self, name: &str) -> Result<(), HostError> {
        self.state.remove(name)
    }

    fn lock_unless(
        &self,
        needless: &dyn Fn() -> Result<bool, HostError>,
    ) -> Result<Option<LockGuard>, HostError> {
        lock::take_unless(self.state.made()?, &self.deadline, needless)
    }

    fn epoch(&self) -> Result<Epoch, HostError> {
        epoch::read()
    }

    fn uptime(&self) -> Result<Duration, HostError> {
        epoch::uptime()
    }

    fn caller(&self) -> Process {
        caller::find()
    }

    fn is_running(&self, process: &Process) -> bool {
        caller::is_running(process)
    }

    fn machine_id(&self) -> String {
        epoch::machine_id()
    }

    fn log(&self, priority: Priority, fields: &[(&str, &str)], message: &str) {
        log::write(priority, fields, message);
    }

    fn elapsed(&self) -> Duration {
        self.deadline.elapsed()
    }

    fn time_left(&self) -> Duration {
        self.deadline.left()
    }

    fn set_limit(&self, limit: Duration) {
        self.deadline.set_limit(limit);
    }

    fn begin_undo(&self) {
        self.deadline.begin_undo();
    }
}
