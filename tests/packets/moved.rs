//! A tap that somebody moves to another managed bridge of the host, as `virsh update-device` does:
//! no hook is called, and all its rules stay.
//!
//! ```text
//!   moved ── tap ─ ─ brqc08e7dcd-4a ── vxlan-267 ══╗
//!              ╲                                  eth0   the peer, on both networks
//!               ╲─── brq2222aaaa-11 ── vxlan-268 ══╝
//!   web2 ── tap ───╱
//! ```

use std::fmt;
use std::sync::Arc;

use super::*;
use crate::support::Lab;

const MOVED_TAP: &str = "tap1b2c3d4e-27";
/// The number of the other network, zone 4098, as nft writes a priority.
const OTHER_NUMBER: &str = "0:1002";

/// The port that may send from any address, so that no rule of its own is in the way.
fn moved() -> End {
    end("fa:16:3e:be:71:27", "192.168.101.77")
}

fn moved_v6() -> End {
    end("fa:16:3e:be:71:27", "2001:db8:101::77")
}

/// The peer's end of the other network.
fn peer_there() -> End {
    end("fa:16:3e:00:02:01", "192.168.101.1")
}

fn peer_there_v6() -> End {
    end("fa:16:3e:00:02:01", "2001:db8:101::1")
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Station {
    Moved,
    Web2,
    Peer,
}

use Station::{Moved, Peer as Tunnel, Web2};

struct Line {
    from: Station,
    to: Station,
    what: &'static str,
    frame: Vec<u8>,
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { from, to, what, .. } = self;
        write!(f, "{from:?} sends {what} to {to:?}")
    }
}

/// Every kind of frame that members may exchange, each way.
fn frames_of(from: (Station, [End; 2]), to: (Station, [End; 2])) -> [Line; 7] {
    let ((sender, [v4, v6]), (receiver, [to_v4, to_v6])) = (from, to);
    let all = End {
        mac: BROADCAST,
        ip: "192.168.101.255".parse().unwrap(),
    };
    let all_v6 = frames::multicast("ff02::1");
    let kinds = [
        ("a ping", frames::echo_request(v4, to_v4)),
        ("a ping over IPv6", frames::echo_request(v6, to_v6)),
        ("a ping to all", frames::echo_request(v4, all)),
        ("a ping to all over IPv6", frames::echo_request(v6, all_v6)),
        ("an ARP request", frames::arp_request(v4.mac, v4, to_v4)),
        ("an ARP reply", frames::arp_reply(v4.mac, v4, to_v4)),
        ("RARP", frames::rarp(v4.mac, v4.mac)),
    ];
    kinds.map(|(what, frame)| Line {
        from: sender,
        to: receiver,
        what,
        frame,
    })
}

/// The moved port and everybody on the other network, both ways.
fn across() -> Vec<Line> {
    let moved = || (Moved, [moved(), moved_v6()]);
    let others = [
        (Web2, [web2(), web2_v6()]),
        (Tunnel, [peer_there(), peer_there_v6()]),
    ];
    let both = |other| [frames_of(moved(), other), frames_of(other, moved())];
    others.into_iter().flat_map(both).flatten().collect()
}

/// Who is on the other network.
struct There {
    moved: Arc<Tap>,
    web2: Arc<Tap>,
    peer: Packets,
}

impl There {
    fn send(&self, from: Station, frame: &[u8]) {
        match from {
            Moved => self.moved.send(frame),
            Web2 => self.web2.send(frame),
            Tunnel => self.peer.send(frame),
        }
    }

    fn receive(&self, at: Station, limit: Duration, wanted: &[u8]) -> bool {
        let wanted = |frame: &[u8]| frame.starts_with(wanted);
        match at {
            Moved => self.moved.receive(limit, wanted),
            Web2 => self.web2.receive(limit, wanted),
            Tunnel => self.peer.receive(limit, wanted),
        }
        .is_some()
    }

    /// Whether the frame arrives. Right after it comes a ping between the two that are at home
    /// here; the bridge has done with a frame before it takes the next, so when the ping has
    /// arrived the frame would have, too.
    fn arrives(&self, line: &Line, number: u16) -> bool {
        let seen = |at, limit| self.receive(at, limit, &line.frame);
        self.send(line.from, &line.frame);
        let (from, to) = match line.to {
            Web2 => (Tunnel, Web2),
            _ if line.from == Tunnel => (Tunnel, Web2),
            _ => (Web2, Tunnel),
        };
        let home = |station| {
            if station == Web2 {
                web2()
            } else {
                peer_there()
            }
        };
        let mark = frames::numbered_ping(home(from), home(to), number);
        self.send(from, &mark);
        if line.to == to {
            let first = self.first(to, &line.frame, &mark);
            assert!(
                !first || self.receive(to, SOON, &mark),
                "{line}: the ping that follows must arrive"
            );
            return first;
        }
        assert!(
            self.receive(to, SOON, &mark),
            "{line}: the ping that follows must arrive"
        );
        seen(line.to, Duration::ZERO)
    }

    /// Whether the first of the two comes before the second.
    fn first(&self, at: Station, frame: &[u8], mark: &[u8]) -> bool {
        let either = |it: &[u8]| it.starts_with(frame) || it.starts_with(mark);
        let got = match at {
            Moved => self.moved.receive(SOON, either),
            Web2 => self.web2.receive(SOON, either),
            Tunnel => self.peer.receive(SOON, either),
        };
        got.expect("the frame or the ping arrives")
            .starts_with(frame)
    }

