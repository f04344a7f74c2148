//! What a row says before a frame's body: whose addresses, in which tags, behind which headers, in
//! how many pieces.

use super::super::station::Links;
use super::{Frame, Trace, Words};
use crate::frames;

/// What is said before the body.
#[derive(Debug, Default)]
pub(super) struct Envelope {
    pub(super) src: Option<[u8; 6]>,
    pub(super) dst: Option<[u8; 6]>,
    tags: Vec<Tag>,
    extensions: Vec<u8>,
    fragments: Option<Fragments>,
}

#[derive(Debug, Clone, Copy)]
enum Tag {
    Vlan(u16),
    ServiceVlan(u16),
}

#[derive(Debug, Clone, Copy)]
enum Fragments {
    Both,
    First,
    Later,
    Atomic,
    Nested,
    NestedLater,
}

/// Where the first fragment ends, in bytes of what follows the IP header.
const CUT: usize = 88;

impl Envelope {
    /// Whether the word is one of an envelope's.
    pub(super) fn takes(
        &mut self,
        word: &str,
        words: &mut Words<'_>,
        links: &Links,
    ) -> Result<bool, String> {
        match word {
            "src" => self.src = Some(words.mac(links)?),
            "dst" => self.dst = Some(words.mac(links)?),
            "vlan" => self.tags.push(Tag::Vlan(words.value("a VLAN")?)),
            "service-vlan" => self.tags.push(Tag::ServiceVlan(words.value("a VLAN")?)),
            "hop-by-hop" => self.extensions.push(0),
            "routing" => self.extensions.push(43),
            "destination-options" => self.extensions.push(60),
            "fragments" => self.fragments = Some(Fragments::Both),
            "first-fragment" => self.fragments = Some(Fragments::First),
            "later-fragment" => self.fragments = Some(Fragments::Later),
            "atomic-fragment" => self.fragments = Some(Fragments::Atomic),
            "nested-fragments" => self.fragments = Some(Fragments::Nested),
            "nested-later-fragment" => self.fragments = Some(Fragments::NestedLater),
            _ => return Ok(false),
        }
        Ok(true)
    }

    pub(super) fn around(&self, body: &[u8], trace: Option<Vec<u8>>) -> Result<Frame, String> {
        let mut frame = body.to_vec();
        if !self.extensions.is_empty() && frame[12..14] != [0x86, 0xdd] {
            return Err("extension headers are IPv6's".into());
        }
        for header in self.extensions.iter().rev() {
            frame = frames::behind_extension(*header, &frame);
        }
        let whole = Trace::Whole(frame.clone());
        let mut pieces = self.fragmented(&frame)?;
        for tag in self.tags.iter().rev() {
            for piece in &mut pieces {
                *piece = match tag {
                    Tag::Vlan(id) => frames::tagged(*id, piece),
                    Tag::ServiceVlan(id) => frames::service_tagged(*id, piece),
                };
            }
        }
        let trace = trace.map_or(whole, Trace::Payload);
        Ok(Frame { pieces, trace })
    }

    fn fragmented(&self, frame: &[u8]) -> Result<Vec<Vec<u8>>, String> {
        let Some(fragments) = self.fragments else {
            return Ok(vec![frame.to_vec()]);
        };
        if !matches!(frame[12..14], [0x08, 0x00] | [0x86, 0xdd]) {
            return Err("fragments are IP's".into());
        }
        let first = || frames::fragment(frame, 0..CUT);
        let later = || frames::fragment(frame, CUT..usize::MAX);
        let whole = |frame: &[u8]| frames::fragment(frame, 0..usize::MAX);
        Ok(match fragments {
            Fragments::Both => vec![first(), later()],
            Fragments::First => vec![first()],
            Fragments::Later => vec![later()],
            Fragments::Atomic => vec![whole(frame)],
            Fragments::Nested => vec![whole(&first()), whole(&later())],
            Fragments::NestedLater => vec![whole(&later())],
        })
    }
}
