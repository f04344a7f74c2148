//! A virtual machine and its shell.

use std::fs::{self, File};
use std::io::{Read, Write as _};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::stat::Mode;

use super::{DomainSpec, Lab, Outcome};

/// An emulated guest is up in four seconds; on a loaded machine it takes longer.
const BOOT: Duration = Duration::from_secs(90);
const COMMAND: Duration = Duration::from_secs(30);
/// The number of a command whose end nobody waits for: 0 says that the guest is up.
const NO_ANSWER: u32 = u32::MAX;
const GONE: &str = "gone";

/// A virtual machine of a lab. Its agent answers once it has booted.
#[derive(Debug)]
pub struct Guest<'lab> {
    lab: &'lab Lab,
    name: String,
    /// Its files, without their extensions.
    files: PathBuf,
    /// Whether libvirt knows it only while it runs.
    transient: bool,
    agent: Option<Agent>,
}

impl<'lab> Guest<'lab> {
    pub(super) fn define(lab: &'lab Lab, spec: &DomainSpec) -> Self {
        let guest = Self::new(lab, spec, false);
        guest.redefine(spec);
        guest
    }

    pub(super) fn transient(lab: &'lab Lab, spec: &DomainSpec) -> Self {
        let guest = Self::new(lab, spec, true);
        guest.write_xml(spec);
        guest
    }

    fn new(lab: &'lab Lab, spec: &DomainSpec, transient: bool) -> Self {
        Self {
            lab,
            name: spec.name().to_owned(),
            files: lab.folder().join(spec.file_name()),
            transient,
            agent: None,
        }
    }

    /// Gives it another definition, which counts from its next start; name and UUID stay.
    #[track_caller]
    pub fn redefine(&self, spec: &DomainSpec) {
        let file = self.write_xml(spec);
        self.lab.virsh(&["define", &file]).ok();
    }

    fn write_xml(&self, spec: &DomainSpec) -> String {
        let file = self.file("xml");
        fs::write(&file, spec.xml(self.lab.folder())).expect("the XML can be written");
        file
    }

    fn file(&self, extension: &str) -> String {
        format!("{}.{extension}", self.files.display())
    }

    /// `virsh COMMAND`, of this guest.
    pub fn virsh(&self, command: &str) -> Outcome {
        let words: Vec<_> = command.split_whitespace().collect();
        self.lab.virsh(&[&words[..], &["--", &self.name]].concat())
    }

    /// Gives it another name while it is shut off.
    #[track_caller]
    pub fn rename(&mut self, name: &str) {
        self.lab.virsh(&["domrename", "--", &self.name, name]).ok();
        name.clone_into(&mut self.name);
    }

    /// `virsh start`, whatever comes of it. The guest boots meanwhile: see [`wait`](Self::wait).
    pub fn start(&mut self) -> Outcome {
        self.start_with(&[])
    }

    /// The same, but its processor stands still, and costs the test nothing, until it is resumed.
    pub fn start_paused(&mut self) -> Outcome {
        self.start_with(&["--paused"])
    }

    /// Somebody else is going to start it.
    pub fn await_start(&mut self) {
        self.agent = Some(Agent::new(&self.files));
    }

    fn start_with(&mut self, options: &[&str]) -> Outcome {
        self.await_start();
        let file = self.file("xml");
        let (command, subject) = if self.transient {
            ("create", file.as_str())
        } else {
            ("start", self.name.as_str())
        };
        self.lab
            .virsh(&[&[command], options, &["--", subject]].concat())
    }

    /// Waits until the guest has its addresses and answers.
    #[track_caller]
    pub fn wait(&mut self) {
        if let Err(missing) = self.agent().answer(0, BOOT) {
            let console = fs::read_to_string(self.file("console")).unwrap_or_default();
            panic!("{} did not boot: {missing}\n{console}", self.name);
        }
    }

    /// Starts it, which must succeed, and waits until it answers.
    #[track_caller]
    pub fn boot(&mut self) {
        self.start().ok();
        self.wait();
    }

    /// Runs one line of shell (busybox) in the guest.
    #[track_caller]
    pub fn sh(&mut self, command: &str) -> Outcome {
        let name = self.name.clone();
        match self.agent().run(command) {
            Ok((code, out)) => Outcome {
                command: format!("{name}: {command}"),
                code,
                out,
                err: String::new(),
            },
            Err(missing) => panic!("{name}: {command}: {missing}"),
        }
    }

    /// Pulls the plug: `virsh destroy`.
    #[track_caller]
    pub fn destroy(&mut self) {
        self.virsh("destroy").ok();
        self.agent = None;
    }

    /// Waits until libvirt has seen that it is off, and has called its hooks.
    #[track_caller]
    pub fn wait_until_off(&mut self) {
        let deadline = Instant::now() + COMMAND;
        while !matches!(self.state().as_str(), "shut off" | GONE) {
            assert!(Instant::now() < deadline, "{} still runs", self.name);
        }
        self.agent = None;
    }

