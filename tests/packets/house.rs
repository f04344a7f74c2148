//! The host itself: it takes nothing from a managed bridge, sends nothing to it, routes nothing
//! through it. Each attempt succeeds once what stands between the two is gone.

use std::io::ErrorKind;
use std::net::UdpSocket;

use super::*;

/// The host's address on the underlay, behind whatever Ethernet address leads to the host.
fn vtep(mac: [u8; 6]) -> End {
    End {
        mac,
        ip: "172.16.0.31".parse().unwrap(),
    }
}

fn mac_of(lab: &Lab, link: &str) -> [u8; 6] {
    mac(lab.ok(&format!("cat /sys/class/net/{link}/address")).trim())
}

fn without_the_hosts_table(lab: &Lab) {
    lab.ok("nft 'delete table inet vmhook; flush chain bridge vmhook input'");
}

/// What the socket gets next.
fn next(socket: &UdpSocket) -> String {
    let mut bytes = [0; 100];
    socket.set_read_timeout(Some(SOON)).unwrap();
    let count = socket.recv(&mut bytes).expect("a datagram comes");
    String::from_utf8_lossy(&bytes[..count]).into_owned()
}

#[test]
fn the_host_takes_nothing_from_a_managed_bridge() {
    let lab = Lab::new();
    let peer = start_host(&lab);
    let (_web1, tap) = boot(&lab, "web1", web1_nic());
    let strange = lab.tap_on(BRIDGE, "tapstranger", STRANGER);
    let tunnel = peer.packets("vxlan-267");
    let service = lab.udp_socket("172.16.0.31:7000");
    let honest = peer.udp_socket("172.16.0.32:0");
    let bridge = vtep(mac_of(&lab, BRIDGE));
    let to = |from, to, words: &str| frames::udp(from, to, (4000, 7000), words.as_bytes());
    let attempts = || {
        tap.send(&to(web1(), bridge, "a guest"));
        tap.send(&to(web1(), vtep(BROADCAST), "a guest, to all"));
        strange.send(&to(stranger(), bridge, "a stranger"));
        tunnel.send(&to(peer_v4(), bridge, "the tunnel"));
        honest.send_to(b"the underlay", "172.16.0.31:7000").unwrap();
    };

    attempts();
    assert_eq!(next(&service), "the underlay");
    without_the_hosts_table(&lab);
    attempts();
    for expected in [
        "a guest",
        "a guest, to all",
        "a stranger",
        "the tunnel",
        "the underlay",
    ] {
        assert_eq!(next(&service), expected);
    }
}

/// A bridge hands frames for the reserved group addresses (IEEE 802.1Q, table 8-1) to the host as
/// if the port they came in by were no port of a bridge, whatever is in them.
#[test]
fn a_guest_reaches_the_host_by_no_reserved_group_address() {
    let lab = Lab::new();
    let peer = start_host(&lab);
    let (_web1, tap) = boot(&lab, "web1", web1_nic());
    let service = lab.udp_socket("172.16.0.31:7000");
    let honest = peer.udp_socket("172.16.0.32:0");
    let tunnel = peer.packets("vxlan-267");
    for last in 0..=0x0f {
        let group = vtep([0x01, 0x80, 0xc2, 0, 0, last]);
        let to_group = |from, who| {
            let words = format!("{who}, to group {last:02x}");
            frames::udp(from, group, (4000, 7000), words.as_bytes())
        };
        tap.send(&to_group(web1(), "a guest"));
        tunnel.send(&to_group(peer_v4(), "the tunnel"));
    }
    honest.send_to(b"the underlay", "172.16.0.31:7000").unwrap();
    assert_eq!(next(&service), "the underlay");
}

/// Somebody takes the tap off its bridge, or deletes the bridge: the guest still runs, and whatever
/// it sends is now the host's to take.
#[test]
fn a_guest_whose_bridge_is_gone_does_not_reach_the_host() {
    let lab = Lab::new();
    let peer = start_host(&lab);
    let vnet = Nic::new(BRIDGE, "vnet0", "fa:16:3e:be:71:22").named_by_libvirt();
    let (_web1, named) = boot(&lab, "web1", web1_nic());
    let (_web2, unnamed) = boot(&lab, "web2", vnet);
    let service = lab.udp_socket("172.16.0.31:7000");
    let honest = peer.udp_socket("172.16.0.32:0");
    lab.ok(&format!("ip link delete {BRIDGE}"));

    for (tap, from) in [(&named, web1()), (&unnamed, web2())] {
        let to_all = vtep(BROADCAST);
        tap.send(&frames::udp(from, to_all, (4000, 7000), b"a guest"));
    }
    honest.send_to(b"the underlay", "172.16.0.31:7000").unwrap();
    assert_eq!(next(&service), "the underlay");
}

