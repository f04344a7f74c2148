//! Fragments of IPv6 from a guest. The guard sees each by itself, before the kernel puts them together.

use super::*;

fn guest(ip: &str) -> End {
    end("fa:16:3e:be:71:22", ip)
}

/// What a guest must not say, whole.
fn forged() -> [Vec<u8>; 3] {
    const ADVERTISEMENT: u8 = 136;
    const REDIRECT: u8 = 137;
    const ROUTER_ADVERTISEMENT: u8 = 134;
    [ADVERTISEMENT, REDIRECT, ROUTER_ADVERTISEMENT].map(|kind| {
        let body = [about("2001:db8:101::1"), vec![0; 16]].concat();
        let from = guest("fe80::f816:3eff:febe:7122");
        frames::icmpv6(from, frames::multicast("ff02::1"), kind, &body)
    })
}

/// What comes of such a frame in two fragments, the first with so many bytes: how many frames.
fn arrive(guest: &Tap, there: &Packets, (frame, first): (&[u8], u16)) -> usize {
    let mark = frames::echo_request(web2(), peer_v4());
    for fragment in frames::fragments(frame, first) {
        guest.send(&fragment);
    }
    guest.send(&mark);
    let until = || there.receive(SOON, |it| it == mark || it[6..14] == frame[6..14]);
    std::iter::from_fn(until)
        .take_while(|it| *it != mark)
        .count()
}

/// Behind an extension header of eight bytes the first fragment may end before the message's type: in
/// no fragment the guard then sees what it is.
#[test]
fn a_guest_hides_no_advertisement_in_fragments() {
    let lab = Lab::new();
    let peer = start_host(&lab);
    let (_web2, tap) = boot(&lab, "web2", web2_nic());
    let there = peer.packets("vxlan-267");
    for whole in forged() {
        let behind = frames::behind_extension(60, &whole);
        for pieces in [(&whole[..], 8), (&behind, 8), (&behind, 16)] {
            assert_eq!(arrive(&tap, &there, pieces), 0, "{pieces:02x?}");
        }
    }
    let honest = frames::udp(web2_v6(), peer_v6(), (4000, 53), &[0x55; 40]);
    let behind = frames::behind_extension(60, &honest);
    assert_ne!(arrive(&tap, &there, (&honest, 16)), 0, "fragments pass");
    assert_eq!(
        arrive(&tap, &there, (&behind, 16)),
        0,
        "not so behind options"
    );
}
