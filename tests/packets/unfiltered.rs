//! Ports of which less is checked, or nothing: without port security, trusted, not hardened.

use super::machine::CONFIGURATION;
use super::ways::{Link, arrives, names, passing};
use super::*;

/// Besides the others: two ports of which nothing is checked, and one that is not hardened.
const MORE: &str = r#"
[port.gateway]
network = "selfservice"
mac = "fa:16:3e:be:71:31"
port_security = false

[port.dhcp]
network = "selfservice"
mac = "fa:16:3e:be:71:32"
device_owner = "network:dhcp"

[port.plain]
network = "selfservice"
mac = "fa:16:3e:be:71:33"
fixed_ips = ["192.168.101.97"]
security_groups = ["dual"]
hardened = false
"#;

fn gateway() -> End {
    end("fa:16:3e:be:71:31", "192.168.101.254")
}

fn dhcp() -> End {
    end("fa:16:3e:be:71:32", "192.168.101.253")
}

fn plain() -> End {
    end("fa:16:3e:be:71:33", "192.168.101.97")
}

fn gateway_nic() -> Nic {
    Nic::new(BRIDGE, "tapd4d4d4d4-31", "fa:16:3e:be:71:31")
}

fn dhcp_nic() -> Nic {
    Nic::new(BRIDGE, "tape5e5e5e5-32", "fa:16:3e:be:71:32")
}

fn plain_nic() -> Nic {
    Nic::new(BRIDGE, "tapf6f6f6f6-33", "fa:16:3e:be:71:33")
}

/// What no filtered guest may send, from this port to that one.
fn spoofed(own: End, to: End) -> Vec<(&'static str, Vec<u8>)> {
    let nodes = frames::multicast("ff02::1");
    let router = End {
        mac: own.mac,
        ..end(STRANGER, "fe80::1")
    };
    let other = stranger();
    vec![
        ("a ping as somebody else", frames::echo_request(other, to)),
        (
            "ARP as somebody else",
            frames::arp_request(own.mac, other, to),
        ),
        ("a DHCP offer", frames::udp(own, to, (67, 68), b"offer")),
        (
            "a router advertisement",
            frames::icmpv6(router, nodes, 134, &[0; 12]),
        ),
        (
            "an odd ethertype",
            frames::of_type(own.mac, to.mac, 0x88b5, b"anything at all"),
        ),
        (
            "telnet in VLAN 5",
            frames::tagged(5, &frames::tcp_syn(own, to, (5000, 23))),
        ),
    ]
}

/// ```text
///   gateway (port security off) ── tap ─┐
///   dhcp (trusted)              ── tap ─┼─ brqc08e7dcd-4a ── vxlan-267 ══ the peer
///   web1 (filtered, hardened)   ── tap ─┘
/// ```
#[test]
fn a_port_that_is_not_filtered_speaks_as_anybody_and_its_filtered_neighbour_stays_protected() {
    let lab = Lab::new();
    let peer = start_host(&lab);
    lab.configure(&format!("{CONFIGURATION}{MORE}"));
    let (machine, gateway_tap) = boot(&lab, "gateway", gateway_nic());
    let (_dhcp, dhcp_tap) = boot(&lab, "dhcp", dhcp_nic());
    // The last one's lines must still be the first.
    let (_web1, web1_tap) = boot(&lab, "web1", web1_nic());
    let there = peer.packets("vxlan-267");
    let at_gateway = (Link::Guest(&gateway_tap), gateway());
    let at_dhcp = (Link::Guest(&dhcp_tap), dhcp());
    let at_web1 = (Link::Guest(&web1_tap), web1());
    let tunnel = (Link::Tunnel(&there), peer_v4());

    for (from, to) in [
        (at_gateway, tunnel),
        (at_gateway, at_dhcp),
        (at_dhcp, at_gateway),
        (at_dhcp, tunnel),
        (tunnel, at_gateway),
    ] {
        let sent = spoofed(from.1, to.1);
        assert_eq!(passing(from, to, &sent), names(&sent));
    }

    let telnet = frames::tcp_syn(gateway(), web1(), (5000, 23));
    let elsewhere = end("fa:16:3e:99:99:99", "192.168.101.88");
    let mut sent = spoofed(gateway(), web1());
    sent.push(("telnet", telnet.clone()));
    sent.push((
        "a ping to another MAC",
        frames::echo_request(gateway(), elsewhere),
    ));
    let passing = passing(at_gateway, at_web1, &sent);
    let let_in = [
        "a ping as somebody else",
        "ARP as somebody else",
        "a DHCP offer",
    ];
    assert_eq!(
        passing, let_in,
        "what its group lets in, and Neutron's DHCP"
    );
    assert!(
        !arrives(
            at_web1,
            at_gateway,
            &frames::echo_request(stranger(), gateway())
        ),
        "a filtered guest is filtered whoever it speaks to"
    );

    assert_host_is_out_of_reach(&lab, &peer, &gateway_tap);
    let said = lab.ok("/usr/bin/vmhook sync");
    assert_eq!(said, "the kernel had everything as it was applied\n");
    machine.call("stopped");
    let left = lab.ok("nft list table bridge vmhook; iptables-save");
    assert!(!left.contains(gateway_nic().tap()), "{left}");
    assert!(!arrives(at_dhcp, at_web1, &telnet));
}

