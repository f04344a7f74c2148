//! Frames whose headers lie about themselves: what they hide goes nowhere, and the rest is what it is.

use super::*;

/// What a guest sends, in words and as a frame.
type Said = (&'static str, Vec<u8>);

fn changed(frame: &[u8], at: usize, octets: &[u8]) -> Vec<u8> {
    let mut frame = frame.to_vec();
    frame[at..at + octets.len()].copy_from_slice(octets);
    frame
}

/// The IPv4 frame with other octets in its header, and the right sum over what it then is.
fn with_header(frame: &[u8], at: usize, octets: &[u8]) -> Vec<u8> {
    let frame = changed(&changed(frame, at, octets), 24, &[0; 2]);
    let length = usize::from(frame[14] & 0x0f) * 4;
    let words = frame[14..14 + length].chunks(2);
    let sum: u32 = words
        .map(|word| u32::from(u16::from_be_bytes([word[0], word[1]])))
        .sum();
    let folded = (sum & 0xffff) + (sum >> 16);
    let [.., high, low] = (!((folded & 0xffff) + (folded >> 16))).to_be_bytes();
    changed(&frame, 24, &[high, low])
}

const VERSION: usize = 14;
const V4_LENGTH: usize = 16;
const V4_SUM: usize = 24;
const V6_LENGTH: usize = 18;
const V6_NEXT: usize = 20;

fn as_stranger() -> End {
    End {
        mac: web2().mac,
        ..stranger()
    }
}

/// What no guest may say over IPv4, and honest packets that go on as what they are.
fn v4() -> [Vec<Said>; 2] {
    let spoofed = frames::udp(as_stranger(), peer_v4(), (4000, 53), &[0x55; 64]);
    let offer = frames::udp(web2(), peer_v4(), (67, 68), &[0x55; 64]);
    let honest = frames::udp(web2(), peer_v4(), (4000, 53), &[0x55; 64]);
    let mut lies = Vec::new();
    for frame in [spoofed, offer, honest.clone()] {
        lies.extend([
            ("version 6", with_header(&frame, VERSION, &[0x65])),
            ("a header of 16", with_header(&frame, VERSION, &[0x44])),
            (
                "8 longer than it is",
                with_header(&frame, V4_LENGTH, &[0, 100]),
            ),
            ("a length of 0", with_header(&frame, V4_LENGTH, &[0, 0])),
            ("a wrong header sum", changed(&frame, V4_SUM, &[1, 2])),
            ("told as IPv6", changed(&frame, 12, &[0x86, 0xdd])),
            ("cut in its header", frame[..30].to_vec()),
            ("an Ethernet header alone", frame[..14].to_vec()),
        ]);
    }
    let rest = vec![
        (
            "nothing behind UDP",
            with_header(&honest, V4_LENGTH, &[0, 28]),
        ),
        (
            "nothing behind IP",
            with_header(&honest, V4_LENGTH, &[0, 20]),
        ),
        ("a wrong UDP sum", changed(&honest, 40, &[1, 2])),
        (
            "options of nonsense",
            with_header(&honest, VERSION, &[0x4f]),
        ),
    ];
    [lies, rest]
}

/// The same over IPv6.
fn v6() -> [Vec<Said>; 2] {
    let local = end("fa:16:3e:be:71:22", "fe80::f816:3eff:febe:7122");
    let advertisement = frames::icmpv6(local, frames::multicast("ff02::1"), 134, &[0x55; 12]);
    let honest = frames::udp(web2_v6(), peer_v6(), (4000, 53), &[0x55; 64]);
    let mut lies = Vec::new();
    for frame in [&advertisement, &honest] {
        lies.extend([
            ("version 4", changed(frame, VERSION, &[0x40])),
            ("8 longer than it is", changed(frame, V6_LENGTH, &[0, 88])),
            ("told as IPv4", changed(frame, 12, &[0x08, 0])),
            (
                "nonsense for hop-by-hop options",
                changed(frame, V6_NEXT, &[0]),
            ),
            (
                "nonsense for a fragment header",
                changed(frame, V6_NEXT, &[44]),
            ),
            ("cut in its header", frame[..40].to_vec()),
        ]);
    }
    for header in [0, 60] {
        let behind = frames::behind_extension(header, &advertisement);
        let jumbo = changed(&behind, V6_LENGTH, &[0, 0]);
        let home_address = changed(&behind, 56, &[201]);
        lies.extend([
            (
                "behind options longer than it is",
                changed(&behind, 55, &[255]),
            ),
            ("a length of 0", jumbo),
            ("behind a home address", home_address),
        ]);
    }
    let rest = vec![
        ("a length of 8", changed(&honest, V6_LENGTH, &[0, 8])),
        ("no next header", changed(&honest, V6_NEXT, &[59])),
        ("an authentication header", changed(&honest, V6_NEXT, &[51])),
    ];
    [lies, rest]
}

fn arp() -> [Vec<Said>; 2] {
    let spoofed = frames::arp_request(web2().mac, as_stranger(), peer_v4());
    let honest = frames::arp_request(web2().mac, web2(), peer_v4());
    let lies = vec![
        ("hardware of IEEE 802", changed(&spoofed, 14, &[0, 6])),
        ("hardware addresses of 8", changed(&spoofed, 18, &[8])),
        ("protocol addresses of 16", changed(&spoofed, 19, &[16])),
        ("another protocol", changed(&spoofed, 16, &[0x86, 0xdd])),
        ("inverse ARP", changed(&spoofed, 20, &[0, 8])),
    ];
    let rest = vec![
        (
            "its own, hardware of IEEE 802",
            changed(&honest, 14, &[0, 6]),
        ),
        ("its own, inverse ARP", changed(&honest, 20, &[0, 8])),
        ("its own, cut behind the sender", honest[..32].to_vec()),
    ];
    [lies, rest]
}

/// Whether something of this guest comes before the ping that is sent behind the frame.
fn comes(guest: &Tap, there: &Packets, frame: &[u8]) -> bool {
    let mark = frames::echo_request(web2(), peer_v4());
    guest.send(frame);
    guest.send(&mark);
    let next = || there.receive(SOON, |it| it[6..12] == web2().mac);
    let first = next().expect("the ping that follows must arrive");
    first != mark && next().as_ref() == Some(&mark)
}

#[test]
fn a_header_that_lies_hides_nothing() {
    let lab = Lab::new();
    let peer = start_host(&lab);
    let (_web2, guest) = boot(&lab, "web2", web2_nic());
    let there = peer.packets("vxlan-267");
    for [lies, rest] in [v4(), v6(), arp()] {
        for (what, frame) in lies {
            assert!(!comes(&guest, &there, &frame), "{what}: {frame:02x?}");
        }
        for (what, frame) in rest {
            assert!(comes(&guest, &there, &frame), "{what}: {frame:02x?}");
        }
    }
}
