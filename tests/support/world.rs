//! A host with an underlay and the hooks, in a network namespace of its own: no libvirt, no guest.
//!
//! The test plays libvirt: it calls `vmhook-event` with the operation and the XML, each call in a
//! session of its own, and makes and deletes the taps. Far cheaper than a [`Lab`](super::Lab), so
//! that a test can do it some hundred times.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

use super::call::{Call, Running, assert_refused, assert_silent};
use super::netns::{in_a_new_namespace, run};
use super::{Outcome, Packets, Tap, Vm, VmNic};

pub use super::dump::assert_same;

const VMHOOK: &str = env!("CARGO_BIN_EXE_vmhook");

/// The network's bridge.
pub const BRIDGE: &str = "brqc08e7dcd-4a";

/// A network that needs nothing but the underlay, and a group that needs nothing but the default.
pub const CONFIG: &str = r#"[host]
local_ip = "172.16.0.31"

[network.selfservice]
id = "c08e7dcd-4acb-4cd0-ad08-ebd3b48467ee"
type = "vxlan"
vni = 267
flood = ["172.16.0.32"]

[security_group.web]
ingress = [
    { protocol = "icmp" },
    { ethertype = "ipv4", protocol = "tcp", port = 22 },
]
egress = [{ any = true }]
"#;

/// One host. Lives on the thread whose namespace it is.
#[derive(Debug)]
pub struct World {
    folder: TempDir,
}

#[expect(
    clippy::unused_self,
    reason = "what is done on a world's host must have a world"
)]
impl World {
    /// Runs a test on a host with `eth0`, 172.16.0.31/24, MTU 1500, and the [`CONFIG`].
    pub fn run(test: impl FnOnce(&World) + Send) {
        in_a_new_namespace(|| Self::here(test));
    }

    /// The same where this thread is: on a host that is there for this test alone.
    pub fn here(test: impl FnOnce(&World)) {
        run("ip link set lo up");
        run("ip link add eth0 type veth peer name wire");
        run("ip link set eth0 up");
        run("ip link set wire up");
        run("ip address add 172.16.0.31/24 dev eth0");
        let world = Self::bare();
        world.configure(CONFIG);
        test(&world);
    }

    /// A host of this thread's namespace, whatever links it has, without configuration. Nothing may be
    /// done with it in another namespace.
    pub fn bare() -> Self {
        Self {
            folder: TempDir::new().expect("a folder can be made"),
        }
    }

    /// Replaces `vmhook.toml`, whole.
    pub fn configure(&self, toml: &str) {
        let folder = self.config_dir();
        fs::create_dir_all(&folder).expect("a folder can be made");
        let written = folder.join("vmhook.toml.new");
        fs::write(&written, toml).expect("a file can be written");
        fs::rename(written, folder.join("vmhook.toml")).expect("a file can be renamed");
    }

    /// The folder of everything that is not in the kernel.
    pub(super) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Where the configuration lies.
    pub fn config_dir(&self) -> PathBuf {
        self.folder.path().join("etc")
    }

    /// Where the records lie.
    pub fn state_dir(&self) -> PathBuf {
        self.folder.path().join("run")
    }

    /// A folder with these programs, which a call can have before or instead of the usual ones.
    pub fn programs(&self, programs: &[(&str, &str)]) -> PathBuf {
        let folder = self.folder.path().join("bin");
        fs::create_dir_all(&folder).expect("a folder can be made");
        for (name, script) in programs {
            let written = self.folder.path().join("script");
            fs::write(&written, format!("#!/bin/sh\n{script}\n")).expect("a file can be written");
            place_program(&written, &folder.join(name));
        }
        folder
    }

