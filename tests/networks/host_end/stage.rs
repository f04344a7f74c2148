//! A host with an end on a network, machines there that speak for themselves, and a world outside.
//!
//! ```text
//!   machine eth0 ── tap ─┐                  the host                    outside
//!                        brq… ─ vmp-… ═ vmh-…   out0  203.0.113.1 ── 203.0.113.9  eth0
//!   machine eth0 ── tap ─┘      192.168.101.1   eth0  172.16.0.31 (the underlay)
//! ```

use std::io::{Read, Write};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::time::Duration;

use crate::hosts::plug;
use crate::support::frames::{End, end, mac};
use crate::support::netns::{attempt, run};
use crate::support::world::CONFIG;
use crate::support::{Namespace, Packets, Vm, World};

/// More than anything takes, on a machine with much else to do.
pub(crate) const LONG: Duration = Duration::from_secs(20);

/// The host's device, and the bridge's port of the pair.
pub(crate) const END: &str = "vmh-c08e7dcd-4a";
pub(crate) const PORT: &str = "vmp-c08e7dcd-4a";

/// The network with an end of the host, of both families. Machines of the group `web` answer pings and
/// ssh.
pub(crate) fn configuration() -> String {
    CONFIG.replace(
        "vni = 267\n",
        "vni = 267\nhost_address = [\"192.168.101.1/24\", \"2001:db8:101::1/64\"]\n",
    )
}

/// A machine of the group `web`, with its address of each family.
pub(crate) fn web(number: u8) -> Vm {
    Vm::new(number).with(|nic| "web".clone_into(&mut nic.group))
}

/// The ports that give the machines of these numbers an address of each family.
pub(crate) fn ports(numbers: &[u8]) -> String {
    let port = |number: &u8| {
        format!(
            "[port.web{number}]\nmac = \"fa:16:3e:00:00:{number:02x}\"\nsecurity_groups = [\"web6\"]\n\
             fixed_ips = [\"192.168.101.{number}\", \"2001:db8:101::{number}\"]\n"
        )
    };
    let group = "\n[security_group.web6]\negress = [{ any = true }]\n\
                 ingress = [{ protocol = \"icmp\" }, { protocol = \"ipv6-icmp\" }, \
                 { protocol = \"tcp\", port = 22 }]\n";
    let ports: String = numbers.iter().map(port).collect();
    group.to_owned() + &ports
}

/// A machine that runs: a namespace behind its tap.
#[derive(Debug)]
pub(crate) struct Machine {
    pub(crate) vm: Vm,
    namespace: Namespace,
}

impl Machine {
    /// Starts it as libvirt does; its kernel has this address of the network, with the host as its
    /// gateway.
    pub(crate) fn start(world: &World, vm: Vm) -> Self {
        let machine = Self::without_address(world, vm);
        let address = machine.vm.nics[0].ip.clone();
        machine.run(&format!("ip address add {address}/24 dev eth0"));
        let network = address.rsplit_once('.').expect("an address of IPv4").0;
        machine.run(&format!("ip route add default via {network}.1"));
        machine
    }

    /// The same, and nobody gave it an address.
    pub(crate) fn without_address(world: &World, vm: Vm) -> Self {
        let namespace = Namespace::new();
        world.ok("prepare", &vm);
        plug(&vm, &namespace);
        world.ok("start", &vm);
        namespace.enter(|| {
            // Nothing of its own is on the wire.
            run("sysctl -qw net.ipv6.conf.eth0.addr_gen_mode=1");
            run("ip link set eth0 up");
        });
        Self { vm, namespace }
    }

    /// Its address of IPv6 as well, with the host as its gateway.
    pub(crate) fn with_ipv6(self) -> Self {
        let last = self.vm.nics[0].ip.rsplit_once('.').expect("IPv4").1;
        self.run(&format!(
            "ip -6 address add 2001:db8:101::{last}/64 dev eth0 nodad"
        ));
        self.run("ip -6 route add default via 2001:db8:101::1");
        self
    }

