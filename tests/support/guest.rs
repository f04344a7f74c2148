//! A virtual machine and its shell.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{Read, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::stat::Mode;

use std::os::fd::AsFd;

use super::{Lab, Outcome};

const IMAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/target/guest");
/// An emulated guest is up in four seconds; on a loaded machine it takes longer.
const BOOT: Duration = Duration::from_secs(90);
const COMMAND: Duration = Duration::from_secs(30);

/// One interface of a virtual machine, as its XML has it.
#[derive(Debug, Clone)]
pub struct Nic {
    source: String,
    mac: String,
    target: Option<String>,
    mtu: Option<u32>,
    addresses: Vec<String>,
}

impl Nic {
    /// `<interface type='bridge'>`.
    pub fn on_bridge(bridge: &str, mac: &str) -> Self {
        Self::of(format!("type='bridge'><source bridge='{bridge}'/>"), mac)
    }

    /// `<interface type='network'>`, a network of libvirt.
    pub fn on_network(network: &str, mac: &str) -> Self {
        Self::of(format!("type='network'><source network='{network}'/>"), mac)
    }

    fn of(source: String, mac: &str) -> Self {
        Self {
            source,
            mac: mac.into(),
            target: None,
            mtu: None,
            addresses: Vec::new(),
        }
    }

    /// The name of the tap on the host; libvirt takes a free `vnetN` otherwise.
    #[must_use]
    pub fn target(mut self, tap: &str) -> Self {
        self.target = Some(tap.into());
        self
    }

    /// `<mtu size=...>`: what the guest is told.
    #[must_use]
    pub fn mtu(mut self, bytes: u32) -> Self {
        self.mtu = Some(bytes);
        self
    }

    /// An address that the guest gives itself, with its prefix length: `192.168.101.88/24`.
    #[must_use]
    pub fn address(mut self, address: &str) -> Self {
        self.addresses.push(address.into());
        self
    }

    fn xml(&self) -> String {
        let target = self
            .target
            .iter()
            .map(|dev| format!("<target dev='{dev}'/>"));
        let mtu = self
            .mtu
            .iter()
            .map(|bytes| format!("<mtu size='{bytes}'/>"));
        let optional: String = target.chain(mtu).collect();
        let (source, mac) = (&self.source, &self.mac);
        format!(
            "<interface {source}<mac address='{mac}'/>{optional}<model type='virtio'/></interface>"
        )
    }
}

/// A virtual machine to be defined.
#[derive(Debug, Clone)]
pub struct DomainSpec {
    name: String,
    uuid: Option<String>,
    metadata: String,
    nics: Vec<Nic>,
}

impl DomainSpec {
    /// A machine of 128 MB without interfaces.
    pub fn new(name: &str) -> Self {
        Self {
            name: name.into(),
            uuid: None,
            metadata: String::new(),
            nics: Vec::new(),
        }
    }

    /// Its UUID; libvirt invents one otherwise.
    #[must_use]
    pub fn uuid(mut self, uuid: &str) -> Self {
        self.uuid = Some(uuid.into());
        self
    }

    /// One more interface; the guest calls them eth0, eth1 and so on, in this order.
    #[must_use]
    pub fn nic(mut self, nic: Nic) -> Self {
        self.nics.push(nic);
        self
    }

    /// What stands in `<metadata>`, with its namespaces.
    #[must_use]
    pub fn metadata(mut self, xml: &str) -> Self {
        self.metadata = xml.into();
        self
    }

    /// The domain XML. The first serial port is the kernel's console, the second the agent's; their
    /// files are in `folder`.
    pub fn xml(&self, folder: &Path) -> String {
        let uuid = self
            .uuid
            .as_ref()
            .map(|uuid| format!("<uuid>{uuid}</uuid>"));
        let uuid = uuid.unwrap_or_default();
        let nics: String = self.nics.iter().map(Nic::xml).collect();
        let (name, metadata, cmdline) = (&self.name, &self.metadata, self.cmdline());
        let files = folder.join(name).display().to_string();
        format!(
            "<domain type='qemu'>
  <name>{name}</name>{uuid}<metadata>{metadata}</metadata>
  <memory unit='MiB'>128</memory><vcpu>1</vcpu>
  <os><type arch='x86_64' machine='pc'>hvm</type>
    <kernel>{IMAGE}/vmlinuz</kernel><initrd>{IMAGE}/initrd</initrd><cmdline>{cmdline}</cmdline></os>
  <features><acpi/></features>
  <on_reboot>restart</on_reboot>
  <devices><emulator>/usr/bin/qemu-system-x86_64</emulator>{nics}
    <serial type='file'><source path='{files}.console'/><target port='0'/></serial>
    <serial type='pipe'><source path='{files}'/><target port='1'/></serial>
    <memballoon model='none'/><controller type='usb' model='none'/>
  </devices>
</domain>"
        )
    }

    fn cmdline(&self) -> String {
        let mut line = String::from("console=ttyS0 quiet mitigations=off");
        for (index, nic) in self.nics.iter().enumerate() {
            if !nic.addresses.is_empty() {
                let _ = write!(line, " vmhook.eth{index}={}", nic.addresses.join(","));
            }
        }
        line
    }
}

/// A defined virtual machine of a lab. Its agent answers once it has booted.
#[derive(Debug)]
pub struct Guest<'lab> {
    lab: &'lab Lab,
    name: String,
    agent: Option<Agent>,
}

impl<'lab> Guest<'lab> {
    pub(super) fn define(lab: &'lab Lab, spec: DomainSpec) -> Self {
        let file = lab.folder().join(format!("{}.xml", spec.name));
        fs::write(&file, spec.xml(lab.folder())).expect("the XML can be written");
        lab.virsh(&["define", &file.display().to_string()]).ok();
        Self {
            lab,
            name: spec.name,
            agent: None,
        }
    }

    /// `virsh start`, whatever comes of it. The guest boots meanwhile: see [`wait`](Self::wait).
    pub fn start(&mut self) -> Outcome {
        self.agent = Some(Agent::new(&self.lab.folder().join(&self.name)));
        self.lab.virsh(&["start", &self.name])
    }

    /// Waits until the guest has its addresses and answers.
    #[track_caller]
    pub fn wait(&mut self) {
        if let Err(missing) = self.agent().answer(0, BOOT) {
            let console = self.lab.folder().join(format!("{}.console", self.name));
            let console = fs::read_to_string(console).unwrap_or_default();
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
        self.lab.virsh(&["destroy", &self.name]).ok();
        self.agent = None;
    }

    /// What libvirt says it does: `running`, `shut off`.
    pub fn state(&self) -> String {
        self.lab
            .virsh(&["domstate", &self.name])
            .ok()
            .trim()
            .to_owned()
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
