//! What a guest may send, and as whom.

use super::*;

/// Somebody who is not there: addresses that no port has.
const NOBODY: &str = "fa:16:3e:99:99:99";

fn web1_as(ip: &str) -> End {
    end("fa:16:3e:be:71:21", ip)
}

fn web2_as(ip: &str) -> End {
    end("fa:16:3e:be:71:22", ip)
}

fn link_local() -> End {
    web2_as("fe80::f816:3eff:febe:7122")
}

#[test]
fn a_guest_speaks_for_itself_alone_over_ipv4() {
    let dhcp_server = end("ff:ff:ff:ff:ff:ff", "255.255.255.255");
    let stolen_mac = end(NOBODY, "192.168.101.88");
    table::check(table! {
        Web1 -> Peer Passes:  "a ping", frames::echo_request(web1(), peer_v4());
        Web1 -> Peer Passes:  "ssh", frames::tcp_syn(web1(), peer_v4(), (4000, 22));
        Web1 -> Peer Passes:  "UDP", frames::udp(web1(), peer_v4(), (4000, 53), b"?");
        Web1 -> Web2 Refused: "UDP", frames::udp(web1(), web2(), (4000, 53), b"?");
        Web1 -> Web2 Passes:  "a ping", frames::echo_request(web1(), web2());
        Web1 -> Peer Refused: "UDP from another address",
            frames::udp(web1_as("192.168.101.99"), peer_v4(), (4000, 53), b"?");
        Web1 -> Peer Refused: "a ping from its neighbour's address",
            frames::echo_request(web1_as("192.168.101.89"), peer_v4());
        Web1 -> Peer Refused: "UDP from no address",
            frames::udp(web1_as("0.0.0.0"), peer_v4(), (4000, 53), b"?");
        Web1 -> Peer Refused: "a ping from another MAC address",
            frames::echo_request(stolen_mac, peer_v4());
        Web1 -> Peer Passes:  "DHCP discover",
            frames::udp(web1_as("0.0.0.0"), dhcp_server, (68, 67), b"discover");
        Web1 -> Peer Guarded: "DHCP discover from another MAC address",
            frames::udp(end(NOBODY, "0.0.0.0"), dhcp_server, (68, 67), b"discover");
        Web1 -> Peer Passes:  "a DHCP renewal",
            frames::udp(web1(), peer_v4(), (68, 67), b"request");
        Web1 -> Web2 Refused: "a DHCP offer", frames::udp(web1(), web2(), (67, 68), b"offer");
        Web1 -> Peer Refused: "a DHCP offer to all",
            frames::udp(web1(), dhcp_server, (67, 68), b"offer");
    });
}

#[test]
fn a_guest_speaks_for_itself_alone_over_arp() {
    let nobody = mac(NOBODY);
    let own = web1().mac;
    let gateway = web1_as("192.168.101.1");
    table::check(table! {
        Web1 -> Peer Passes:  "an ARP request", frames::arp_request(own, web1(), peer_v4());
        Web1 -> Peer Passes:  "an ARP reply", frames::arp_reply(own, web1(), peer_v4());
        Web1 -> Peer Passes:  "a gratuitous ARP", frames::arp_request(own, web1(), web1());
        Web1 -> Peer Passes:  "an ARP probe (RFC 5227)",
            frames::arp_request(own, web1_as("0.0.0.0"), web1());
        Web1 -> Web2 Guarded: "an ARP request as the gateway",
            frames::arp_request(own, gateway, web2());
        Web1 -> Web2 Guarded: "an ARP reply as the gateway",
            frames::arp_reply(own, gateway, web2());
        Web1 -> Peer Guarded: "an ARP reply with another sender MAC inside",
            frames::arp_reply(own, end(NOBODY, "192.168.101.88"), peer_v4());
        Web1 -> Peer Guarded: "an ARP probe with another sender MAC inside",
            frames::arp_request(own, end(NOBODY, "0.0.0.0"), peer_v4());
        Web1 -> Peer Guarded: "an ARP request from another MAC address",
            frames::arp_request(nobody, web1(), peer_v4());
        Web1 -> Peer Passes:  "RARP of its own MAC", frames::rarp(own, own);
        Web1 -> Peer Guarded: "RARP of another MAC", frames::rarp(own, nobody);
        Web1 -> Peer Guarded: "RARP from another MAC", frames::rarp(nobody, own);
    });
}

