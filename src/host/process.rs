//! Other programs, run within the time limit.
//!
//! Each runs in a process group of its own, with its whole input on standard input and both outputs
//! captured. At the limit the group is killed, so that nothing goes on behind our back. A program
//! that even `SIGKILL` cannot end at once (it sits in the kernel) holds the host lock by
//! inheritance until it has ended: see [`lock`](super::lock).

use std::cell::OnceCell;
use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::rc::Rc;
use std::time::Duration;

use futures_util::future;
use nix::sys::signal::{Signal, killpg};
use nix::unistd::{AccessFlags, Pid, access};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, ChildStdin, Command};
use tokio::runtime::Runtime;
use tokio::time::timeout;

use super::HostError;
use super::deadline::Deadline;

/// Where programs are looked for if the environment does not say: Debian's root has this path.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// No single program gets more than this, whatever is left.
const LONGEST: Duration = Duration::from_secs(10);

/// How long to wait for the end of a program after `SIGKILL`.
const AFTER_KILL: Duration = Duration::from_secs(1);

/// One program to run.
#[derive(Debug, Clone)]
pub(super) struct Call<'a> {
    /// Its name, looked up in the path.
    pub(super) program: &'static str,
    /// Its arguments.
    pub(super) arguments: Vec<String>,
    /// What it reads on standard input.
    pub(super) input: &'a str,
}

/// How a program ended and what it said.
#[derive(Debug)]
pub(super) struct Output {
    /// It ended by itself with status 0.
    pub(super) success: bool,
    /// Its standard output.
    pub(super) stdout: String,
    /// Its standard error; if that is empty, how it ended. One line.
    pub(super) words: String,
}

/// Runs programs: the path, the time limit, and the event loop that waits for them.
#[derive(Debug)]
pub(super) struct Runner {
    path: OsString,
    deadline: Rc<Deadline>,
    runtime: OnceCell<Runtime>,
}

impl<'a> Call<'a> {
    /// A program with its arguments and no input.
    pub(super) fn new(program: &'static str, arguments: &[&str]) -> Self {
        Self {
            program,
            arguments: arguments.iter().map(|&word| word.to_owned()).collect(),
            input: "",
        }
    }

    /// The same with an input.
    pub(super) fn with_input(mut self, input: &'a str) -> Self {
        self.input = input;
        self
    }

    /// The error of this program.
    pub(super) fn failed(&self, reason: impl Into<String>) -> HostError {
        HostError::Command {
            program: self.to_string(),
            reason: reason.into(),
            input: self.input.to_owned(),
        }
    }
}

impl fmt::Display for Call<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.program)?;
        self.arguments
            .iter()
            .try_for_each(|word| write!(out, " {word}"))
    }
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

/// Feeds the child, hears it out and waits for its end.
async fn converse(child: &mut Child, input: &[u8]) -> Result<Output, String> {
    let pipes = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let (fed, stdout, stderr, status) = future::join4(
        feed(pipes.0, input),
        hear(pipes.1),
        hear(pipes.2),
        child.wait(),
    )
    .await;
    let words = |error: std::io::Error| error.to_string();
    let (stdout, stderr, status) = (
        stdout.map_err(words)?,
        stderr.map_err(words)?,
        status.map_err(words)?,
    );
    if status.success() {
        fed.map_err(|error| format!("did not read all of its input: {error}"))?;
    }
    Ok(Output {
        success: status.success(),
        words: one_line(&stderr).unwrap_or_else(|| ending(status)),
        stdout,
    })
}

async fn feed(pipe: Option<ChildStdin>, input: &[u8]) -> std::io::Result<()> {
    match pipe {
        Some(mut pipe) if !input.is_empty() => pipe.write_all(input).await,
        _ => Ok(()),
    }
}

