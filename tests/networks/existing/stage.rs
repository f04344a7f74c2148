//! A host whose own way into its network is a bridge, as many are before machines come to it.
//!
//! ```text
//!  outside  wire ── eth0 ─┐
//!  10.5.0.9               ├ br0  10.5.0.1   host ── docker0 ── eth0  container
//!  router   eth0 ── veth ─┘                         172.17.0.1       172.17.0.2:80
//!  10.5.0.7
//! ```
//!
//! The host serves port 22 and publishes the container's port 80 as its 8080, with the rules that Docker
//! writes: a `FORWARD` that drops, translation of what goes to its own addresses, masquerade.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use crate::hosts::plug;
use crate::routing::until;
use crate::support::netns::{in_a_new_namespace, run};
use crate::support::{Namespace, Packets, Vm, World};

/// More than anything takes, on a machine with much else to do.
const LONG: Duration = Duration::from_secs(20);
/// What is dropped does not come in this time either.
const SHORT: Duration = Duration::from_millis(600);

pub(super) const HOST: &str = "10.5.0.1";
pub(super) const OUTSIDE: &str = "10.5.0.9";
pub(super) const ROUTER: &str = "10.5.0.7";
const CONTAINER: &str = "172.17.0.2";

/// The network, with the host on its bridge.
pub(super) const LAN: &str = r#"
[network.lan]
id = "lan"
bridge = "br0"
uplinks = ["eth0"]
trusted_ports = ["veth-router"]
host_unfiltered = true

[security_group.web]
ingress = [
    { protocol = "icmp" },
    { ethertype = "ipv4", protocol = "tcp", port = 22 },
]
egress = [{ any = true }]

[security_group.narrow]
ingress = [{ ethertype = "ipv4", protocol = "tcp", port = 22 }]
egress = [{ ethertype = "ipv4", protocol = "tcp", port = 22 }]
"#;

const DOCKER: &[&str] = &[
    "-P FORWARD DROP",
    "-t nat -N DOCKER",
    "-t nat -A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER",
    "-t nat -A OUTPUT ! -d 127.0.0.0/8 -m addrtype --dst-type LOCAL -j DOCKER",
    "-t nat -A POSTROUTING -s 172.17.0.0/24 ! -o docker0 -j MASQUERADE",
    "-t nat -A DOCKER ! -i docker0 -p tcp -m tcp --dport 8080 -j DNAT --to-destination 172.17.0.2:80",
    "-N DOCKER",
    "-A FORWARD -o docker0 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT",
    "-A FORWARD -o docker0 -j DOCKER",
    "-A FORWARD -i docker0 ! -o docker0 -j ACCEPT",
    "-A DOCKER -d 172.17.0.2/32 ! -i docker0 -o docker0 -p tcp -m tcp --dport 80 -j ACCEPT",
    "-P INPUT DROP",
    "-A INPUT -i lo -j ACCEPT",
    "-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT",
    "-A INPUT -p icmp -j ACCEPT",
    "-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT",
    "-A INPUT -p udp -j ACCEPT",
];

/// The host, on the thread whose namespace it is, and who is around it.
#[derive(Debug)]
pub(super) struct Stage {
    pub(super) world: World,
    pub(super) outside: Namespace,
    pub(super) router: Namespace,
    pub(super) container: Namespace,
}

impl Stage {
    /// Runs a test on such a host.
    pub(super) fn run(test: impl FnOnce(&Self) + Send) {
        in_a_new_namespace(|| {
            let stage = Self {
                world: World::bare(),
                outside: Namespace::new(),
                router: Namespace::new(),
                container: Namespace::new(),
            };
            stage.build();
            stage.world.configure(LAN);
            test(&stage);
        });
    }

    fn build(&self) {
        run("ip link set lo up");
        run("ip link add br0 type bridge");
        run("ip address add 10.5.0.1/24 dev br0");
        run("ip link add docker0 type bridge");
        run("ip address add 172.17.0.1/24 dev docker0");
        for (bridge, port, end, namespace) in [
            ("br0", "eth0", "wire", &self.outside),
            ("br0", "veth-router", "eth0", &self.router),
            ("docker0", "veth-web", "eth0", &self.container),
        ] {
            let path = namespace.path();
            run(&format!(
                "ip link add {port} type veth peer name {end} netns {path}"
            ));
            run(&format!("ip link set {port} master {bridge} up"));
        }
        run("ip link set br0 up");
        run("ip link set docker0 up");
        for (setting, value) in [
            ("ipv4/ip_forward", "1"),
            ("bridge/bridge-nf-call-iptables", "0"),
            ("bridge/bridge-nf-call-ip6tables", "0"),
        ] {
            std::fs::write(format!("/proc/sys/net/{setting}"), value).expect("root may set it");
        }
        for line in DOCKER {
            run(&format!("iptables {line}"));
        }
        run("ip6tables -P FORWARD DROP");
        lives_at(&self.outside, "wire", OUTSIDE);
        lives_at(&self.router, "eth0", ROUTER);
        lives_at(&self.container, "eth0", CONTAINER);
        self.container
            .enter(|| run("ip route add default via 172.17.0.1"));
        let carries = |bridge: &str, ports: usize| {
            let links = run(&format!("ip -d -o link show master {bridge}"));
            links.matches("state forwarding").count() == ports
        };
        assert!(
            until(|| carries("br0", 2) && carries("docker0", 1)),
            "links come up"
        );
        serve(22, "host");
        self.outside.enter(|| serve(22, "outside"));
        self.router.enter(|| serve(22, "router"));
        self.container.enter(|| serve(80, "container"));
    }

