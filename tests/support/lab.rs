//! A world of its own for one test; `scripts/lab` makes it.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::net::UdpSocket;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

use nix::sched::{CloneFlags, setns};
use tempfile::TempDir;

use super::addresses::index_of;
use super::permit::Permit;
use super::{Addresses, DomainSpec, Guest, Journal, Outcome, Packets, Peer, Tap};

pub(super) const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/lab");
const EVENT: &str = env!("CARGO_BIN_EXE_vmhook-event");
const VMHOOK: &str = env!("CARGO_BIN_EXE_vmhook");

/// Namespaces for network, mounts, processes, IPC and host name, with private copies of every
/// folder that libvirt and vmhook write. All of it ends when this is dropped, and also when the
/// test's process dies: the world's first process waits for the end of its standard input.
#[derive(Debug)]
pub struct Lab {
    world: Child,
    folder: TempDir,
    permit: OnceLock<Permit>,
}

impl Lab {
    /// An empty world: a loopback interface and nothing else.
    pub fn new() -> Self {
        let mut world = Command::new(SCRIPT)
            .args(["run", "bash", "-c", "echo ready; read -r"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("scripts/lab starts");
        let mut line = String::new();
        BufReader::new(world.stdout.take().expect("stdout is a pipe"))
            .read_line(&mut line)
            .expect("scripts/lab says something");
        assert_eq!(line, "ready\n", "scripts/lab made no world (is this root?)");
        Self {
            world,
            folder: TempDir::new().expect("a folder can be made"),
            permit: OnceLock::new(),
        }
    }

    /// Installs the stubs and the binaries of this build, as `make install` does. Comes before
    /// [`start_libvirtd`](Self::start_libvirtd), which looks for hooks then.
    pub fn install_hook(&self) {
        self.command(&[SCRIPT, "hook", EVENT, VMHOOK]).ok();
    }

    /// Starts the lab's libvirtd; it answers when this returns. Waits for leave to run guests.
    pub fn start_libvirtd(&self) {
        self.permit.get_or_init(Permit::wait);
        self.command(&[SCRIPT, "libvirtd"]).ok();
    }

    /// Ends libvirtd with a signal, `TERM` or `KILL`, and waits for its end. Machines run on, and
    /// hooks too.
    pub fn end_libvirtd(&self, signal: &str) {
        self.ok(&format!(
            "pid=$(cat /run/libvirtd.pid); kill -{signal} $pid; \
             tail --pid=$pid --sleep-interval=0.02 -f /dev/null"
        ));
    }

    /// Puts a shell script in the place of `vmhook-event`, which it may call as `$EVENT`; without
    /// one there is no program at all.
    pub fn replace_event(&self, script: Option<&str>) {
        const INSTALLED: &str = "/usr/bin/vmhook-event";
        self.ok(&format!(
            "umount {INSTALLED} 2>/dev/null; rm -f {INSTALLED}"
        ));
        if let Some(script) = script {
            self.write(INSTALLED, &format!("#!/bin/sh\nEVENT={EVENT}\n{script}\n"));
            self.ok(&format!("chmod 755 {INSTALLED}"));
        }
    }

    /// Makes the other host, and eth0 of this one.
    pub fn join_peer(&self) -> Peer<'_> {
        self.command(&[SCRIPT, "peer"]).ok();
        self.peer()
    }

    /// Puts this lab beside another one and its peer: eth0 gets this address on their underlay.
    pub fn join(&self, other: &Lab, address: &str) {
        let (own, others) = (self.keeper().to_string(), other.keeper().to_string());
        let output = Command::new(SCRIPT)
            .args(["cable", &own, &others, address])
            .output()
            .expect("scripts/lab runs");
        Outcome::of("scripts/lab cable".into(), &output).ok();
    }

    /// The other host, which [`join_peer`](Self::join_peer) has made.
    pub fn peer(&self) -> Peer<'_> {
        self.other_host("peer")
    }

    /// Another network namespace of the lab, which the test has made.
    pub fn other_host(&self, namespace: &'static str) -> Peer<'_> {
        Peer::new(self, namespace)
    }

    /// Its network namespace, as the kernel names it: `net:[4026532281]`.
    pub fn network_namespace(&self) -> String {
        let link = fs::read_link(format!("/proc/{}/ns/net", self.keeper()));
        link.expect("the lab runs").to_string_lossy().into_owned()
    }

    /// The process outside of the lab that holds it.
    fn keeper(&self) -> u32 {
        self.world.id()
    }

    /// Runs a program in the lab, for at most a minute.
    pub fn command(&self, program: &[&str]) -> Outcome {
        let pid = self.keeper();
        let output = Command::new("nsenter")
            .arg(format!("--target={pid}"))
            .args(["--net", "--mount", "--ipc", "--uts"])
            // The world's keeper is in the host's process namespace; its children are in the lab's.
            .arg(format!("--pid=/proc/{pid}/ns/pid_for_children"))
            .args(["timeout", "--kill-after=1", "60"])
            .args(program)
            .env_clear()
            .env(
                "PATH",
                "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            )
            .env("LC_ALL", "C")
            .stdin(Stdio::null())
            .output()
            .expect("nsenter starts");
        Outcome::of(program.join(" "), &output)
    }

    /// Runs a line of shell in the lab.
    pub fn run(&self, script: &str) -> Outcome {
        self.command(&["sh", "-c", script])
    }

    /// What a line of shell prints that must not fail.
    #[track_caller]
    pub fn ok(&self, script: &str) -> String {
        self.run(script).ok()
    }

    /// Asks the lab's libvirtd.
    pub fn virsh(&self, arguments: &[&str]) -> Outcome {
        let mut program = vec!["virsh", "--quiet", "--connect", "qemu:///system"];
        program.extend(arguments);
        self.command(&program)
    }

    /// Tells the lab's libvirtd of a virtual machine, which does not run yet.
    pub fn define(&self, spec: &DomainSpec) -> Guest<'_> {
        Guest::define(self, spec)
    }

    /// A virtual machine that libvirt knows only while it runs: `virsh create`.
    pub fn transient(&self, spec: &DomainSpec) -> Guest<'_> {
        Guest::transient(self, spec)
    }

