//! Whether a frame arrives, on whatever way: behind it a ping is sent that does in any case.

use std::cell::Cell;

use super::*;

/// Where frames go in and come out.
#[derive(Clone, Copy)]
pub(crate) enum Link<'a> {
    Guest(&'a Tap),
    Tunnel(&'a Packets),
}

impl Link<'_> {
    fn send(self, frame: &[u8]) {
        match self {
            Self::Guest(tap) => tap.send(frame),
            Self::Tunnel(packets) => packets.send(frame),
        }
    }

    fn receive(self, wanted: impl Fn(&[u8]) -> bool) -> bool {
        match self {
            Self::Guest(tap) => tap.receive(SOON, wanted),
            Self::Tunnel(packets) => packets.receive(SOON, wanted),
        }
        .is_some()
    }
}

/// One end of a way: the link, and who sends and gets the pings that always arrive.
pub(crate) type At<'a> = (Link<'a>, End);

thread_local! {
    static PINGS: Cell<u16> = const { Cell::new(0) };
}

/// Whether a frame arrives; a ping that follows on its way does in any case.
pub(crate) fn arrives((from, own): At<'_>, (to, other): At<'_>, frame: &[u8]) -> bool {
    let number = PINGS.get() + 1;
    PINGS.set(number);
    let ping = frames::numbered_ping(own, other, number);
    from.send(frame);
    from.send(&ping);
    let seen = Cell::new(false);
    let marked = to.receive(|it| {
        let bare = frames::untagged(it);
        seen.set(seen.get() || bare.starts_with(&frames::untagged(frame)));
        it.starts_with(&ping)
    });
    assert!(marked, "the ping that follows must arrive");
    seen.get()
}

/// Which of these frames arrive.
pub(crate) fn passing(
    from: At<'_>,
    to: At<'_>,
    frames: &[(&'static str, Vec<u8>)],
) -> Vec<&'static str> {
    let passing = frames.iter().filter(|(_, frame)| arrives(from, to, frame));
    passing.map(|(what, _)| *what).collect()
}

pub(crate) fn names(frames: &[(&'static str, Vec<u8>)]) -> Vec<&'static str> {
    frames.iter().map(|(what, _)| *what).collect()
}
