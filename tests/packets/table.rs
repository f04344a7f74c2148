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
    from: Station,
    what: &'static str,
    frame: Vec<u8>,
    to: Station,
    verdict: Verdict,
}

/// Who sends, what, to whom, and what becomes of it.
pub(crate) fn line(
    from: Station,
    what: &'static str,
    frame: Vec<u8>,
    to: Station,
    verdict: Verdict,
) -> Line {
    Line {
        from,
        what,
        frame,
        to,
        verdict,
    }
}

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

/// Three stations on one network.
struct Scene {
    web1: Arc<Tap>,
    web2: Arc<Tap>,
    peer: Packets,
    marks: Cell<u16>,
}

impl Scene {
    /// Sends the frame, then one that is allowed on the same way, and waits for that: whether the
    /// first has arrived before it.
    fn arrives(&self, line: &Line) -> bool {
        let mark = self.mark(line.from, line.to);
        self.send(line.from, &line.frame);
        self.send(line.from, &mark);
        let seen = Cell::new(false);
        let arrived = self.receive(line.to, |frame| {
            seen.set(seen.get() || is(frame, &line.frame));
            is(frame, &mark)
        });
        assert!(arrived, "{line}: the ping that follows must arrive");
        seen.get()
    }

    fn mark(&self, from: Station, to: Station) -> Vec<u8> {
        self.marks.set(self.marks.get() + 1);
        frames::numbered_ping(address(from), address(to), self.marks.get())
    }

    fn send(&self, from: Station, frame: &[u8]) {
        match from {
            Station::Web1 => self.web1.send(frame),
            Station::Web2 => self.web2.send(frame),
            Station::Peer => self.peer.send(frame),
        }
    }

    fn receive(&self, at: Station, wanted: impl Fn(&[u8]) -> bool) -> bool {
        match at {
            Station::Web1 => self.web1.receive(SOON, wanted),
            Station::Web2 => self.web2.receive(SOON, wanted),
            Station::Peer => self.peer.receive(SOON, wanted),
        }
        .is_some()
    }
}

fn address(station: Station) -> End {
    match station {
        Station::Web1 => web1(),
        Station::Web2 => web2(),
        Station::Peer => peer_v4(),
    }
}

/// Whether this is that frame, with or without its tags: a packet socket shows the outermost apart.
pub(crate) fn is(received: &[u8], sent: &[u8]) -> bool {
    frames::untagged(received).starts_with(&frames::untagged(sent))
}
