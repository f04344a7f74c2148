//! A port that nobody opened: plugged by hand, moved there, or of a machine whose hook is missing.

use super::*;

#[test]
fn nothing_leaves_an_unknown_port() {
    let own = stranger().mac;
    let ping = frames::echo_request(stranger(), peer_v4());
    let ping_v6 = frames::echo_request(end(STRANGER, "2001:db8:101::55"), peer_v6());
    let to_all = |ethertype| frames::of_type(own, BROADCAST, ethertype, b"anything at all");
    let arp = |to| frames::arp_request(own, stranger(), to);
    let to_web1 = frames::echo_request(stranger(), web1());
    table::check(table! {
        Stranger -> Peer Guarded: "a ping", ping.clone();
        Stranger -> Peer Guarded: "a ping over IPv6", ping_v6;
        Stranger -> Peer Guarded: "a ping in VLAN 5", frames::tagged(5, &ping);
        Stranger -> Peer Guarded: "an ARP request", arp(peer_v4());
        Stranger -> Peer Guarded: "RARP", frames::rarp(own, own);
        Stranger -> Peer Guarded: "LLDP", to_all(0x88cc);
        Stranger -> Peer Guarded: "an 802.3 frame (LLC)", to_all(15);
        Stranger -> Web1 Guarded: "a ping", to_web1.clone();
        Stranger -> Web1 Guarded: "a ping in VLAN 5", frames::tagged(5, &to_web1);
        Stranger -> Web2 Guarded: "an ARP request", arp(web2());
        Stranger -> Web2 Guarded: "an experimental ethertype", to_all(0x88b5);
    });
}

#[test]
fn nothing_reaches_an_unknown_port() {
    let from = peer_v4().mac;
    let ping = frames::echo_request(peer_v4(), stranger());
    let ping_v6 = frames::echo_request(peer_v6(), end(STRANGER, "2001:db8:101::55"));
    let to_all = |ethertype| frames::of_type(from, BROADCAST, ethertype, b"anything at all");
    let arp = frames::arp_request(from, peer_v4(), stranger());
    let guests_arp = frames::arp_request(web2().mac, web2(), stranger());
    table::check(table! {
        Peer -> Stranger Guarded: "a ping", ping.clone();
        Peer -> Stranger Guarded: "a ping over IPv6", ping_v6;
        Peer -> Stranger Guarded: "a ping in VLAN 5", frames::tagged(5, &ping);
        Peer -> Stranger Guarded: "an ARP request", arp;
        Peer -> Stranger Guarded: "RARP", frames::rarp(from, from);
        Peer -> Stranger Guarded: "LLDP", to_all(0x88cc);
        Peer -> Stranger Guarded: "an 802.3 frame (LLC)", to_all(15);
        Web1 -> Stranger Guarded: "a ping", frames::echo_request(web1(), stranger());
        Web2 -> Stranger Guarded: "an ARP request", guests_arp;
    });
}
