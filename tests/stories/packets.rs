//! Packets of a running guest: what passes and what does not, both ways.

use super::endpoints::{Cable, is_echo_request};
use super::{ADDRESS, CONFIG, MAC, OTHER, OTHER_MAC, SOON, TAP, host, web1};
use crate::support::frames::{self, BROADCAST, end};

#[test]
fn a_guest_speaks_for_itself_alone_and_hears_what_its_group_lets_in() {
    let lab = host(CONFIG);
    let peer = lab.peer();
    let before = lab.dump();
    let mut web1 = lab.define(&web1());
    web1.boot();

    assert!(peer.pings(ADDRESS), "ping in\n{}", lab.dump());
    let ssh = peer.banner(ADDRESS, 22);
    assert_eq!(ssh.as_deref(), Some("this is port 22\n"), "{}", lab.dump());
    let telnet = web1.sh("nc 127.0.0.1 23").ok();
    assert_eq!(telnet, "this is port 23\n", "the guest serves it");
    assert_eq!(peer.banner(ADDRESS, 23), None, "{}", lab.dump());
    web1.sh(&format!("ping -c 1 -W 2 {OTHER}")).ok();

    let mut cable = Cable::between(&lab, TAP, &peer, "vxlan-267");
    let own = frames::mac(MAC);
    let arp_from = |mac: [u8; 6]| move |frame: &[u8]| frame[6..14] == [&mac[..], &[8, 6]].concat();
    cable.assert_refused(
        &mut web1,
        "another's IP address",
        "ip address add 192.168.101.99/24 dev eth0; \
         ping -c 1 -W 1 -I 192.168.101.99 192.168.101.1; \
         ip address delete 192.168.101.99/24 dev eth0",
        |frame| frame[12..14] == [8, 0] && frame[26..30] == [192, 168, 101, 99],
    );
    cable.assert_refused(
        &mut web1,
        "another's IP address in ARP",
        "ip address add 192.168.101.99/32 dev lo; \
         arping -U -c 1 -w 1 -I eth0 -s 192.168.101.99 192.168.101.99; \
         ip address delete 192.168.101.99/32 dev lo",
        |frame| arp_from(own)(frame) && frame[28..32] == [192, 168, 101, 99],
    );
    cable.assert_refused(
        &mut web1,
        "another's MAC address",
        "ip link set eth0 address fa:16:3e:66:66:66; ping -c 1 -W 1 192.168.101.1; \
         ip link set eth0 address fa:16:3e:be:71:21",
        |frame| frame[6..12] == frames::mac("fa:16:3e:66:66:66"),
    );

    web1.sh("udhcpc -i eth0 -n -q -t 1 -T 1 -s /bin/true");
    let discover = |frame: &[u8]| frame[6..12] == own && frame[34..38] == [0, 68, 0, 67];
    let left = cable.there.receive(SOON, discover);
    assert!(left.is_some(), "DHCP discover leaves\n{}", lab.dump());
    let server = end(OTHER_MAC, OTHER);
    let everybody = frames::End {
        mac: BROADCAST,
        ..end(MAC, "255.255.255.255")
    };
    let offer = frames::udp(server, everybody, (67, 68), b"an offer");
    cable.there.send(&offer);
    let arrived = cable.tap.receive(SOON, |frame| frame == offer);
    assert!(arrived.is_some(), "DHCP offer arrives\n{}", lab.dump());

    web1.poweroff();
    web1.wait_until_off();
    lab.assert_unchanged_since(&before);
}

#[test]
fn an_echo_request_is_known_by_its_sender() {
    let (one, other) = (end(MAC, ADDRESS), end(OTHER_MAC, OTHER));
    let request = frames::echo_request(one, other);
    assert!(is_echo_request([192, 168, 101, 88])(&request));
    assert!(!is_echo_request([192, 168, 101, 1])(&request));
    let datagram = frames::udp(one, other, (5000, 6000), b"");
    assert!(!is_echo_request([192, 168, 101, 88])(&datagram));
}