#[test]
fn a_guest_speaks_no_other_protocol_and_no_vlan() {
    let own = web1().mac;
    let to_all = |ethertype| frames::of_type(own, BROADCAST, ethertype, b"anything at all");
    let ping = frames::echo_request(web1(), peer_v4());
    let spoofed = frames::udp(web1_as("192.168.101.99"), peer_v4(), (4000, 53), b"?");
    let arp = frames::arp_request(own, web1_as("192.168.101.1"), web2());
    let bridges = mac("01:80:c2:00:00:00");
    let bpdu = [0x42, 0x42, 0x03, 0, 0, 0, 0, 0];
    table::check(table! {
        Web1 -> Peer Guarded: "an experimental ethertype", to_all(0x88b5);
        Web1 -> Web2 Guarded: "an experimental ethertype", to_all(0x88b5);
        Web1 -> Peer Guarded: "LLDP", to_all(0x88cc);
        Web1 -> Peer Guarded: "PPPoE discovery", to_all(0x8863);
        Web1 -> Peer Guarded: "MPLS", to_all(0x8847);
        Web1 -> Peer Guarded: "an 802.3 frame (LLC)", to_all(15);
        Web1 -> Peer Guarded: "a spanning tree BPDU", frames::of_type(own, bridges, 8, &bpdu);
        Web1 -> Peer Guarded: "a ping in VLAN 5", frames::tagged(5, &ping);
        Web1 -> Peer Guarded: "a ping with a priority tag", frames::tagged(0, &ping);
        Web1 -> Peer Guarded: "a ping in two tags",
            frames::service_tagged(5, &frames::tagged(6, &ping));
        Web1 -> Peer Guarded: "spoofed UDP in VLAN 5", frames::tagged(5, &spoofed);
        Web1 -> Peer Guarded: "spoofed UDP with a priority tag", frames::tagged(0, &spoofed);
        Web1 -> Web2 Guarded: "spoofed ARP in VLAN 5", frames::tagged(5, &arp);
    });
}

#[test]
fn a_guest_without_ipv6_address_speaks_no_ipv6() {
    let own = web1_as("fe80::f816:3eff:febe:7121");
    let probe = about("2001:db8:101::88");
    table::check(table! {
        Web1 -> Peer Guarded: "a ping over IPv6", frames::echo_request(own, peer_v6());
        Web1 -> Peer Guarded: "UDP over IPv6", frames::udp(own, peer_v6(), (4000, 53), b"?");
        Web1 -> Peer Guarded: "duplicate address detection",
            frames::icmpv6(web1_as("::"), frames::multicast("ff02::1:ff00:88"), 135, &probe);
        Web1 -> Peer Guarded: "a router solicitation",
            frames::icmpv6(own, frames::multicast("ff02::2"), 133, &[0; 4]);
    });
}

