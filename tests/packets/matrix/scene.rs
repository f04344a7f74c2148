//! All stations of one host, and one frame after the other.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::net::UdpSocket;
use std::sync::Arc;
use std::time::{Duration, Instant};

use nix::sched::{CpuSet, sched_getcpu, sched_setaffinity};
use nix::unistd::Pid;

use super::language::{Frame, Sender};
use super::row::Row;
use super::station::{Links, Network, Station};
use crate::frames::{self, BROADCAST, mac};
use crate::support::{Lab, Packets, Peer, Tap};
use crate::{BRIDGE, OTHER_BRIDGE, SOON, STRANGER};

/// Where a station sends and gets frames.
enum Place {
    Tap(Arc<Tap>),
    Link(Packets),
    Socket(UdpSocket),
}

/// A host whose guests are there.
pub(crate) struct Scene<'lab> {
    lab: &'lab Lab,
    places: BTreeMap<Station, Place>,
    links: Links,
    /// Of the other host, beside the tunnel: what it says the host takes.
    honest: UdpSocket,
    marks: Cell<u16>,
}

/// Where the host's own socket listens.
const SERVICE: &str = "172.16.0.31:7000";

impl<'lab> Scene<'lab> {
    /// On a host that has its bridges and these guests: adds who else is there, and makes the host
    /// what it would be at worst: it routes, it has an address on the guests' network, and a
    /// service is open.
    pub(crate) fn new(lab: &'lab Lab, peer: &Peer<'_>, guests: Vec<(Station, Arc<Tap>)>) -> Self {
        stay_on_one_cpu();
        let guests = guests.into_iter().map(|(who, tap)| (who, Place::Tap(tap)));
        let stranger = Arc::new(lab.tap_on(BRIDGE, "tapstranger", STRANGER));
        // A bridge whose address changes with its ports forgets its neighbours: all ports come first.
        lab.ok(&format!(
            "set -e
             echo 1 >/proc/sys/net/ipv4/ip_forward
             ip address add 192.168.101.254/24 dev {BRIDGE}
             ip neighbour replace 192.168.101.88 lladdr fa:16:3e:be:71:21 dev {BRIDGE}
             ping -c 1 -W 10 172.16.0.32"
        ));
        let others = [
            (Station::Stranger, Place::Tap(stranger)),
            (Station::Peer, Place::Link(peer.packets("vxlan-267"))),
            (Station::PeerOther, Place::Link(peer.packets("vxlan-268"))),
            (Station::Underlay, Place::Link(peer.packets("eth0"))),
            (Station::Host, Place::Socket(lab.udp_socket("0.0.0.0:7000"))),
        ];
        let address = "cat /sys/class/net/eth0/address";
        let bridge = lab.ok(&format!("cat /sys/class/net/{BRIDGE}/address"));
        Self {
            lab,
            places: guests.chain(others).collect(),
            links: Links {
                bridge: mac(bridge.trim()),
                vtep: mac(lab.ok(address).trim()),
                underlay: mac(peer.run(address).ok().trim()),
            },
            honest: peer.udp_socket("172.16.0.32:0"),
            marks: Cell::new(0),
        }
    }

    /// Sends the row's frame, then a mark that is allowed, and waits for that: whether the frame has
    /// arrived by then. No connection is there before, and the bridges know nobody.
    pub(crate) fn arrives(&self, row: &Row) -> bool {
        self.lab.ok(&format!(
            "conntrack -F 2>/dev/null
             for bridge in {BRIDGE} {OTHER_BRIDGE}; do ip link set $bridge type bridge fdb_flush; done"
        ));
        for (number, before) in row.before.iter().enumerate() {
            let id = format!("{}, before {number}", row.id);
            let frame = self.frame(before.from, &id, &before.send);
            self.send(before.from, &frame.pieces);
        }
        while self.receive(row.to, Duration::ZERO, |_| true) {}
        let frame = self.frame(row.from, &row.id, &row.send);
        self.send(row.from, &frame.pieces);
        let seen = Cell::new(false);
        let mark = self.mark(row, |received| {
            let counts = row.to != Station::Underlay || !is_tunnelled(received);
            seen.set(seen.get() || counts && frame.is(received));
        });
        assert!(mark, "{}: the mark that follows must arrive", row.id);
        seen.get()
    }

