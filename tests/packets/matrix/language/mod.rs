//! The language that rows tell frames in, from the outermost header inwards, as they are on the wire:
//! `fixtures/packets/README.md` has its words. An unknown one is an error, and so is one too many.

mod body;
mod envelope;

use std::str::{FromStr, SplitWhitespace};

use super::station::{Links, Station};
use crate::frames;
use body::Body;
use envelope::Envelope;

/// A frame, in as many pieces as it goes.
#[derive(Debug)]
pub(crate) struct Frame {
    pub(crate) pieces: Vec<Vec<u8>>,
    trace: Trace,
}

/// What tells it from others where it arrives.
#[derive(Debug)]
enum Trace {
    /// The row's name, somewhere in it: headers may be others.
    Payload(Vec<u8>),
    /// All of it but tags, which a packet socket shows apart.
    Whole(Vec<u8>),
}

impl Frame {
    /// Whether these bytes are the frame, or a piece of it that nothing less brings.
    pub(crate) fn is(&self, received: &[u8]) -> bool {
        match &self.trace {
            Trace::Payload(bytes) => received.windows(bytes.len()).any(|it| it == bytes),
            Trace::Whole(frame) => frames::untagged(received).starts_with(frame),
        }
    }
}

/// Who sends, and what the frame is called.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sender<'a> {
    pub(crate) station: Station,
    pub(crate) links: &'a Links,
    pub(crate) id: &'a str,
}

impl Sender<'_> {
    /// The frame of these words.
    pub(crate) fn frame(self, text: &str) -> Result<Frame, String> {
        let mut words = Words(text.split_whitespace());
        let frame = self.whole(&mut words);
        let frame = frame.and_then(|frame| match words.0.next() {
            Some(word) => Err(format!("nothing can follow here: {word}")),
            None => Ok(frame),
        });
        frame.map_err(|error| format!("{}: {text}: {error}", self.id))
    }

    fn whole(self, words: &mut Words<'_>) -> Result<Frame, String> {
        let mut envelope = Envelope::default();
        loop {
            let word = words.next("a body")?;
            if !envelope.takes(word, words, self.links)? {
                let body = Body {
                    sender: self,
                    words,
                    envelope: &envelope,
                };
                let (frame, trace) = body.read(word)?;
                return envelope.around(&frame, trace);
            }
        }
    }

    /// What no other row's frame has in it.
    fn name(self) -> Vec<u8> {
        format!("[{}]", self.id).into_bytes()
    }

    /// So long that of two fragments the second, the shorter one, has all of the name.
    fn payload(self) -> Vec<u8> {
        [&[b'.'; 96], &self.name()[..]].concat()
    }
}

struct Words<'a>(SplitWhitespace<'a>);

impl<'a> Words<'a> {
    fn next(&mut self, what: &str) -> Result<&'a str, String> {
        self.0.next().ok_or_else(|| format!("{what} must follow"))
    }

    fn value<T: FromStr>(&mut self, what: &str) -> Result<T, String> {
        let word = self.next(what)?;
        word.parse().map_err(|_| format!("{word} is not {what}"))
    }

    fn exactly(&mut self, expected: &str) -> Result<(), String> {
        let word = self.next(expected)?;
        (word == expected)
            .then_some(())
            .ok_or_else(|| format!("{word} is where {expected} must be"))
    }

    fn number(&mut self, radix: u32, what: &str) -> Result<u16, String> {
        let word = self.next(what)?;
        let digits = word.strip_prefix("0x").unwrap_or(word);
        u16::from_str_radix(digits, radix).map_err(|_| format!("{word} is not {what}"))
    }

    fn mac(&mut self, links: &Links) -> Result<[u8; 6], String> {
        let word = self.next("an Ethernet address")?;
        let mac = links.mac(word);
        mac.ok_or_else(|| format!("{word} is no Ethernet address and has none"))
    }
}

#[test]
fn a_frame_that_is_told_wrongly_is_refused_with_the_word() {
    let links = Links::default();
    let sender = Sender {
        station: Station::Web1,
        links: &links,
        id: "row",
    };
    for (text, cause) in [
        ("", "a body must follow"),
        ("vlan five ping", "five is not a VLAN"),
        ("pong 192.168.101.88 > 192.168.101.1", "unknown: pong"),
        ("ping 192.168.101.88", "> must follow"),
        (
            "ping 192.168.101.88 - 192.168.101.1",
            "- is where > must be",
        ),
        (
            "ping 192.168.101.88 > 192.168.101.1 twice",
            "nothing can follow here: twice",
        ),
        (
            "ping 192.168.101.88 > 2001:db8:101::1",
            "192.168.101.88 and 2001:db8:101::1 are of two families",
        ),
        (
            "ping 192.168.101.88 > 192.168.101.77",
            "nobody here has 192.168.101.77: say dst",
        ),
        (
            "udp 192.168.101.88 > 192.168.101.1:53",
            "192.168.101.88 is not an address and a port",
        ),
        (
            "src nobody rarp web1",
            "nobody is no Ethernet address and has none",
        ),
        ("arp ask 192.168.101.1", "unknown after arp: ask"),
        ("dhcp offer 192.168.101.1:67", "unknown after dhcp: offer"),
        (
            "routing ping 192.168.101.88 > 192.168.101.1",
            "extension headers are IPv6's",
        ),
        ("fragments rarp web1", "fragments are IP's"),
        ("ethertype IPX", "IPX is not an ethertype"),
    ] {
        let error = sender.frame(text).unwrap_err();
        assert_eq!(error, format!("row: {text}: {cause}"));
    }
}