#[test]
fn a_guest_speaks_for_itself_alone_over_ipv6() {
    let solicited = frames::multicast("ff02::1:ff00:89");
    let all_nodes = frames::multicast("ff02::1");
    let all_routers = frames::multicast("ff02::2");
    let own = web2_v6();
    let icmp = frames::icmpv6;
    let listener = icmp(web2_as("::"), frames::multicast("ff02::16"), 143, &[0; 8]);
    let gateway = icmp(own, peer_v6(), 136, &about("2001:db8:101::1"));
    table::check(table! {
        Web2 -> Peer Passes:  "a ping", frames::echo_request(own, peer_v6());
        Web2 -> Peer Passes:  "UDP", frames::udp(own, peer_v6(), (4000, 53), b"?");
        Web2 -> Peer Passes:  "a link-local ping", frames::echo_request(link_local(), peer_v6());
        Web2 -> Peer Refused: "UDP from another address",
            frames::udp(web2_as("2001:db8:101::99"), peer_v6(), (4000, 53), b"?");
        Web2 -> Peer Refused: "UDP from another link-local address",
            frames::udp(web2_as("fe80::1"), peer_v6(), (4000, 53), b"?");
        Web2 -> Peer Refused: "UDP from another MAC address",
            frames::udp(end(NOBODY, "2001:db8:101::89"), peer_v6(), (4000, 53), b"?");
        Web2 -> Peer Refused: "UDP from no address",
            frames::udp(web2_as("::"), peer_v6(), (4000, 53), b"?");
        Web2 -> Peer Passes:  "duplicate address detection",
            icmp(web2_as("::"), solicited, 135, &about("2001:db8:101::89"));
        Web2 -> Peer Passes:  "a multicast listener report", listener.clone();
        Web2 -> Peer Passes:  "a multicast listener report behind hop-by-hop options",
            frames::behind_extension(0, &listener);
        Web2 -> Peer Passes:  "a neighbour solicitation",
            icmp(own, frames::multicast("ff02::1:ff00:1"), 135, &about("2001:db8:101::1"));
        Web2 -> Peer Passes:  "a neighbour advertisement of its address",
            icmp(own, peer_v6(), 136, &about("2001:db8:101::89"));
        Web2 -> Peer Passes:  "a neighbour advertisement of its link-local address",
            icmp(link_local(), all_nodes, 136, &about("fe80::f816:3eff:febe:7122"));
        Web2 -> Peer Guarded: "a neighbour advertisement for the gateway", gateway.clone();
        Web2 -> Peer Guarded: "a neighbour advertisement for the gateway behind destination options",
            frames::behind_extension(60, &gateway);
        Web2 -> Peer Passes:  "a router solicitation",
            icmp(link_local(), all_routers, 133, &[0; 4]);
        Web2 -> Peer Refused: "a router advertisement",
            icmp(link_local(), all_nodes, 134, &[0; 12]);
        Web2 -> Peer Refused: "a router advertisement behind destination options",
            frames::behind_extension(60, &icmp(link_local(), all_nodes, 134, &[0; 12]));
        Web2 -> Peer Guarded: "a redirect", icmp(link_local(), peer_v6(), 137, &[0; 36]);
        Web2 -> Peer Passes:  "a DHCPv6 solicitation",
            frames::udp(link_local(), frames::multicast("ff02::1:2"), (546, 547), b"solicit");
        Web2 -> Peer Refused: "a DHCPv6 advertisement",
            frames::udp(link_local(), peer_v6(), (547, 546), b"advertise");
    });
}

#[test]
fn a_stolen_mac_address_leads_no_frame_astray() {
    let lab = Lab::new();
    let peer = start_host(&lab);
    let (_web1, tap1) = boot(&lab, "web1", web1_nic());
    let (_web2, tap2) = boot(&lab, "web2", web2_nic());
    let peer = peer.packets("vxlan-267");
    // The bridge knows where web2 is, and web1 says that it is here.
    tap2.send(&frames::numbered_ping(web2(), peer_v4(), 1));
    tap1.send(&frames::udp(web2(), peer_v4(), (4000, 53), b"I am web2"));
    tap1.send(&frames::arp_request(web2().mac, web2(), peer_v4()));
    // Such frames go to no port and pass no hook of forwarded ones, but the bridge learns from them.
    for last in 0..=0x0f {
        let group = [0x01, 0x80, 0xc2, 0, 0, last];
        tap1.send(&frames::of_type(web2().mac, group, 0x88cc, b"I am web2"));
    }

    let ping = frames::numbered_ping(peer_v4(), web2(), 2);
    peer.send(&ping);
    assert!(tap2.receive(SOON, |frame| frame == ping).is_some());
    let own = frames::numbered_ping(peer_v4(), web1(), 3);
    peer.send(&own);
    let first = tap1.receive(SOON, |frame| frame == ping || frame == own);
    assert_eq!(first, Some(own), "the other's ping does not come here");
}