    /// Tells libvirt of a network and starts it.
    pub fn define_network(&self, name: &str, xml: &str) {
        let file = format!("/run/{name}.xml");
        let inside = format!("<network><name>{name}</name>{xml}</network>");
        self.write(&file, &inside);
        self.virsh(&["net-define", &file]).ok();
        self.virsh(&["net-start", name]).ok();
    }

    /// Sets the configuration, `/etc/vmhook/vmhook.toml`.
    pub fn configure(&self, toml: &str) {
        self.write("/etc/vmhook/vmhook.toml", toml);
    }

    /// Adds an executable file to those that libvirt runs, before it starts:
    /// `install_script("qemu.d/10-record", ...)`.
    pub fn install_script(&self, hook: &str, script: &str) {
        let path = format!("/etc/libvirt/hooks/{hook}");
        self.write(&path, script);
        let executable = fs::Permissions::from_mode(0o755);
        fs::set_permissions(self.path(&path), executable).expect("a new file's mode can be set");
    }

    /// Writes a file in the lab, with the folders it needs.
    pub fn write(&self, path: &str, content: &str) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().expect("an absolute path")).expect("folders can be made");
        fs::write(path, content).expect("a file of the lab can be written");
    }

    /// The content of a file in the lab; empty if there is none.
    pub fn read(&self, path: &str) -> String {
        fs::read_to_string(self.path(path)).unwrap_or_default()
    }

    /// The lab's journal from now on; there is none otherwise.
    pub fn journal(&self) -> Journal {
        Journal::open(&self.path("/run/systemd/journal/socket"))
    }

    /// What libvirtd logged: failures of hooks at `stopped`, `release` and `reconnect` are only here.
    pub fn libvirtd_log(&self) -> String {
        self.read("/var/log/libvirt/libvirtd.log")
    }

    /// Opens a TAP interface as QEMU does: it lives as long as it is open.
    pub fn tap(&self, name: &str) -> Tap {
        self.in_network("net", || Tap::open(name))
    }

    /// Opens a TAP interface and makes it a bridge's port as libvirt does for a guest with this
    /// Ethernet address, up only then.
    pub fn tap_on(&self, bridge: &str, name: &str, guest: &str) -> Tap {
        let tap = self.in_network("net", || Tap::open_down(name));
        let own = format!("fe{}", &guest[2..]);
        self.ok(&format!(
            "ip link set dev {name} address {own} mtu 1450 master {bridge} up"
        ));
        tap
    }

    /// Listens to what becomes of the host's IPv6 addresses.
    pub fn addresses(&self) -> Addresses {
        self.in_network("net", Addresses::open)
    }

    /// The index of a link.
    pub fn index_of(&self, link: &str) -> u32 {
        self.in_network("net", || index_of(link))
    }

    /// Opens a UDP socket of the host.
    pub fn udp_socket(&self, address: &str) -> UdpSocket {
        self.in_network("net", || {
            UdpSocket::bind(address).expect("the address can be bound")
        })
    }

    /// Sends and takes the frames of a link.
    pub fn packets(&self, link: &str) -> Packets {
        self.in_network("net", || Packets::open(link))
    }

    /// The lab's folder outside of it, which both see under the same path.
    pub(super) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Where a file of the lab is seen from outside.
    pub(super) fn path(&self, path: &str) -> PathBuf {
        PathBuf::from(format!("/proc/{}/root{path}", self.keeper()))
    }

    /// Opens something in a network namespace of the lab: `net`, its own, or a file's path in it.
    /// What is opened stays there.
    pub(super) fn in_network<T: Send>(&self, name: &str, open: impl FnOnce() -> T + Send) -> T {
        let namespace = match name {
            "net" => PathBuf::from(format!("/proc/{}/ns/net", self.keeper())),
            path => self.path(path),
        };
        let namespace = File::open(namespace).expect("a namespace of the lab can be opened");
        std::thread::scope(|scope| {
            let opener = scope.spawn(|| {
                setns(namespace, CloneFlags::CLONE_NEWNET).expect("root can enter it");
                open()
            });
            opener
                .join()
                .expect("what is opened in the lab can be opened")
        })
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        drop(self.world.stdin.take());
        let ended = self.world.wait();
        drop(self.permit.take());
        if !std::thread::panicking() {
            ended.expect("the world ends");
        }
    }
}
