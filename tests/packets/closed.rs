//! A port that nobody opened: plugged by hand, moved there, or of a machine whose hook is missing.

use super::Station::{Peer, Stranger, Web1, Web2};
use super::Verdict::Guarded;
use super::*;

#[test]
fn nothing_leaves_an_unknown_port() {
    let own = stranger().mac;
    let ping = frames::echo_request(stranger(), peer_v4());
    let ping_v6 = frames::echo_request(end(STRANGER, "2001:db8:101::55"), peer_v6());
    let to_all = |ethertype| frames::of_type(own, BROADCAST, ethertype, b"anything at all");
    let arp = |to| frames::arp_request(own, stranger(), to);
    let to_web1 = frames::echo_request(stranger(), web1());
    table::check(&[
        line(Stranger, "a ping", ping.clone(), Peer, Guarded),
        line(Stranger, "a ping over IPv6", ping_v6, Peer, Guarded),
        line(
            Stranger,
            "a ping in VLAN 5",
            frames::tagged(5, &ping),
            Peer,
            Guarded,
        ),
        line(Stranger, "an ARP request", arp(peer_v4()), Peer, Guarded),
        line(Stranger, "RARP", frames::rarp(own, own), Peer, Guarded),
        line(Stranger, "LLDP", to_all(0x88cc), Peer, Guarded),
        line(Stranger, "an 802.3 frame (LLC)", to_all(15), Peer, Guarded),
        line(Stranger, "a ping", to_web1.clone(), Web1, Guarded),
        line(
            Stranger,
            "a ping in VLAN 5",
            frames::tagged(5, &to_web1),
            Web1,
            Guarded,
        ),
        line(Stranger, "an ARP request", arp(web2()), Web2, Guarded),
        line(
            Stranger,
            "an experimental ethertype",
            to_all(0x88b5),
            Web2,
            Guarded,
        ),
    ]);
}

#[test]
fn nothing_reaches_an_unknown_port() {
    let from = peer_v4().mac;
    let ping = frames::echo_request(peer_v4(), stranger());
    let ping_v6 = frames::echo_request(peer_v6(), end(STRANGER, "2001:db8:101::55"));
    let to_all = |ethertype| frames::of_type(from, BROADCAST, ethertype, b"anything at all");
    let arp = frames::arp_request(from, peer_v4(), stranger());
    let guests_arp = frames::arp_request(web2().mac, web2(), stranger());
    table::check(&[
        line(Peer, "a ping", ping.clone(), Stranger, Guarded),
        line(Peer, "a ping over IPv6", ping_v6, Stranger, Guarded),
        line(
            Peer,
            "a ping in VLAN 5",
            frames::tagged(5, &ping),
            Stranger,
            Guarded,
        ),
        line(Peer, "an ARP request", arp, Stranger, Guarded),
        line(Peer, "RARP", frames::rarp(from, from), Stranger, Guarded),
        line(Peer, "LLDP", to_all(0x88cc), Stranger, Guarded),
        line(Peer, "an 802.3 frame (LLC)", to_all(15), Stranger, Guarded),
        line(
            Web1,
            "a ping",
            frames::echo_request(web1(), stranger()),
            Stranger,
            Guarded,
        ),
        line(Web2, "an ARP request", guests_arp, Stranger, Guarded),
    ]);
}
