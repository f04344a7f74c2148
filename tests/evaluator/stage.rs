//! A configuration's machines on a real kernel, behind what the real programs make of it.
//!
//! The test is libvirt, every machine, and the host at the other end of the tunnel: it sends and gets
//! their frames, in and out of taps, and wrapped in VXLAN on the underlay's wire.
//!
//! ```text
//!   machine ─ tap ─┐
//!   machine ─ tap ─┴ brqevaluated-0 ─ vxlan-300 ┐
//!   machine ─ tap ── brqevaluated-1 ─ vxlan-301 ┴ eth0 ══ wire   the peer
//! ```

use std::cell::Cell;
use std::collections::BTreeSet;
use std::time::Duration;

use crate::configuration::{Configuration, Mac, bridge, vni};
use crate::packet::{Content, Packet, Station};
use crate::support::call::assert_silent;
use crate::support::frames::{self, End};
use crate::support::netns::run;
use crate::support::{Packets, Tap, World};

/// Long enough for any frame on a loaded machine.
const SOON: Duration = Duration::from_secs(20);

/// The peer's Ethernet address on the underlay: nobody's, so that only the test takes what goes there.
const PEERS_MAC: &str = "02:00:00:00:00:32";

/// Everybody's ends.
pub(crate) struct Stage {
    taps: Vec<Tap>,
    wire: Packets,
    own_end: End,
    peers_end: End,
    marks: Cell<u32>,
}

impl Stage {
    /// Starts all machines of a configuration.
    pub(crate) fn set(world: &World, configuration: &Configuration) -> Self {
        world.configure(&configuration.toml());
        run(&format!(
            "ip neighbour add 172.16.0.32 lladdr {PEERS_MAC} dev eth0"
        ));
        let mut taps = Vec::new();
        for (number, port) in configuration.ports.iter().enumerate() {
            let call = |operation: &str| {
                let name = format!("vm{number}");
                let words = ["qemu", &name, operation, "begin", "-"];
                assert_silent(&world.call_with(&words, port.xml(number).into_bytes()).end());
            };
            call("prepare");
            let mac = port.mac.to_string();
            taps.push(world.tap_on(&bridge(port.network), &port.tap, &mac));
            call("start");
        }
        let link = run("ip -oneline link show eth0");
        let own = link.split("link/ether ").nth(1).expect("it has an address");
        Self {
            taps,
            wire: world.packets("wire"),
            own_end: frames::end(&own[..17], "172.16.0.31"),
            peers_end: frames::end(PEERS_MAC, "172.16.0.32"),
            marks: Cell::new(0),
        }
    }

    /// Sends a packet, then a mark that everybody on the network gets; who of all got the packet.
    ///
    /// The mark is a RARP announcement, as QEMU sends it: any machine may send that, whatever its
    /// addresses and groups are. It goes the packet's way, so whoever has it has the packet or never will.
    pub(crate) fn send(
        &self,
        packet: &Packet,
        number: u32,
        everybody: &BTreeSet<Station>,
        mark: &Packet,
    ) -> BTreeSet<Station> {
        let (frame, mark) = (packet.frame(number), mark.frame(self.marks.get()));
        self.marks.set(self.marks.get() + 1);
        self.put(packet.from, &frame);
        self.put(packet.from, &mark);
        let others = everybody.iter().filter(|station| **station != packet.from);
        let got = others.filter(|station| {
            let seen = Cell::new(false);
            let marked = self.get(**station, SOON, |it| {
                seen.set(seen.get() || it == frame);
                it == mark
            });
            assert!(marked, "{station:?} must get the mark behind {packet:?}");
            seen.get()
        });
        got.copied().collect()
    }

    /// Whether anything of these is still there for somebody, once nothing more is sent.
    pub(crate) fn has_got(&self, station: Station, frame: &[u8]) -> bool {
        self.get(station, Duration::ZERO, |it| it == frame)
    }

    fn put(&self, station: Station, frame: &[u8]) {
        match station {
            Station::Machine(number) => self.taps[number].send(frame),
            Station::Peer(network) => {
                let head = [&[8, 0, 0, 0][..], &vni(network).to_be_bytes()[1..], &[0]].concat();
                let inner = [&head[..], frame].concat();
                let ends = (self.peers_end, self.own_end);
                self.wire
                    .send(&frames::udp(ends.0, ends.1, (50000, 8472), &inner));
            }
        }
    }

    fn get(&self, station: Station, limit: Duration, wanted: impl Fn(&[u8]) -> bool) -> bool {
        match station {
            Station::Machine(number) => self.taps[number].receive(limit, wanted),
            Station::Peer(network) => self
                .wire
                .receive(limit, |outer| inner(outer, network).is_some_and(&wanted)),
        }
        .is_some()
    }
}

/// What a frame on the wire carries to the peer on this network.
fn inner(outer: &[u8], network: usize) -> Option<&[u8]> {
    const IP: usize = 14;
    const UDP: usize = IP + 20;
    const VXLAN: usize = UDP + 8;
    let is_vxlan = outer.get(12..14)? == [8, 0]
        && outer.get(IP + 16..UDP)? == [172, 16, 0, 32]
        && outer.get(UDP + 2..UDP + 4)? == 8472_u16.to_be_bytes()
        && outer.get(VXLAN + 4..VXLAN + 7)? == &vni(network).to_be_bytes()[1..];
    is_vxlan.then(|| &outer[VXLAN + 8..])
}

/// The mark behind a packet of this station.
pub(crate) fn mark(configuration: &Configuration, from: Station) -> Packet {
    let source = match from {
        Station::Machine(number) => configuration.ports[number].mac,
        Station::Peer(_) => Mac([0xfa, 0x16, 0x3e, 0, 1, 0xff]),
    };
    Packet {
        from,
        source,
        destination: Mac([0xff; 6]),
        tag: None,
        content: Content::Rarp { subject: source },
    }
}