/// What a guest sends to the host's bridge, or to all, no service of the host gets.
fn assert_host_is_out_of_reach(lab: &Lab, peer: &crate::support::Peer<'_>, guest: &Tap) {
    let service = lab.udp_socket("172.16.0.31:7000");
    let honest = peer.udp_socket("172.16.0.32:0");
    let bridge = lab.ok(&format!("cat /sys/class/net/{BRIDGE}/address"));
    for address in [frames::mac(bridge.trim()), BROADCAST] {
        let host = End {
            mac: address,
            ip: "172.16.0.31".parse().unwrap(),
        };
        guest.send(&frames::udp(gateway(), host, (4000, 7000), b"a guest"));
    }
    honest.send_to(b"the underlay", "172.16.0.31:7000").unwrap();
    let mut bytes = [0; 100];
    service.set_read_timeout(Some(SOON)).unwrap();
    let count = service.recv(&mut bytes).expect("a datagram comes");
    assert_eq!(&bytes[..count], b"the underlay");
}

#[test]
fn a_port_that_is_not_hardened_has_what_neutron_s_own_rules_leave_until_a_reload_hardens_it() {
    let lab = Lab::new();
    let peer = start_host(&lab);
    lab.configure(&format!("{CONFIGURATION}{MORE}"));
    let (_plain, tap) = boot(&lab, "plain", plain_nic());
    let there = peer.packets("vxlan-267");
    let (guest, tunnel) = (
        (Link::Guest(&tap), plain()),
        (Link::Tunnel(&there), peer_v4()),
    );
    let odd = |from: End, to: End| frames::of_type(from.mac, to.mac, 0x88b5, b"anything");
    let flooded = end("fa:16:3e:99:99:99", "192.168.101.97");
    let outward = [
        ("telnet", frames::tcp_syn(plain(), peer_v4(), (5000, 23))),
        ("an odd ethertype", odd(plain(), peer_v4())),
        ("another MAC address", odd(stranger(), peer_v4())),
        (
            "another address",
            frames::echo_request(
                End {
                    mac: plain().mac,
                    ..stranger()
                },
                peer_v4(),
            ),
        ),
        (
            "ARP as somebody else",
            frames::arp_request(plain().mac, stranger(), peer_v4()),
        ),
        (
            "a DHCP offer",
            frames::udp(plain(), peer_v4(), (67, 68), b"offer"),
        ),
    ];
    let inward = [
        ("telnet", frames::tcp_syn(peer_v4(), plain(), (5000, 23))),
        ("an odd ethertype", odd(peer_v4(), plain())),
        (
            "a ping to another MAC",
            frames::echo_request(peer_v4(), flooded),
        ),
    ];
    assert_eq!(
        passing(guest, tunnel, &outward),
        ["telnet", "an odd ethertype"]
    );
    let let_in = ["an odd ethertype", "a ping to another MAC"];
    assert_eq!(passing(tunnel, guest, &inward), let_in);

    let hardened = MORE.replace("hardened = false", "hardened = true");
    lab.configure(&format!("{CONFIGURATION}{hardened}"));
    let said = lab.ok("/usr/bin/vmhook reload");
    assert!(
        said.contains("filtered, not hardened -> hardened"),
        "{said}"
    );
    assert_eq!(passing(guest, tunnel, &outward), ["telnet"]);
    assert_eq!(passing(tunnel, guest, &inward), [""; 0]);
}

