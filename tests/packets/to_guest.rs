//! What reaches a guest.

use super::*;

#[test]
fn a_guest_gets_what_its_security_groups_allow() {
    let everybody = end("ff:ff:ff:ff:ff:ff", "255.255.255.255");
    let group = end("01:00:5e:00:00:fb", "224.0.0.251");
    let tcp = |to, port| frames::tcp_syn(peer_v4(), to, (5000, port));
    let neighbour = |port| frames::tcp_syn(web2(), web1(), (5000, port));
    table::check(table! {
        Peer -> Web1 Passes:  "a ping", frames::echo_request(peer_v4(), web1());
        Peer -> Web1 Passes:  "ssh", tcp(web1(), 22);
        Peer -> Web1 Refused: "telnet", tcp(web1(), 23);
        Peer -> Web1 Refused: "UDP", frames::udp(peer_v4(), web1(), (53, 53), b"?");
        Web2 -> Web1 Passes:  "ssh", neighbour(22);
        Web2 -> Web1 Refused: "telnet", neighbour(23);
        Peer -> Web1 Passes:  "a DHCP offer to its address",
            frames::udp(peer_v4(), web1(), (67, 68), b"offer");
        Peer -> Web1 Passes:  "a DHCP offer to all",
            frames::udp(peer_v4(), everybody, (67, 68), b"offer");
        Peer -> Web1 Refused: "UDP to all", frames::udp(peer_v4(), everybody, (5000, 5001), b"?");
        Peer -> Web1 Refused: "multicast DNS", frames::udp(peer_v4(), group, (5353, 5353), b"?");
        Peer -> Web1 Passes:  "an ARP request",
            frames::arp_request(peer_v4().mac, peer_v4(), web1());
        Peer -> Web1 Passes:  "a RARP announcement", frames::rarp(peer_v4().mac, peer_v4().mac);
        Peer -> Web1 Guarded: "a flooded ping to another MAC address",
            frames::echo_request(peer_v4(), end("fa:16:3e:99:99:99", "192.168.101.88"));
        Peer -> Web1 Guarded: "an ARP reply to another MAC address",
            frames::arp_reply(peer_v4().mac, peer_v4(), end("fa:16:3e:99:99:99", "192.168.101.99"));
    });
}

#[test]
fn a_guest_gets_no_vlan_and_no_other_protocol() {
    let telnet = frames::tcp_syn(peer_v4(), web1(), (5000, 23));
    let ping = frames::echo_request(peer_v4(), web1());
    let to =
        |to: [u8; 6], ethertype| frames::of_type(peer_v4().mac, to, ethertype, b"anything at all");
    let doubly = frames::service_tagged(5, &frames::tagged(6, &telnet));
    table::check(table! {
        Peer -> Web1 Guarded: "telnet in VLAN 5", frames::tagged(5, &telnet);
        Peer -> Web1 Guarded: "telnet with a priority tag", frames::tagged(0, &telnet);
        Peer -> Web1 Guarded: "telnet in two tags", doubly;
        Peer -> Web1 Guarded: "a ping in VLAN 5", frames::tagged(5, &ping);
        Peer -> Web1 Guarded: "an experimental ethertype", to(web1().mac, 0x88b5);
        Peer -> Web1 Guarded: "an experimental ethertype to all", to(BROADCAST, 0x88b5);
        Peer -> Web1 Guarded: "PPPoE discovery", to(BROADCAST, 0x8863);
        Peer -> Web1 Guarded: "an 802.3 frame (LLC)", to(BROADCAST, 15);
    });
}

#[test]
fn only_a_guest_with_an_ipv6_address_gets_ipv6() {
    let solicitation = about("2001:db8:101::89");
    let all_nodes = frames::multicast("ff02::1");
    let router = end("fa:16:3e:00:01:01", "fe80::f816:3eff:fe00:101");
    let advertisement = frames::icmpv6(router, all_nodes, 134, &[0; 12]);
    let asks = frames::icmpv6(
        peer_v6(),
        frames::multicast("ff02::1:ff00:89"),
        135,
        &solicitation,
    );
    let web1_v6 = end("fa:16:3e:be:71:21", "2001:db8:101::88");
    let tcp = |to, port| frames::tcp_syn(peer_v6(), to, (5000, port));
    table::check(table! {
        Peer -> Web2 Passes:  "a ping", frames::echo_request(peer_v6(), web2_v6());
        Peer -> Web2 Passes:  "ssh", tcp(web2_v6(), 22);
        Peer -> Web2 Refused: "telnet", tcp(web2_v6(), 23);
        Peer -> Web2 Passes:  "a neighbour solicitation", asks.clone();
        Peer -> Web2 Passes:  "a router advertisement", advertisement.clone();
        Peer -> Web2 Passes:  "a DHCPv6 reply",
            frames::udp(router, web2_v6(), (547, 546), b"reply");
        Peer -> Web2 Refused: "multicast DNS",
            frames::udp(peer_v6(), frames::multicast("ff02::fb"), (5353, 5353), b"?");
        Peer -> Web1 Refused: "a ping", frames::echo_request(peer_v6(), web1_v6);
        Peer -> Web1 Refused: "telnet", tcp(web1_v6, 23);
        Peer -> Web1 Guarded: "a neighbour solicitation", asks;
        Peer -> Web1 Refused: "a router advertisement", advertisement;
    });
}
