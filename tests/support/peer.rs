//! The other host of the flood list.

use std::net::{TcpListener, TcpStream, UdpSocket};

use super::packets::Packets;
use super::{Lab, Outcome, Pings};

/// A network namespace behind the underlay: 172.16.0.32 on eth0, and on VNI 267 the addresses
/// 192.168.101.1/24 and `2001:db8:101::1/64`.
#[derive(Debug)]
pub struct Peer<'lab> {
    lab: &'lab Lab,
    namespace: &'static str,
}

impl<'lab> Peer<'lab> {
    pub(super) fn new(lab: &'lab Lab, namespace: &'static str) -> Self {
        Self { lab, namespace }
    }

    /// Runs a line of shell on the other host.
    pub fn run(&self, script: &str) -> Outcome {
        self.lab
            .command(&["ip", "netns", "exec", self.namespace, "sh", "-c", script])
    }

    /// Whether an address answers one of three pings.
    pub fn pings(&self, address: &str) -> bool {
        self.run(&format!(
            "ping -n -c 3 -i 0.3 -W 1 {address} | grep -q ' bytes from '"
        ))
        .succeeded()
    }

    /// Whether an address answers within twenty seconds: behind a link that has just come up, which
    /// the guest on it learns a while later.
    pub fn pings_at_last(&self, address: &str) -> bool {
        let ping = format!("ping -n -c 1 -i 0.3 -w 20 {address}");
        self.run(&ping).succeeded()
    }

    /// Pings an address every 20 milliseconds until the result is ended.
    pub fn keep_pinging(&self, address: &str) -> Pings<'lab> {
        Pings::begin(self.lab, self.namespace, address)
    }

    /// What a TCP service says on connection; `None` if there is none within two seconds.
    pub fn banner(&self, address: &str, port: u16) -> Option<String> {
        let script = format!("busybox timeout 2 busybox nc {address} {port} </dev/null");
        Some(self.run(&script).out).filter(|out| !out.is_empty())
    }

    /// Opens a UDP socket of the other host.
    pub fn udp_socket(&self, address: &str) -> UdpSocket {
        self.lab.in_network("/run/netns/peer", || {
            UdpSocket::bind(address).expect("the address can be bound")
        })
    }

    /// Waits for connections to one of its addresses.
    pub fn tcp_listener(&self, address: &str) -> TcpListener {
        self.enter(|| TcpListener::bind(address).expect("the address can be bound"))
    }

    /// A TCP connection from there.
    pub fn connect(&self, address: &str) -> TcpStream {
        self.enter(|| TcpStream::connect(address).expect("there is a listener"))
    }

    /// Sends and takes the frames of one of its links: `vxlan-267`, or `eth0` for the outer packets.
    pub fn packets(&self, link: &str) -> Packets {
        self.enter(|| Packets::open(link))
    }

    /// What is opened in its namespace stays there.
    fn enter<T: Send>(&self, open: impl FnOnce() -> T + Send) -> T {
        let namespace = format!("/run/netns/{}", self.namespace);
        self.lab.in_network(&namespace, open)
    }
}