    /// Runs a command in it.
    #[track_caller]
    pub(crate) fn run(&self, command: &str) -> String {
        self.namespace.enter(|| run(command))
    }

    /// Whether a command succeeds in it.
    pub(crate) fn attempt(&self, command: &str) -> bool {
        self.namespace.enter(|| attempt(command)).0
    }

    pub(crate) fn pings(&self, address: &str) -> bool {
        self.namespace.enter(|| pings(address))
    }

    pub(crate) fn pings_at_once(&self, address: &str) -> bool {
        self.namespace.enter(|| pings_at_once(address))
    }

    /// Frames in and out of its `eth0`, whatever its kernel thinks.
    pub(crate) fn packets(&self) -> Packets {
        self.namespace.enter(|| Packets::open("eth0"))
    }

    /// A TCP service in it.
    pub(crate) fn serves(&self, port: u16) -> TcpListener {
        let bind = || TcpListener::bind(("0.0.0.0", port)).expect("nobody else listens");
        self.namespace.enter(bind)
    }

    /// Whether it can open a connection there, within the time.
    pub(crate) fn connects(&self, to: &str, limit: Duration) -> Option<TcpStream> {
        self.namespace.enter(|| connects(to, limit))
    }

    pub(crate) fn udp(&self) -> UdpSocket {
        self.namespace
            .enter(|| UdpSocket::bind("0.0.0.0:0").expect("a socket"))
    }

    /// What it is on the wire.
    pub(crate) fn own(&self) -> End {
        end(&self.vm.nics[0].mac, &self.vm.nics[0].ip)
    }

    pub(crate) fn stop(self, world: &World) {
        world.take_down(&[&self.vm]);
    }
}

/// The host's end on the wire.
pub(crate) fn host() -> End {
    host_as("192.168.101.1")
}

/// The same with another address.
pub(crate) fn host_as(ip: &str) -> End {
    let link = run(&format!("ip -br link show {END}"));
    let own = link
        .split_whitespace()
        .nth(2)
        .expect("name, state, address");
    End {
        mac: mac(own),
        ip: ip.parse().expect("an address"),
    }
}

/// The world behind the host: another machine, which knows no way to the network.
pub(crate) fn outside() -> Namespace {
    let outside = Namespace::new();
    run(&format!(
        "ip link add out0 type veth peer name eth0 netns {}",
        outside.path()
    ));
    run("ip address add 203.0.113.1/24 dev out0");
    run("ip link set out0 up");
    outside.enter(|| {
        run("ip address add 203.0.113.9/24 dev eth0");
        run("ip link set eth0 up");
    });
    outside
}

pub(crate) fn pings(address: &str) -> bool {
    attempt(&format!(
        "ping -n -c 1 -i 0.2 -w {} {address}",
        LONG.as_secs()
    ))
    .0
}

/// What is refused is shown by this only beside one on the same way that is answered.
pub(crate) fn pings_at_once(address: &str) -> bool {
    attempt(&format!("ping -n -c 3 -i 0.2 -w 1 {address}")).0
}

pub(crate) fn connects(to: &str, limit: Duration) -> Option<TcpStream> {
    let to: SocketAddr = to.parse().expect("an address and a port");
    TcpStream::connect_timeout(&to, limit).ok()
}

/// Who is at the other end, as it sees itself asked: the address that the service sees.
pub(crate) fn asked_by(service: &TcpListener, mut client: TcpStream) -> IpAddr {
    let (mut served, from) = service.accept().expect("somebody asks");
    client.write_all(b"hello").expect("it is open");
    let mut said = [0; 5];
    served.set_read_timeout(Some(LONG)).expect("a limit");
    served.read_exact(&mut said).expect("what was said comes");
    assert_eq!(&said, b"hello");
    from.ip()
}

/// The text of what a UDP socket gets next.
pub(crate) fn next(socket: &UdpSocket) -> String {
    let mut bytes = [0; 100];
    socket.set_read_timeout(Some(LONG)).expect("a limit");
    let count = socket.recv(&mut bytes).expect("a datagram comes");
    String::from_utf8_lossy(&bytes[..count]).into_owned()
}
