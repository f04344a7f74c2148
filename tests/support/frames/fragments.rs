//! IP packets in pieces.

use std::ops::Range;

use etherparse::{IpFragOffset, Ipv4Header};

/// The IP packet of a frame in two fragments, so many bytes behind the IP header in the first. What is
/// in the first, an extension header too, need not tell what is in the second.
pub fn fragments(frame: &[u8], first: u16) -> [Vec<u8>; 2] {
    let cut = usize::from(first);
    [fragment(frame, 0..cut), fragment(frame, cut..usize::MAX)]
}

/// One fragment of the IP packet of a frame: these bytes of what follows the IP header. All fragments
/// of one packet have its identification, those of another packet another.
pub fn fragment(frame: &[u8], part: Range<usize>) -> Vec<u8> {
    let (ethernet, packet) = frame.split_at(14);
    let is_v4 = packet[0] >> 4 == 4;
    let (header, content) = packet.split_at(if is_v4 { 20 } else { 40 });
    let place = Place {
        identification: sum(content),
        offset: u16::try_from(part.start).expect("a short packet"),
        more: part.end < content.len(),
    };
    let content = &content[part.start..part.end.min(content.len())];
    let headers = if is_v4 {
        v4(header, place, content)
    } else {
        v6(header, place, content)
    };
    [ethernet, &headers, content].concat()
}

/// Which piece of which packet.
#[derive(Clone, Copy)]
struct Place {
    identification: u16,
    /// In bytes, always in eights.
    offset: u16,
    more: bool,
}

/// Different for packets that are.
fn sum(content: &[u8]) -> u16 {
    let add = |sum: u16, byte: &u8| sum.wrapping_mul(31).wrapping_add(u16::from(*byte));
    content.iter().fold(0, add)
}

/// The header of a fragment (RFC 791).
fn v4(header: &[u8], place: Place, content: &[u8]) -> Vec<u8> {
    let mut header = Ipv4Header::from_slice(header).expect("an IPv4 header").0;
    header.identification = place.identification;
    header.dont_fragment = false;
    header.more_fragments = place.more;
    header.fragment_offset = IpFragOffset::try_new(place.offset / 8).expect("a short packet");
    let length = header.set_payload_len(content.len());
    length.expect("a short packet");
    header.header_checksum = header.calc_header_checksum();
    header.to_bytes().to_vec()
}

/// The headers of a fragment (RFC 8200, section 4.5).
fn v6(header: &[u8], place: Place, content: &[u8]) -> Vec<u8> {
    const FRAGMENT: u8 = 44;
    let length = u16::try_from(content.len() + 8).expect("a short packet");
    let length = length.to_be_bytes();
    let [high, low] = (place.offset | u16::from(place.more)).to_be_bytes();
    let [a, b] = place.identification.to_be_bytes();
    let extension = [header[6], 0, high, low, 0, 0, a, b];
    let (version, addresses) = (&header[..4], &header[7..]);
    [version, &length, &[FRAGMENT], addresses, &extension].concat()
}