    /// A call of the hook for a virtual machine.
    pub fn call(&self, operation: &str, vm: &Vm) -> Call<'_> {
        let arguments = ["qemu", vm.name.as_str(), operation, "begin", "-"];
        self.call_with(&arguments, vm.xml().into_bytes())
    }

    /// A call of the hook with any arguments and any input.
    pub fn call_with<A: AsRef<OsStr>>(&self, arguments: &[A], input: Vec<u8>) -> Call<'_> {
        Call::new(self, arguments, input)
    }

    /// A libvirt daemon has started.
    pub fn daemon_start(&self) -> Call<'_> {
        self.call_with(&["daemon", "-", "start", "-", "start"], vec![])
    }

    /// Runs `vmhook`, as an operator does.
    pub fn vmhook(&self, arguments: &[&str]) -> Outcome {
        self.vmhook_with(arguments, None)
    }

    /// The same, where something fails: see `VMHOOK_FAULT`.
    pub fn vmhook_with(&self, arguments: &[&str], fault: Option<&str>) -> Outcome {
        self.begin_vmhook(arguments, fault).end()
    }

    /// Starts it.
    pub fn begin_vmhook(&self, arguments: &[&str], fault: Option<&str>) -> Running {
        let child = Command::new(VMHOOK)
            .args(arguments)
            .envs(fault.map(|fault| ("VMHOOK_FAULT", fault)))
            .env("VMHOOK_CONFIG_DIR", self.config_dir())
            .env("VMHOOK_STATE_DIR", self.state_dir())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("vmhook starts");
        Running::new(arguments.join(" "), child)
    }

    /// The outcome of a plain call.
    pub fn event(&self, operation: &str, vm: &Vm) -> Outcome {
        self.call(operation, vm).end()
    }

    /// A call that must succeed, in silence.
    #[track_caller]
    pub fn ok(&self, operation: &str, vm: &Vm) {
        assert_silent(&self.event(operation, vm));
    }

    /// Prepares and starts virtual machines as libvirt does, up to where QEMU would run.
    #[track_caller]
    pub fn bring_up(&self, vms: &[&Vm]) {
        for vm in vms {
            self.ok("prepare", vm);
            self.plug(vm);
            self.ok("start", vm);
        }
    }

    /// Ends virtual machines: their taps go before the first hook is called.
    #[track_caller]
    pub fn take_down(&self, vms: &[&Vm]) {
        for vm in vms {
            self.unplug(vm);
            self.ok("stopped", vm);
            self.ok("release", vm);
        }
    }

    /// Makes a virtual machine's taps, up and on their bridges.
    pub fn plug(&self, vm: &Vm) {
        for nic in &vm.nics {
            run(&format!("ip tuntap add {} mode tap", nic.tap));
            attach(&nic.tap, &nic.mac, nic.mtu, &nic.bridge);
        }
    }

    /// Opens a TAP interface and makes it a bridge's port, up only then, as libvirt does for a guest
    /// with this Ethernet address.
    pub fn tap_on(&self, bridge: &str, name: &str, guest: &str) -> Tap {
        let tap = Tap::open_down(name);
        attach(name, guest, 1450, bridge);
        tap
    }

    /// The same with taps that are held open, as QEMU does, for frames to go in and out; then
    /// `start`.
    #[track_caller]
    pub fn bring_up_open(&self, vm: &Vm) -> Vec<Tap> {
        self.ok("prepare", vm);
        let open = |nic: &VmNic| {
            let tap = Tap::open_down(&nic.tap);
            attach(&nic.tap, &nic.mac, nic.mtu, &nic.bridge);
            tap
        };
        let taps = vm.nics.iter().map(open).collect();
        self.ok("start", vm);
        taps
    }

    /// Sends and takes the frames of a link.
    pub fn packets(&self, link: &str) -> Packets {
        Packets::open(link)
    }

    /// Deletes the taps that there are.
    pub fn unplug(&self, vm: &Vm) {
        for nic in &vm.nics {
            super::netns::attempt(&format!("ip link delete {}", nic.tap));
        }
    }
}

/// `prepare` refuses the machine with a line that has its name and these words, and changes nothing.
#[track_caller]
pub fn assert_refuses(world: &World, vm: &Vm, words: &[&str]) {
    let before = world.dump();
    let outcome = world.event("prepare", vm);
    assert_refused(
        &outcome,
        &[&["vmhook: domain ", &vm.name][..], words].concat(),
    );
    assert_same(&world.dump(), &before, &format!("{words:?}"));
    assert_silent(&world.event("stopped", vm));
    assert_silent(&world.event("release", vm));
    assert_same(&world.dump(), &before, &format!("{words:?}"));
}

/// Copies a program to where it is run. Another process does it: a file that this one has open for
/// writing, or a child that another test starts meanwhile, cannot be run (`ETXTBSY`).
pub fn place_program(from: &Path, to: &Path) {
    run(&format!(
        "install -m 755 {} {}",
        from.display(),
        to.display()
    ));
}

/// What libvirt does with a tap before it calls `start`: its address is that of the guest with another
/// first octet.
fn attach(tap: &str, guest: &str, mtu: u32, bridge: &str) {
    let own = format!("fe{}", &guest[2..]);
    run(&format!(
        "ip link set {tap} address {own} mtu {mtu} master {bridge} up"
    ));
}