    fn passing(&self, first: u16) -> Vec<String> {
        let lines = across();
        let lines = lines.iter().zip(first..);
        let passing = lines.filter(|(line, number)| self.arrives(line, *number));
        passing.map(|(line, _)| line.to_string()).collect()
    }
}

/// libvirt takes the tap off its bridge and puts it on the other one.
fn move_to(lab: &Lab, bridge: &str) {
    lab.ok(&format!(
        "ip link set {MOVED_TAP} nomaster; ip link set {MOVED_TAP} master {bridge}"
    ));
}

/// The guest and the peer of its own network hear each other.
fn is_at_home(tap: &Tap, peer: &Packets, number: u16) {
    let out = frames::numbered_ping(moved(), peer_v4(), number);
    let back = frames::numbered_ping(peer_v4(), moved(), number);
    tap.send(&out);
    assert!(peer.receive(SOON, |frame| frame == out).is_some());
    peer.send(&back);
    assert!(tap.receive(SOON, |frame| frame == back).is_some());
}

#[test]
fn a_tap_that_is_moved_to_another_managed_bridge_is_closed_there_from_its_first_frame() {
    let lab = Lab::new();
    let peer = start_host(&lab);
    let own = Nic::new(BRIDGE, MOVED_TAP, "fa:16:3e:be:71:27");
    let neighbour = Nic::new(OTHER_BRIDGE, "tap5c1d2e3f-89", "fa:16:3e:be:71:22");
    let (_moved, moved_tap) = boot(&lab, "moved", own);
    let (_web2, web2_tap) = boot(&lab, "web2", neighbour);
    let home = peer.packets("vxlan-267");
    let there = There {
        moved: Arc::clone(&moved_tap),
        web2: web2_tap,
        peer: peer.packets("vxlan-268"),
    };
    is_at_home(&moved_tap, &home, 1);

    // It speaks all the time, before, while and after it is moved.
    let word = frames::arp_request(moved().mac, moved(), peer_there());
    let speaking = moved_tap.flood(word.clone());
    let plug = lab.packets(MOVED_TAP);
    move_to(&lab, OTHER_BRIDGE);
    while plug.receive(Duration::ZERO, |_| true).is_some() {}
    assert!(plug.receive(SOON, |frame| frame == word).is_some());
    assert_eq!(there.passing(10), [""; 0], "these cross");
    for station in [Web2, Tunnel] {
        assert!(!there.receive(station, Duration::ZERO, &word));
    }
    drop(speaking);

    // Whatever value somebody else gave its frames: it counts for nothing.
    lab.ok(&format!(
        "nft 'table bridge somebody {{
            chain early {{
                type filter hook prerouting priority -400
                meta priority set {OTHER_NUMBER}
            }}
        }}'"
    ));
    assert_eq!(there.passing(100), [""; 0], "these cross");
    lab.ok(&format!(
        "nft 'delete element bridge vmhook networks {{ {MOVED_TAP} : 0:1001 }}'"
    ));
    assert_eq!(there.passing(200), [""; 0], "these cross without a number");
    lab.ok(&format!(
        "nft 'add element bridge vmhook networks {{ {MOVED_TAP} : 0:1001 }}'"
    ));

    move_to(&lab, BRIDGE);
    is_at_home(&moved_tap, &home, 2);

    move_to(&lab, OTHER_BRIDGE);
    lab.ok("nft flush chain bridge vmhook from_member");
    assert_eq!(
        there.passing(300).len(),
        across().len(),
        "the chain alone was in the way"
    );
}

/// No queue takes a network's number for one of its classes; other bridges' frames are not touched.
#[test]
fn a_frame_between_members_leaves_without_priority_and_any_other_with_its_own() {
    let lab = Lab::new();
    let peer = start_host(&lab);
    let own = Nic::new(BRIDGE, MOVED_TAP, "fa:16:3e:be:71:27");
    let (_moved, tap) = boot(&lab, "moved", own);
    let home = peer.packets("vxlan-267");
    lab.ok("ip link add brforeign type bridge; ip link set brforeign up");
    let foreign = lab.tap_on("brforeign", "foreign0", STRANGER);
    let other = lab.tap_on("brforeign", "foreign1", "fa:16:3e:55:55:56");
    lab.ok(r#"nft 'table bridge somebody {
            chain early {
                type filter hook prerouting priority -400
                meta priority set 7:7
            }
            chain late {
                type filter hook postrouting priority 300
                oifname "foreign1" meta priority != 7:7 drop
                oifname != "foreign1" meta priority != none drop
            }
        }'"#);
    is_at_home(&tap, &home, 1);
    let word = frames::of_type(stranger().mac, BROADCAST, 0x88b5, b"anything at all");
    foreign.send(&word);
    assert!(other.receive(SOON, |frame| frame == word).is_some());

    lab.ok("nft flush chain bridge vmhook from_member");
    let lost = frames::numbered_ping(moved(), peer_v4(), 2);
    let seen = frames::numbered_ping(moved(), peer_v4(), 3);
    tap.send(&lost);
    lab.ok("nft delete table bridge somebody");
    tap.send(&seen);
    let first = home.receive(SOON, |frame| frame == lost || frame == seen);
    assert_eq!(first, Some(seen), "the witness sees priorities");
}