async fn hear(pipe: Option<impl AsyncRead + Unpin>) -> std::io::Result<String> {
    let mut bytes = Vec::new();
    if let Some(mut pipe) = pipe {
        pipe.read_to_end(&mut bytes).await?;
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

async fn kill_group(child: &mut Child) {
    let Some(pid) = child.id().and_then(|pid| i32::try_from(pid).ok()) else {
        return;
    };
    // It can have ended in this moment; then there is nothing to kill.
    let _ = killpg(Pid::from_raw(pid), Signal::SIGKILL);
    let _ = timeout(AFTER_KILL, child.wait()).await;
}

fn ending(status: ExitStatus) -> String {
    use std::os::unix::process::ExitStatusExt;
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exit status {code}"),
        (None, Some(signal)) => format!("ended by signal {signal}"),
        (None, None) => "ended".to_owned(),
    }
}

/// What a program said, on one line; lines of carets point at a place that is lost on one line.
fn one_line(text: &str) -> Option<String> {
    let points = |line: &str| line.bytes().all(|byte| b"^~ \t".contains(&byte));
    let lines: Vec<_> = text
        .lines()
        .map(str::trim)
        .filter(|line| !points(line))
        .collect();
    (!lines.is_empty()).then(|| lines.join("; "))
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

#[cfg(test)]
mod tests {
    use super::*;

    fn runner(limit: Duration) -> Runner {
        let mut runner = Runner::new(Rc::new(Deadline::new(limit)));
        runner.search_in(PATH.into());
        runner
    }

    fn shell(script: &str) -> Call<'static> {
        Call::new("sh", &["-c", script])
    }

    #[test]
    fn a_program_reads_its_input_and_is_heard() {
        let runner = runner(Duration::from_secs(30));
        let text = "x".repeat(300_000);
        let call = Call::new("cat", &[]).with_input(&text);
        assert_eq!(runner.run_well(&call).unwrap(), text);
    }

    #[test]
    fn a_failure_is_one_line_that_names_the_program() {
        let runner = runner(Duration::from_secs(30));
        let error = runner.run_well(&shell("echo one >&2; echo '^^' >&2; echo two >&2; exit 4"));
        assert!(error.unwrap_err().to_string().ends_with(": one; two"));
        let error = runner.run_well(&shell("exit 4")).unwrap_err();
        assert_eq!(error.to_string(), "sh -c exit 4: exit status 4");
        let error = runner.run_well(&shell("kill -9 $$")).unwrap_err();
        assert!(
            error.to_string().ends_with(": ended by signal 9"),
            "{error}"
        );
    }

    #[test]
    fn a_missing_program_says_what_to_install() {
        let mut runner = runner(Duration::from_secs(30));
        runner.search_in("/nonexistent".into());
        let error = runner.run(&Call::new("nft", &["--version"])).unwrap_err();
        assert_eq!(
            error.to_string(),
            "nft --version: there is no such program; install the package nftables"
        );
    }

    #[test]
    fn a_program_that_hangs_is_killed_with_all_that_it_started() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRWXU).unwrap();
        // Reading a named pipe ends when the last process that holds its other end has ended.
        let (done, all_ended) = std::sync::mpsc::channel();
        let other_end = pipe.clone();
        std::thread::spawn(move || done.send(std::fs::read(other_end)));

        let script = format!("exec > {}; sleep 1000 & sleep 1000", pipe.display());
        let error = runner(Duration::from_millis(1500)).run(&shell(&script));
        let error = error.unwrap_err().to_string();
        assert!(error.contains(": killed after "), "{error}");
        let rest = all_ended.recv_timeout(Duration::from_secs(60));
        assert_eq!(rest.unwrap().unwrap(), b"");
    }

    #[test]
    fn no_program_is_started_when_the_time_is_up() {
        let error = runner(Duration::ZERO).run(&shell("true")).unwrap_err();
        assert!(matches!(error, HostError::Busy { .. }), "{error}");
    }

    #[test]
    fn two_programs_run_side_by_side() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        // Each needs the other: opening a named pipe waits for the other end.
        let make = Call::new("mkfifo", &[pipe.to_str().unwrap()]);
        let runner = runner(Duration::from_secs(30));
        runner.run_well(&make).unwrap();
        let write = shell(&format!("echo met > {}", pipe.display()));
        let read = shell(&format!("cat {}", pipe.display()));
        let [first, second] = runner.run_both([&write, &read]).unwrap();
        assert!(first.unwrap().success);
        assert_eq!(second.unwrap().stdout, "met\n");
    }
}