    fn frame(&self, station: Station, id: &str, words: &str) -> Frame {
        let links = &self.links;
        let sender = Sender { station, links, id };
        sender
            .frame(words)
            .unwrap_or_else(|error| panic!("{error}"))
    }

    fn send(&self, from: Station, pieces: &[Vec<u8>]) {
        for piece in pieces {
            match &self.places[&from] {
                Place::Tap(tap) => tap.send(piece),
                Place::Link(link) => link.send(piece),
                Place::Socket(_) => panic!("the host's socket only listens"),
            }
        }
    }

    /// Sends what must arrive, the frame's own way where it can, and waits for it; shows all that
    /// the row's receiver gets meanwhile.
    fn mark(&self, row: &Row, seen: impl Fn(&[u8])) -> bool {
        self.marks.set(self.marks.get() + 1);
        let words = format!("mark {:05}", self.marks.get());
        let is_mark = |frame: &[u8]| frame.ends_with(words.as_bytes());
        let wanted = |frame: &[u8]| {
            seen(frame);
            is_mark(frame)
        };
        if row.to == Station::Host {
            self.honest.send_to(words.as_bytes(), SERVICE).unwrap();
            return self.receive(row.to, SOON, wanted);
        }
        let (from, to) = way_of_mark(row.from, row.to);
        let end = from.end().expect("who sends a mark has an address");
        // Everybody on the network gets it, wherever the bridge believes them to be.
        let nobody = frames::end("00:00:00:00:00:00", "192.168.101.250");
        let mark = frames::arp_request(end.mac, end, nobody);
        assert_eq!(mark[..6], BROADCAST);
        self.send(from, &[[&mark[..], words.as_bytes()].concat()]);
        if to == row.to {
            return self.receive(to, SOON, wanted);
        }
        let arrived = self.receive(to, SOON, is_mark);
        while self.receive(row.to, Duration::ZERO, |frame| {
            seen(frame);
            true
        }) {}
        arrived
    }

    /// Whether a wanted frame comes in time.
    fn receive(&self, at: Station, limit: Duration, wanted: impl Fn(&[u8]) -> bool) -> bool {
        match &self.places[&at] {
            Place::Tap(tap) => tap.receive(limit, wanted).is_some(),
            Place::Link(link) => link.receive(limit, wanted).is_some(),
            Place::Socket(socket) => datagram(socket, limit, wanted),
        }
    }
}

/// Each CPU has a queue of its own for what a virtual link takes: in one queue, a mark does not
/// overtake the frame before it.
fn stay_on_one_cpu() {
    let mut cpus = CpuSet::new();
    cpus.set(sched_getcpu().unwrap()).unwrap();
    sched_setaffinity(Pid::from_raw(0), &cpus).unwrap();
}

/// Whether this is a packet of the tunnel: what it carries is not beside the tunnel.
fn is_tunnelled(frame: &[u8]) -> bool {
    frame[12..14] == [0x08, 0x00] && frame.get(36..38) == Some(&8472_u16.to_be_bytes())
}

fn datagram(socket: &UdpSocket, limit: Duration, wanted: impl Fn(&[u8]) -> bool) -> bool {
    let deadline = Instant::now() + limit;
    let mut bytes = [0; 2048];
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let timeout = left.max(Duration::from_micros(1));
        socket.set_read_timeout(Some(timeout)).unwrap();
        match socket.recv(&mut bytes) {
            Ok(count) if wanted(&bytes[..count]) => return true,
            Err(_) if left.is_zero() => return false,
            _ => {}
        }
    }
}

/// A mark goes the frame's own way, if marks pass there; otherwise another station sends to the same
/// receiver, or somebody on the receiver's network gets it. A bridge has done with a frame before it
/// takes the next.
fn way_of_mark(from: Station, to: Station) -> (Station, Station) {
    let receiver = match (from, to) {
        (Station::Peer, Station::Stranger) => Station::Web1,
        (_, Station::Stranger) => Station::Peer,
        _ => to,
    };
    let home = match receiver.network() {
        Network::Other if receiver == Station::PeerOther => Station::Other,
        Network::Other => Station::PeerOther,
        // What leaves through the tunnel passes the underlay.
        _ if receiver == Station::Peer || receiver == Station::Underlay => Station::Web1,
        _ => Station::Peer,
    };
    let closed = matches!(from, Station::Stranger | Station::Any | Station::Underlay);
    if closed || from.network() != receiver.network() {
        (home, receiver)
    } else {
        (from, receiver)
    }
}
