//! The host itself: what it takes by roads that only look like none of a bridge, and what it sends.
//! What comes over a managed bridge itself is in the matrix.

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

/// Somebody takes the device of the tunnel out of its bridge: what comes by it is other machines'.
#[test]
fn what_comes_by_a_device_out_of_its_bridge_does_not_reach_the_host() {
    let lab = Lab::new();
    let peer = start_host(&lab);
    let (_web1, _tap) = boot(&lab, "web1", web1_nic());
    let service = lab.udp_socket("172.16.0.31:7000");
    let honest = peer.udp_socket("172.16.0.32:0");
    let tunnel = peer.packets("vxlan-267");
    lab.ok("ip link set vxlan-267 nomaster; ip link set vxlan-267 up");
    let asked = frames::arp_request(peer_v4().mac, peer_v4(), vtep(BROADCAST));
    let said = frames::udp(peer_v4(), vtep(BROADCAST), (4000, 7000), b"the tunnel");
    let answer = |frame: &[u8]| frame[12..14] == [8, 6] && frame[20..22] == [0, 2];

    tunnel.send(&asked);
    tunnel.send(&said);
    // By the same wire, so behind both.
    honest.send_to(b"the underlay", "172.16.0.31:7000").unwrap();
    assert_eq!(next(&service), "the underlay");
    assert_eq!(tunnel.receive(Duration::ZERO, answer), None);

    without_the_hosts_table(&lab);
    lab.ok("echo 0 >/proc/sys/net/ipv4/conf/vxlan-267/arp_ignore");
    tunnel.send(&asked);
    assert!(tunnel.receive(SOON, answer).is_some(), "else it answers");
    tunnel.send(&said);
    assert_eq!(next(&service), "the tunnel", "and takes it");
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
