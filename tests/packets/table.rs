//! Tables of frames, each with its verdict.

use std::cell::Cell;
use std::fmt;
use std::sync::Arc;

use super::*;

/// Who sends or gets a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Station {
    /// A guest with IPv4 alone.
    Web1,
    /// A guest with both families.
    Web2,
    /// A port of the bridge that nobody knows.
    Stranger,
    /// The other host, through the tunnel.
    Peer,
}

/// What becomes of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It arrives.
    Passes,
    /// The security group's rules refuse it, as Neutron's do.
    Refused,
    /// Only the guard refuses it: once its table is gone, it arrives.
    Guarded,
}

/// One line of a table.
#[derive(Debug, Clone)]
pub(crate) struct Line {
    pub(crate) from: Station,
    pub(crate) what: &'static str,
    pub(crate) frame: Vec<u8>,
    pub(crate) to: Station,
    pub(crate) verdict: Verdict,
}

/// Who sends to whom, what becomes of it, and what it is: in words, and as a frame.
macro_rules! table {
    ($($from:ident -> $to:ident $verdict:ident: $what:literal, $frame:expr;)+) => {
        &[$($crate::table::Line {
            from: $crate::table::Station::$from,
            what: $what,
            frame: $frame,
            to: $crate::table::Station::$to,
            verdict: $crate::table::Verdict::$verdict,
        }),+]
    };
}
pub(crate) use table;

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            from,
            what,
            to,
            verdict,
            ..
        } = self;
        write!(f, "{from:?} sends {what} to {to:?}: {verdict:?}")
    }
}

/// Checks every line of a table on one host; then, with the guard's table gone, that those frames
/// arrive which it alone refuses.
pub(crate) fn check(table: &[Line]) {
    let lab = Lab::new();
    let peer = start_host(&lab);
    let (_web1, tap1) = boot(&lab, "web1", web1_nic());
    let (_web2, tap2) = boot(&lab, "web2", web2_nic());
    let scene = Scene {
        web1: tap1,
        web2: tap2,
        stranger: lab.tap_on(BRIDGE, "tapstranger", STRANGER),
        peer: peer.packets("vxlan-267"),
        marks: Cell::new(0),
    };
    let wrong = |arrives: fn(Verdict) -> bool| -> Vec<String> {
        let lines = table.iter();
        lines
            .filter(|line| scene.arrives(line) != arrives(line.verdict))
            .map(Line::to_string)
            .collect()
    };
    let guarded = wrong(|verdict| verdict == Verdict::Passes);
    assert_eq!(guarded, [""; 0], "these frames fare otherwise");
    lab.ok("nft delete table bridge vmhook");
    let unguarded = wrong(|verdict| verdict != Verdict::Refused);
    assert_eq!(unguarded, [""; 0], "these fare otherwise without the guard");
}

/// All stations on one network.
struct Scene {
    web1: Arc<Tap>,
    web2: Arc<Tap>,
    stranger: Tap,
    peer: Packets,
    marks: Cell<u16>,
}

impl Scene {
    /// Sends the frame, then a ping that is allowed, and waits for that: whether the first has
    /// arrived by then.
    fn arrives(&self, line: &Line) -> bool {
        let (from, to) = way_of_mark(line);
        self.marks.set(self.marks.get() + 1);
        let mark = frames::numbered_ping(address(from), address(to), self.marks.get());
        self.send(line.from, &line.frame);
        self.send(from, &mark);
        let seen = Cell::new(false);
        let arrived = self.receive(to, SOON, |frame| {
            seen.set(seen.get() || is(frame, &line.frame));
            is(frame, &mark)
        });
        assert!(arrived, "{line}: the ping that follows must arrive");
        let here = |frame: &[u8]| is(frame, &line.frame);
        if line.to == to {
            seen.get()
        } else {
            self.receive(line.to, Duration::ZERO, here)
        }
    }

    fn send(&self, from: Station, frame: &[u8]) {
        match from {
            Station::Web1 => self.web1.send(frame),
            Station::Web2 => self.web2.send(frame),
            Station::Stranger => self.stranger.send(frame),
            Station::Peer => self.peer.send(frame),
        }
    }

    fn receive(&self, at: Station, limit: Duration, wanted: impl Fn(&[u8]) -> bool) -> bool {
        match at {
            Station::Web1 => self.web1.receive(limit, wanted),
            Station::Web2 => self.web2.receive(limit, wanted),
            Station::Stranger => self.stranger.receive(limit, wanted),
            Station::Peer => self.peer.receive(limit, wanted),
        }
        .is_some()
    }
}

/// The ping goes the frame's own way. No frame may come from a stranger or go there: in its place
/// another station sends to the same receiver, or gets from the same sender. The bridge has done
/// with a frame before it takes the next.
fn way_of_mark(line: &Line) -> (Station, Station) {
    match (line.from, line.to) {
        (Station::Stranger, Station::Web1) => (Station::Web2, Station::Web1),
        (Station::Stranger, to) => (Station::Web1, to),
        (Station::Peer, Station::Stranger) => (Station::Peer, Station::Web1),
        (from, Station::Stranger) => (from, Station::Peer),
        way => way,
    }
}

fn address(station: Station) -> End {
    match station {
        Station::Web1 => web1(),
        Station::Web2 => web2(),
        Station::Stranger => stranger(),
        Station::Peer => peer_v4(),
    }
}

/// Whether this is that frame, with or without its tags: a packet socket shows the outermost apart.
fn is(received: &[u8], sent: &[u8]) -> bool {
    frames::untagged(received).starts_with(&frames::untagged(sent))
}
