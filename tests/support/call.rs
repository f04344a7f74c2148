//! A call of `vmhook-event`, made as libvirt makes it, and what libvirt sees of it.

use std::ffi::OsStr;
use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use super::world::place_program;
use super::{Outcome, World};

/// The program under test.
const EVENT: &str = env!("CARGO_BIN_EXE_vmhook-event");

/// One call of the hook, to be run.
#[derive(Debug)]
pub struct Call<'world> {
    world: &'world World,
    command: Command,
    input: Vec<u8>,
}

impl<'world> Call<'world> {
    /// A call as libvirt makes it: in a session of its own.
    pub(super) fn new<A: AsRef<OsStr>>(
        world: &'world World,
        arguments: &[A],
        input: Vec<u8>,
    ) -> Self {
        let mut command = Command::new("setsid");
        command.arg(EVENT).args(arguments);
        Self {
            world,
            command,
            input,
        }
    }
}

impl Call<'_> {
    /// Something fails: see `VMHOOK_FAULT`.
    #[must_use]
    pub fn fault(mut self, fault: &str) -> Self {
        self.command.env("VMHOOK_FAULT", fault);
        self
    }

    /// Programs are looked for in this path.
    #[must_use]
    pub fn path(mut self, path: impl AsRef<OsStr>) -> Self {
        self.command.env("PATH", path);
        self
    }

    /// These programs come before the usual ones.
    #[must_use]
    pub fn programs_first(self, folder: &Path) -> Self {
        let path = format!("{}:{}", folder.display(), env!("PATH"));
        self.path(path)
    }

    /// Session libvirt calls it, as an ordinary user, who may see the configuration.
    #[must_use]
    pub fn by_nobody(mut self) -> Self {
        let folder = self.world.folder();
        let everybody = fs::Permissions::from_mode(0o755);
        fs::set_permissions(folder, everybody).expect("root can open a folder");
        // Where this was built nobody may look.
        let program = folder.join("vmhook-event");
        place_program(EVENT.as_ref(), &program);
        let mut command = Command::new("setsid");
        command.arg(program).args(self.command.get_args().skip(1));
        command.uid(65534).gid(65534);
        self.command = command;
        self
    }

    /// The process that calls it does not outlive it.
    #[must_use]
    pub fn by_a_caller_that_dies(mut self) -> Self {
        let mut shell = Command::new("sh");
        shell.args(["-c", "setsid --wait \"$@\"; exit $?", "sh"]);
        shell.args(self.command.get_args());
        let environment = self.command.get_envs();
        shell.envs(environment.filter_map(|(name, value)| Some((name, value?))));
        self.command = shell;
        self
    }

    /// Starts it.
    pub fn begin(mut self) -> Running {
        let what = format!("{:?}", self.command.get_args().collect::<Vec<_>>());
        let mut child = self
            .command
            .env("VMHOOK_CONFIG_DIR", self.world.config_dir())
            .env("VMHOOK_STATE_DIR", self.world.state_dir())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("setsid starts");
        let mut stdin = child.stdin.take().expect("stdin is a pipe");
        // A hook may end without having read all of it.
        let _ = stdin.write_all(&self.input);
        Running { what, child }
    }

    /// Runs it to its end.
    pub fn end(self) -> Outcome {
        self.begin().end()
    }
}

/// A call of the hook that runs.
#[derive(Debug)]
pub struct Running {
    what: String,
    child: Child,
}

impl Running {
    /// A program that was started for this.
    pub(super) fn new(what: String, child: Child) -> Self {
        Self { what, child }
    }

    /// Lets it stand still, each of its threads.
    pub fn pause(&self) {
        let pid = self.child.id();
        super::netns::run(&format!("kill -STOP {pid}"));
        self.stands_still();
    }

    /// Waits until it stands still, each of its threads.
    pub fn stands_still(&self) {
        let pid = self.child.id();
        let threads = || fs::read_dir(format!("/proc/{pid}/task")).expect("it runs");
        let stands = |thread: std::io::Result<fs::DirEntry>| {
            let status = thread.expect("a thread").path().join("status");
            let status = fs::read_to_string(status).expect("a thread's status");
            status.contains("(stopped)")
        };
        while !threads().all(stands) {
            std::thread::yield_now();
        }
    }

    /// Lets it go on.
    pub fn resume(&self) {
        super::netns::run(&format!("kill -CONT {}", self.child.id()));
    }

    /// Kills it, as nobody can keep from being killed.
    pub fn kill(&mut self) {
        self.child.kill().expect("it is a child");
    }

    /// Waits for its end.
    pub fn end(self) -> Outcome {
        let output = self.child.wait_with_output().expect("a child ends");
        Outcome::of(self.what, &output)
    }
}

/// What libvirt takes for "go on": exit 0, nothing on either output.
#[track_caller]
pub fn assert_silent(outcome: &Outcome) {
    let said = (outcome.code, outcome.out.as_str(), outcome.err.as_str());
    assert_eq!(said, (0, "", ""), "{outcome:#?}");
}

/// A refusal: exit 1, nothing on standard output, one line that has all of these words.
#[track_caller]
pub fn assert_refused(outcome: &Outcome, words: &[&str]) {
    assert_eq!(
        (outcome.code, outcome.out.as_str()),
        (1, ""),
        "{outcome:#?}"
    );
    let line = outcome.err.strip_suffix('\n').expect("a whole line");
    assert!(!line.contains('\n'), "one line: {line}");
    for word in words {
        assert!(line.contains(word), "{word:?} is not in: {line}");
    }
}
