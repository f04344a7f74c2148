//! Other programs, run within the time limit.
//!
//! Each runs in a process group of its own, with its whole input on standard input and both outputs
//! captured. At the limit the group is killed, so that nothing goes on behind our back. A program
//! that even `SIGKILL` cannot end at once (it sits in the kernel) holds the host lock by
//! inheritance until it has ended: see [`lock`](super::lock).

use std::cell::OnceCell;
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Stdio;
use std::rc::Rc;
use std::time::Duration;

use futures_util::future;
use nix::unistd::{AccessFlags, access};
use tokio::process::{Child, Command};
use tokio::runtime::Runtime;
use tokio::time::timeout;

use super::HostError;
use super::deadline::Deadline;
use conversation::{converse, kill_group};

mod call;
mod conversation;
#[cfg(test)]
mod tests;

pub(super) use call::{Call, Output};

/// Where programs are looked for if the environment does not say: Debian's root has this path.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// No single program gets more than this, whatever is left.
const LONGEST: Duration = Duration::from_secs(10);

/// Runs programs: the path, the time limit, and the event loop that waits for them.
#[derive(Debug)]
pub(super) struct Runner {
    path: OsString,
    deadline: Rc<Deadline>,
    runtime: OnceCell<Runtime>,
}

impl Runner {
    /// A runner that looks for programs in `$PATH`, or in Debian's if there is none.
    pub(super) fn new(deadline: Rc<Deadline>) -> Self {
        let path = std::env::var_os("PATH").filter(|path| !path.is_empty());
        Self {
            path: path.unwrap_or_else(|| PATH.into()),
            deadline,
            runtime: OnceCell::new(),
        }
    }

    /// The same, with another path.
    pub(super) fn search_in(&mut self, path: OsString) {
        self.path = path;
    }

    /// The time limit.
    pub(super) fn deadline(&self) -> &Deadline {
        &self.deadline
    }

    /// The event loop, made when first needed.
    ///
    /// It runs on this thread alone: a network namespace belongs to a thread.
    pub(super) fn runtime(&self) -> Result<&Runtime, HostError> {
        if let Some(runtime) = self.runtime.get() {
            return Ok(runtime);
        }
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(HostError::file("cannot open", "an event loop".as_ref()))?;
        Ok(self.runtime.get_or_init(|| runtime))
    }

    /// Runs a program to its end.
    pub(super) fn run(&self, call: &Call<'_>) -> Result<Output, HostError> {
        self.runtime()?.block_on(self.start(call))
    }

    /// Runs a program that must end with status 0; its standard output.
    pub(super) fn run_well(&self, call: &Call<'_>) -> Result<String, HostError> {
        let output = self.run(call)?;
        if output.success {
            Ok(output.stdout)
        } else {
            Err(call.failed(output.words))
        }
    }

    /// Runs two programs side by side.
    pub(super) fn run_both(
        &self,
        calls: [&Call<'_>; 2],
    ) -> Result<[Result<Output, HostError>; 2], HostError> {
        let [left, right] = calls;
        let both = future::join(self.start(left), self.start(right));
        let (left, right) = self.runtime()?.block_on(both);
        Ok([left, right])
    }

    async fn start(&self, call: &Call<'_>) -> Result<Output, HostError> {
        let left = self
            .deadline
            .left_for(|| format!("the steps before `{call}`"))?;
        let limit = left.min(LONGEST);
        let mut child = self.spawn(call)?;
        let talk = converse(&mut child, call.input.as_bytes());
        if let Ok(ended) = timeout(limit, talk).await {
            return ended.map_err(|reason| call.failed(reason));
        }
        kill_group(&mut child).await;
        Err(call.failed(format!("killed after {limit:.1?}, the time limit")))
    }

    fn spawn(&self, call: &Call<'_>) -> Result<Child, HostError> {
        let program = self
            .find(call.program)
            .ok_or_else(|| call.failed(missing(call.program)))?;
        Command::new(program)
            .args(&call.arguments)
            .env("LC_ALL", "C")
            .env("PATH", &self.path)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| call.failed(format!("cannot be started: {error}")))
    }

    /// Where a program is.
    pub(super) fn find(&self, program: &str) -> Option<PathBuf> {
        std::env::split_paths(&self.path)
            .map(|folder| folder.join(program))
            .find(|path| path.is_file() && access(path, AccessFlags::X_OK).is_ok())
    }
}

/// What to do about a program that is not there.
fn missing(program: &str) -> String {
    let package = match program {
        "iptables" | "iptables-save" | "iptables-restore" | "ip6tables-save"
        | "ip6tables-restore" => "iptables",
        "nft" => "nftables",
        "modprobe" => "kmod",
        same => same,
    };
    format!("there is no such program; install the package {package}")
}
