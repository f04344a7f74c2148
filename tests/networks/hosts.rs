//! Three hosts on one underlay, each with the real programs, and machines on them.
//!
//! A host is a network namespace with a configuration and a state of its own; the test plays libvirt
//! on each. A machine is a namespace too: its `eth0` is the other end of its tap, so that real
//! kernels speak through the networks, and no guest need boot.
//!
//! ```text
//!   machine  eth0 ── tap ─ brq… ─ vxlan-… ─ eth0  host 0   172.16.0.31, fd00:16::31
//!                                             │
//!   machine  eth0 ── tap ─ brq… ─ vxlan-… ─ eth0  host 1   172.16.0.32, fd00:16::32
//!                                             │
//!                                           switch, and a third host
//! ```

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::AsRawFd;
use std::process::{Child, Command, Stdio};
use std::thread::JoinHandle;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::sys::socket::{Shutdown, shutdown};
use nix::unistd::Pid;

use super::support::frames::{mac, rarp};
use super::support::netns::{attempt, run};
use super::support::world::assert_same;
use super::support::{Namespace, Packets, Pinged, Vm, World};

/// More than anything takes, on a machine with much else to do.
const LONG: Duration = Duration::from_secs(20);

/// Some tens of full packets: what is too large for the way is lost, and then this never comes.
const BULK: usize = 100_000;

/// Three hosts on one underlay of both families.
#[derive(Debug)]
pub(crate) struct Hosts {
    hosts: Vec<Host>,
    /// The switch between them lives as long as this.
    _underlay: Namespace,
}

/// One of them.
#[derive(Debug)]
pub(crate) struct Host {
    namespace: Namespace,
    world: World,
}

impl Hosts {
    /// Three hosts with nothing on them; each has this configuration, with its own number (31, 32,
    /// 33) for each `@` in it.
    pub(crate) fn configured(toml: &str) -> Self {
        let underlay = Namespace::new();
        underlay.enter(|| {
            run("ip link add switch type bridge mcast_snooping 0");
            run("ip link set switch up");
        });
        let hosts = [31, 32, 33].map(|number| Host::on(&underlay, number, toml));
        Self {
            hosts: hosts.into(),
            _underlay: underlay,
        }
    }

    /// Does something on one of the hosts.
    pub(crate) fn on<T>(&self, host: usize, act: impl FnOnce(&World) -> T) -> T {
        let Host { namespace, world } = &self.hosts[host];
        namespace.enter(|| act(world))
    }

    /// Everything that vmhook could leave on any host.
    pub(crate) fn dump(&self) -> Vec<String> {
        let hosts = 0..self.hosts.len();
        hosts.map(|host| self.on(host, World::dump)).collect()
    }

    /// Fails unless all hosts are as they were at that [`dump`](Self::dump).
    #[track_caller]
    pub(crate) fn assert_unchanged_since(&self, before: &[String]) {
        for (host, (now, before)) in self.dump().iter().zip(before).enumerate() {
            assert_same(now, before, &format!("host {host} after all have stopped"));
        }
    }

    /// Starts a machine on a host, as libvirt does. It answers pings, and TCP on port 22.
    #[track_caller]
    pub(crate) fn start(&self, host: usize, vm: Vm) -> Machine<'_> {
        let machine = self.resume(host, vm);
        machine.namespace.enter(|| run("ip link set eth0 up"));
        machine
    }

    /// The same, but nothing of the machine has been heard yet.
    #[track_caller]
    fn resume(&self, host: usize, vm: Vm) -> Machine<'_> {
        let namespace = Namespace::new();
        self.on(host, |world| {
            world.ok("prepare", &vm);
            plug(&vm, &namespace);
            world.ok("start", &vm);
        });
        let server = namespace.enter(|| {
            std::fs::write("/proc/sys/net/ipv6/conf/eth0/disable_ipv6", "1")
                .expect("root may switch IPv6 off");
            run(&format!("ip address add {}/24 dev eth0", vm.nics[0].ip));
            Server::start(&vm.name)
        });
        Machine {
            hosts: self,
            host,
            vm,
            namespace,
            _server: server,
        }
    }
}

/// Makes a machine's tap, up and on its bridge; the other end is its `eth0`.
pub(crate) fn plug(vm: &Vm, machine: &Namespace) {
    let nic = &vm.nics[0];
    let (tap, bridge, mtu) = (&nic.tap, &nic.bridge, nic.mtu);
    // libvirt's: the interface's own with another first octet.
    let own = nic.mac.replacen("fa:", "fe:", 1);
    let (guest, namespace) = (&nic.mac, machine.path());
    run(&format!(
        "ip link add {tap} address {own} mtu {mtu} type veth \
         peer name eth0 address {guest} mtu {mtu} netns {namespace}"
    ));
    run(&format!("ip link set {tap} master {bridge} up"));
}

impl Host {
    fn on(underlay: &Namespace, number: u8, toml: &str) -> Self {
        let namespace = Namespace::new();
        underlay.enter(|| {
            run(&format!(
                "ip link add port{number} type veth peer name eth0 netns {}",
                namespace.path()
            ));
            run(&format!("ip link set port{number} master switch up"));
        });
        namespace.enter(|| {
            run(&format!("ip address add 172.16.0.{number}/24 dev eth0"));
            run(&format!(
                "ip -6 address add fd00:16::{number}/64 dev eth0 nodad"
            ));
            run("ip link set eth0 up");
        });
        let world = World::bare();
        world.configure(&toml.replace('@', &number.to_string()));
        Self { namespace, world }
    }
}