    /// What the host does for itself and others, with and without machines on its bridge.
    #[track_caller]
    pub(super) fn assert_host_works(&self, when: &str) {
        let out = |address: &str, port| self.outside.enter(|| asks(address, port));
        assert_eq!(
            out(HOST, 22).as_deref(),
            Some("host"),
            "{when}: its own service"
        );
        let published = out(HOST, 8080);
        assert_eq!(
            published.as_deref(),
            Some("container"),
            "{when}: a published port"
        );
        assert_eq!(asks(CONTAINER, 80).as_deref(), Some("container"), "{when}");
        assert_eq!(
            asks(HOST, 8080).as_deref(),
            Some("container"),
            "{when}: from itself"
        );
        assert_eq!(
            asks(OUTSIDE, 22).as_deref(),
            Some("outside"),
            "{when}: to outside"
        );
        let masqueraded = self.container.enter(|| asks(OUTSIDE, 22));
        assert_eq!(
            masqueraded.as_deref(),
            Some("outside"),
            "{when}: the container's way out"
        );
        assert_eq!(
            out(ROUTER, 22).as_deref(),
            Some("router"),
            "{when}: between its ports"
        );
        let back = self.router.enter(|| asks(OUTSIDE, 22));
        assert_eq!(
            back.as_deref(),
            Some("outside"),
            "{when}: between its ports"
        );
    }

    /// Starts a machine on the bridge, as libvirt does, with port 22 and 23.
    #[track_caller]
    pub(super) fn start(&self, vm: &Vm) -> Machine {
        let machine = Machine(Namespace::new());
        self.world.ok("prepare", vm);
        plug(vm, &machine.0);
        self.world.ok("start", vm);
        lives_at(&machine.0, "eth0", &vm.nics[0].ip);
        let tap = &vm.nics[0].tap;
        let carries = || run(&format!("ip -d -o link show {tap}")).contains("state forwarding");
        assert!(until(carries), "the tap carries frames");
        machine.0.enter(|| {
            run("ip route add default via 10.5.0.1");
            serve(22, &vm.name);
            serve(23, &vm.name);
        });
        machine
    }

    /// Ends a machine.
    #[track_caller]
    pub(super) fn stop(&self, vm: &Vm) {
        self.world.take_down(&[vm]);
    }
}

/// A machine that runs.
#[derive(Debug)]
pub(super) struct Machine(Namespace);

impl Machine {
    /// Does something in it.
    pub(super) fn enter<T>(&self, act: impl FnOnce() -> T) -> T {
        self.0.enter(act)
    }

    /// What is sent and received on its interface.
    pub(super) fn packets(&self) -> Packets {
        self.0.enter(|| Packets::open("eth0"))
    }
}

/// The machine of this number on the bridge.
pub(super) fn vm(number: u8, group: &str) -> Vm {
    Vm::new(number).with(|nic| {
        "br0".clone_into(&mut nic.bridge);
        nic.mtu = 1500;
        nic.ip = format!("10.5.0.{}", 20 + number);
        group.clone_into(&mut nic.group);
    })
}

fn lives_at(namespace: &Namespace, device: &str, address: &str) {
    namespace.enter(|| {
        let ipv6 = format!("/proc/sys/net/ipv6/conf/{device}/disable_ipv6");
        std::fs::write(ipv6, "1").expect("root may switch IPv6 off");
        run(&format!("ip address add {address}/24 dev {device}"));
        run(&format!("ip link set {device} up"));
    });
}

/// Serves a TCP port of this thread's namespace for as long as the test's process runs: says a name, and
/// then whatever it is told.
fn serve(port: u16, name: &str) {
    let listener = TcpListener::bind(("0.0.0.0", port)).expect("nobody else listens");
    let name = name.to_owned();
    std::thread::spawn(move || {
        for client in listener.incoming().map_while(Result::ok) {
            let name = name.clone();
            std::thread::spawn(move || echo(client, &name));
        }
    });
}

fn echo(mut client: TcpStream, name: &str) -> std::io::Result<()> {
    writeln!(client, "{name}")?;
    let lines = BufReader::new(client.try_clone()?);
    for line in lines.lines() {
        writeln!(client, "{}", line?)?;
    }
    Ok(())
}

/// Who answers at a TCP port; `None` if nobody does in a short while.
pub(super) fn asks(address: &str, port: u16) -> Option<String> {
    Some(Talk::begin(address, port)?.first)
}

/// A connection that stays.
#[derive(Debug)]
pub(super) struct Talk {
    stream: BufReader<TcpStream>,
    first: String,
}

impl Talk {
    pub(super) fn begin(address: &str, port: u16) -> Option<Self> {
        let to: SocketAddr = format!("{address}:{port}").parse().expect("an address");
        let stream = TcpStream::connect_timeout(&to, SHORT * 4).ok()?;
        stream.set_read_timeout(Some(LONG)).expect("a limit");
        let mut stream = BufReader::new(stream);
        let mut first = String::new();
        stream.read_line(&mut first).ok()?;
        let first = first.trim_end().to_owned();
        Some(Self { stream, first })
    }

    /// Whether the other end still answers.
    pub(super) fn goes_on(&mut self) -> bool {
        let mut answer = String::new();
        let said = writeln!(self.stream.get_mut(), "still there");
        said.is_ok() && self.stream.read_line(&mut answer).is_ok() && answer == "still there\n"
    }
}

/// Whether nobody answers at a TCP port.
pub(super) fn is_silent(address: &str, port: u16) -> bool {
    let to: SocketAddr = format!("{address}:{port}").parse().expect("an address");
    TcpStream::connect_timeout(&to, SHORT).is_err()
}