    /// Its QEMU dies without a word.
    pub fn kill(&self) {
        let pid = self
            .lab
            .read(&format!("/run/libvirt/qemu/{}.pid", self.name));
        self.lab.command(&["kill", "-9", pid.trim()]).ok();
    }

    /// Tells the guest to switch itself off; nothing answers.
    pub fn poweroff(&mut self) {
        self.tell("poweroff -f");
    }

    /// Tells the guest to run a command, whose end it does not live to tell.
    pub fn tell(&mut self, command: &str) {
        let agent = self.agent();
        writeln!(agent.to, "{NO_ANSWER} {command}").expect("the agent's pipe is open");
    }

    /// Moves it, running, to the libvirtd of the host with this address on the underlay: `virsh
    /// migrate`, with options. It stays defined here, and is not there.
    pub fn migrate(&mut self, to: &'lab Lab, address: &str, options: &[&str]) -> Outcome {
        let daemon = format!("qemu+tcp://{address}/system");
        let stream = format!("tcp://{address}");
        let subject = ["--", &self.name, &daemon, &stream];
        let command = [&["migrate", "--live"], options, &subject].concat();
        let outcome = self.lab.virsh(&command);
        if outcome.succeeded() {
            self.lab = to;
        }
        outcome
    }

    /// What libvirt says it does: `running`, `shut off`; `gone` if libvirt knows none of its name.
    #[track_caller]
    pub fn state(&self) -> String {
        let asked = self.virsh("domstate");
        if asked.err.contains("failed to get domain") {
            return GONE.to_owned();
        }
        asked.ok().trim().to_owned()
    }

    #[track_caller]
    fn agent(&mut self) -> &mut Agent {
        self.agent.as_mut().expect("the guest was started")
    }
}

/// The guest's second serial port, a pair of pipes: `tests/guest/init` describes what goes through.
#[derive(Debug)]
struct Agent {
    to: File,
    from: File,
    said: Vec<u8>,
    last: u32,
}

impl Agent {
    /// Makes the pipes anew: what an earlier boot left unread is nobody's answer.
    fn new(path: &Path) -> Self {
        let pipe = |extension: &str| {
            let path = PathBuf::from(format!("{}.{extension}", path.display()));
            let _ = fs::remove_file(&path);
            nix::unistd::mkfifo(&path, Mode::S_IRWXU).expect("a pipe can be made");
            // For both directions, or opening would wait for QEMU.
            File::options()
                .read(true)
                .write(true)
                .open(&path)
                .expect("a new pipe can be opened")
        };
        Self {
            to: pipe("in"),
            from: pipe("out"),
            said: Vec::new(),
            last: 0,
        }
    }

    fn run(&mut self, command: &str) -> Result<(i32, String), String> {
        assert!(
            !command.contains('\n'),
            "the agent takes one line: {command}"
        );
        self.last += 1;
        writeln!(self.to, "{} {command}", self.last).map_err(|error| error.to_string())?;
        self.answer(self.last, COMMAND)
    }

    /// Reads up to the end mark of this number. Answers to earlier commands that came too late are
    /// dropped.
    fn answer(&mut self, number: u32, limit: Duration) -> Result<(i32, String), String> {
        let deadline = Instant::now() + limit;
        loop {
            while let Some((ended, code, out)) = self.next_record() {
                if ended == number {
                    return Ok((code, out));
                }
            }
            let left = deadline.saturating_duration_since(Instant::now());
            let timeout = PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX);
            let mut waiting = [PollFd::new(self.from.as_fd(), PollFlags::POLLIN)];
            if poll(&mut waiting, timeout) != Ok(1) {
                let said = String::from_utf8_lossy(&self.said);
                return Err(format!("no answer within {limit:?}, only {said:?}"));
            }
            let mut bytes = [0; 4096];
            let count = self
                .from
                .read(&mut bytes)
                .map_err(|error| error.to_string())?;
            self.said.extend_from_slice(&bytes[..count]);
        }
    }

    /// The first whole record: what was printed, a record separator, number and exit status.
    fn next_record(&mut self) -> Option<(u32, i32, String)> {
        let mark = self.said.iter().position(|byte| *byte == 0o36)?;
        let end = mark + self.said[mark..].iter().position(|byte| *byte == b'\n')?;
        let record: Vec<u8> = self.said.drain(..=end).collect();
        let out = String::from_utf8_lossy(&record[..mark]).into_owned();
        let trailer = String::from_utf8_lossy(&record[mark + 1..end]).into_owned();
        let (number, code) = trailer.split_once(' ')?;
        Some((number.parse().ok()?, code.trim().parse().ok()?, out))
    }
}