/// A machine that runs on a host.
#[derive(Debug)]
pub(crate) struct Machine<'hosts> {
    hosts: &'hosts Hosts,
    host: usize,
    vm: Vm,
    namespace: Namespace,
    _server: Server,
}

impl Machine<'_> {
    /// Its name.
    pub(crate) fn name(&self) -> &str {
        &self.vm.name
    }

    /// Its address.
    pub(crate) fn address(&self) -> &str {
        &self.vm.nics[0].ip
    }

    /// Runs a command in it.
    #[track_caller]
    pub(crate) fn run(&self, command: &str) -> String {
        self.namespace.enter(|| run(command))
    }

    /// Whether an address answers a ping, however long it takes.
    pub(crate) fn pings(&self, address: &str) -> bool {
        let ping = format!("ping -n -c 1 -i 0.2 -w {} {address}", LONG.as_secs());
        self.namespace.enter(|| attempt(&ping)).0
    }

    /// Whether an address answers a ping within a second. What is refused is shown by this only
    /// beside one on the same way that is answered.
    pub(crate) fn pings_at_once(&self, address: &str) -> bool {
        self.namespace
            .enter(|| attempt(&format!("ping -n -c 3 -i 0.2 -w 1 {address}")).0)
    }

    /// The largest packet that goes to an address unfragmented and is answered: `size` bytes?
    pub(crate) fn carries(&self, address: &str, size: u32) -> bool {
        let payload = size - 28; // IPv4 and ICMP headers
        let ping = format!("ping -n -M do -c 3 -i 0.2 -w 5 -s {payload} {address}");
        self.namespace.enter(|| attempt(&ping)).0
    }

    /// The name of the machine that answers TCP at an address, with everything that it had to say.
    pub(crate) fn asks(&self, address: &str) -> String {
        let to: SocketAddr = format!("{address}:22").parse().expect("an address");
        let connect = || TcpStream::connect_timeout(&to, LONG).expect("it listens");
        let mut stream = self.namespace.enter(connect);
        stream.set_read_timeout(Some(LONG)).expect("a limit");
        let mut said = Vec::new();
        stream.read_to_end(&mut said).expect("all of it comes");
        let name = said.len() - BULK;
        String::from_utf8_lossy(&said[..name]).into_owned()
    }

    /// Pings an address every 20 milliseconds from now on, and has been answered.
    pub(crate) fn keep_pinging(&self, address: &str) -> Pinging {
        assert!(self.pings(address), "{address} answers before");
        let mut command = Command::new("ping");
        command
            .args(["-n", "-i", "0.02", address])
            .env("LC_ALL", "C");
        command.stdout(Stdio::piped());
        Pinging(
            self.namespace
                .enter(|| command.spawn().expect("ping starts")),
        )
    }

    /// Moves to another host, as a live migration does: it is ready there before it stops here, and
    /// the first frame from there is QEMU's announcement.
    #[track_caller]
    pub(crate) fn move_to(self, host: usize) -> Self {
        self.hosts.on(host, |world| world.ok("migrate", &self.vm));
        let there = self.hosts.resume(host, self.vm.clone());
        self.namespace.enter(|| run("ip link set eth0 down"));
        let own = mac(&self.vm.nics[0].mac);
        there.namespace.enter(|| {
            run("ip link set eth0 up");
            Packets::open("eth0").send(&rarp(own, own));
        });
        self.stop();
        there
    }

    /// Ends, as libvirt sees it: the tap goes first.
    #[track_caller]
    pub(crate) fn stop(self) {
        let end = |world: &World| world.take_down(&[&self.vm]);
        self.hosts.on(self.host, end);
    }
}

/// A ping that runs.
#[derive(Debug)]
pub(crate) struct Pinging(Child);

impl Pinging {
    /// Ends it, when it has been answered once more.
    pub(crate) fn end(self) -> Pinged {
        let pid = i32::try_from(self.0.id()).expect("a process id");
        kill(Pid::from_raw(pid), Signal::SIGINT).expect("it runs");
        let said = self.0.wait_with_output().expect("it ends").stdout;
        let said = String::from_utf8_lossy(&said);
        Pinged::read(&said).unwrap_or_else(|| panic!("ping says no number: {said}"))
    }
}

/// A TCP service on port 22: says a name, and a lot besides.
#[derive(Debug)]
struct Server {
    listener: TcpListener,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// One of this thread's namespace.
    fn start(name: &str) -> Self {
        let listener = TcpListener::bind("0.0.0.0:22").expect("nobody else listens");
        let clients = listener.try_clone().expect("a socket can be cloned");
        let words = [name.as_bytes(), &vec![0; BULK]].concat();
        let serve = move || {
            for mut client in clients.incoming().map_while(Result::ok) {
                // A client that hangs up says so itself.
                let _ = client.write_all(&words);
            }
        };
        let thread = Some(std::thread::spawn(serve));
        Self { listener, thread }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Whoever waits for a client then waits no more.
        let _ = shutdown(self.listener.as_raw_fd(), Shutdown::Both);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