/// A question that the neighbour does not let in, to a MAC address that nobody has; the neighbour's
/// answer to it, forged; then the question again, which would now belong to a known conversation.
#[test]
fn a_port_that_is_not_hardened_enters_its_neighbour_by_no_forged_answer() {
    let lab = Lab::new();
    let _peer = start_host(&lab);
    lab.configure(&format!("{CONFIGURATION}{MORE}"));
    let (_plain, plain_tap) = boot(&lab, "plain", plain_nic());
    let (_web2, web2_tap) = boot(&lab, "web2", web2_nic());
    let guest = (Link::Guest(&plain_tap), plain());
    let neighbour = (Link::Guest(&web2_tap), web2());
    let enters = |port| {
        let nowhere = |to: End| End {
            mac: frames::mac("fa:16:3e:99:99:99"),
            ..to
        };
        let as_neighbour = End {
            mac: plain().mac,
            ..web2()
        };
        let forged = nowhere(plain());
        plain_tap.send(&frames::udp(plain(), nowhere(web2()), (port, 53), b"who?"));
        plain_tap.send(&frames::udp(as_neighbour, forged, (53, port), b"this one"));
        let question = frames::udp(plain(), web2(), (port, 53), b"who?");
        arrives(guest, neighbour, &question)
    };
    assert!(!enters(4000));
    lab.ok("nft flush chain bridge vmhook from_unhardened");
    assert!(enters(5000), "conntrack sees a packet before the rules do");
}

/// The judge knows what the kernel checks of such a port: the rules alone.
#[test]
fn a_reload_cuts_of_a_port_that_is_not_hardened_what_its_rules_drop_and_no_more() {
    let lab = Lab::new();
    let peer = start_host(&lab);
    lab.configure(&format!("{CONFIGURATION}{MORE}"));
    let (_plain, tap) = boot(&lab, "plain", plain_nic());
    let there = peer.packets("vxlan-267");
    let (guest, tunnel) = (
        (Link::Guest(&tap), plain()),
        (Link::Tunnel(&there), peer_v4()),
    );
    // A port without IPv6 address uses one all the same: Neutron checks nothing there.
    let six = end("fa:16:3e:be:71:33", "2001:db8:101::97");
    let said = [
        frames::udp(plain(), peer_v4(), (4000, 68), b"to a client"),
        frames::udp(six, peer_v6(), (4000, 53), b"in IPv6"),
    ];
    let answers = [
        frames::udp(peer_v4(), plain(), (68, 4000), b"a client"),
        frames::udp(peer_v6(), six, (53, 4000), b"in IPv6 too"),
    ];
    let answered = || {
        let arrive = answers.iter().map(|it| arrives(tunnel, guest, it));
        arrive.collect::<Vec<_>>()
    };
    assert_eq!(answered(), [false, false], "nobody has asked");
    assert!(said.iter().all(|it| arrives(guest, tunnel, it)));

    let more = MORE.replace("\"dual\"", "\"dual\", \"db\"");
    lab.configure(&format!("{CONFIGURATION}{more}"));
    lab.ok("/usr/bin/vmhook reload");
    assert_eq!(answered(), [true, true], "it may have asked both");

    let only_four = MORE.replace("\"dual\"", "\"four\"")
        + "[security_group.four]\negress = [{ ethertype = \"ipv4\" }]\n\
           ingress = [{ protocol = \"icmp\" }]\n";
    lab.configure(&format!("{CONFIGURATION}{only_four}"));
    lab.ok("/usr/bin/vmhook reload");
    assert_eq!(answered(), [true, false], "no rule lets it speak IPv6");

    let hardened = only_four.replace("hardened = false", "hardened = true");
    lab.configure(&format!("{CONFIGURATION}{hardened}"));
    lab.ok("/usr/bin/vmhook reload");
    assert_eq!(answered(), [false, false], "the guard drops both now");
}