/// Without the table, a guest writes into any network: it only has to know its VNI.
#[test]
fn a_guest_injects_nothing_into_another_network_through_the_hosts_tunnel_end_point() {
    let lab = Lab::new();
    let peer = start_host(&lab);
    let (_web1, tap) = boot(&lab, "web1", web1_nic());
    let other_nic = Nic::new(OTHER_BRIDGE, "tap9f8e7d6c-5b", "fa:16:3e:be:71:21");
    let (_other, other_tap) = boot(&lab, "other", other_nic);
    let tunnel = peer.packets("vxlan-268");
    let bridge = vtep(mac_of(&lab, BRIDGE));

    let inner = frames::arp_reply(peer_v4().mac, peer_v4(), web1());
    let vxlan = [&[8, 0, 0, 0, 0, 1, 12, 0][..], &inner].concat(); // VNI 268
    let to_host = frames::udp(web1(), bridge, (4000, 8472), &vxlan);
    let to_all = frames::udp(web1(), vtep(BROADCAST), (4000, 8472), &vxlan);
    for forged in [&to_host, &to_all] {
        tap.send(forged);
    }
    let ping = frames::echo_request(peer_v4(), web1());
    tunnel.send(&ping);
    let first = other_tap.receive(SOON, |frame| frame == inner || frame == ping);
    assert_eq!(first.as_deref(), Some(&ping[..]));

    without_the_hosts_table(&lab);
    for forged in [&to_host, &to_all] {
        tap.send(forged);
        let injected = other_tap.receive(SOON, |frame| frame == inner);
        assert!(injected.is_some(), "the table alone was in the way");
    }
}

#[test]
fn the_host_sends_nothing_to_a_managed_bridge() {
    let lab = Lab::new();
    start_host(&lab);
    let (_web1, tap) = boot(&lab, "web1", web1_nic());
    lab.ok(&format!("ip address add 192.168.101.254/24 dev {BRIDGE}"));
    let socket = lab.udp_socket("192.168.101.254:67");

    let refused = socket.send_to(b"offer", "192.168.101.88:68").unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::PermissionDenied);
    without_the_hosts_table(&lab);
    socket.send_to(b"offer", "192.168.101.88:68").unwrap();
    let asks = tap.receive(SOON, |frame| frame[12..14] == [8, 6]);
    assert!(asks.is_some(), "the host looks for the guest");
}

#[test]
fn the_host_routes_nothing_from_or_to_a_managed_bridge() {
    let lab = Lab::new();
    let peer = start_host(&lab);
    let (_web1, tap) = boot(&lab, "web1", web1_nic());
    let (tunnel, underlay) = (peer.packets("vxlan-267"), peer.packets("eth0"));
    lab.ok(&format!(
        "echo 1 >/proc/sys/net/ipv4/ip_forward
         ip address add 192.168.101.254/24 dev {BRIDGE}
         ip neighbour replace 192.168.101.88 lladdr fa:16:3e:be:71:21 dev {BRIDGE}
         ping -c 1 -W 10 172.16.0.32"
    ));
    let beyond = End {
        mac: mac_of(&lab, BRIDGE),
        ip: "172.16.0.32".parse().unwrap(),
    };
    let outside = End {
        mac: mac(peer.run("cat /sys/class/net/eth0/address").ok().trim()),
        ip: "172.16.0.32".parse().unwrap(),
    };
    let inside = End {
        mac: mac_of(&lab, "eth0"),
        ..web1()
    };
    let out = |frame: &[u8]| frame.ends_with(b"routed out");
    let inward = |frame: &[u8]| frame[12..14] == [8, 0] && frame[26..30] == [172, 16, 0, 32];
    let attempts = || {
        tap.send(&frames::udp(web1(), beyond, (4000, 9), b"routed out"));
        underlay.send(&frames::echo_request(outside, inside));
    };

    attempts();
    let ping = frames::echo_request(web1(), peer_v4());
    tap.send(&ping);
    let first = underlay.receive(SOON, |frame| out(frame) || frame.ends_with(&ping));
    assert!(first.unwrap().ends_with(&ping), "nothing was routed out");
    let ping = frames::echo_request(peer_v4(), web1());
    tunnel.send(&ping);
    let first = tap.receive(SOON, |frame| inward(frame) || frame == ping);
    assert_eq!(first, Some(ping), "nothing was routed in");

    without_the_hosts_table(&lab);
    attempts();
    assert!(underlay.receive(SOON, out).is_some());
    assert!(tap.receive(SOON, inward).is_some());
}
