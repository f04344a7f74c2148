//! The host's own stack and the taps: silent on ours, untouched on everybody else's.

use std::io::ErrorKind;
use std::net::{SocketAddrV6, UdpSocket};

use super::*;

/// The tap is up for as long as the kernel needs to speak on it by itself: with duplicate address
/// detection a second or two, without it no time.
fn hears_nothing_before_its_start(nic: &Nic, accept_dad: u8) {
    let lab = Lab::new();
    let peer = start_host(&lab);
    let there = peer.packets("vxlan-267");
    lab.ok(&format!(
        "echo {accept_dad} >/proc/sys/net/ipv6/conf/default/accept_dad"
    ));
    let addresses = lab.addresses();
    let machine = Machine::new(&lab, "web1", std::slice::from_ref(nic));
    machine.call("prepare");
    let tap = machine.plug().remove(0);
    // The kernel makes the link-local address usable, reports its groups and asks for routers in one
    // go, under the lock that the next change of a link waits for.
    addresses.wait_usable(lab.index_of(nic.tap()));
    lab.ok(&format!("ip link set dev {} alias waiting", nic.tap()));

    machine.call("start");
    let ping = frames::echo_request(peer_v4(), web1());
    there.send(&ping);
    let first = tap.receive(SOON, |_| true);
    assert_eq!(first, Some(ping), "the first frame of all is the peer's");
}

#[test]
fn a_named_tap_hears_nothing_before_its_start() {
    hears_nothing_before_its_start(&web1_nic(), 1);
    hears_nothing_before_its_start(&web1_nic(), 0);
}

#[test]
fn a_tap_that_libvirt_names_hears_nothing_before_its_start() {
    let nic = Nic::new(BRIDGE, "vnet0", "fa:16:3e:be:71:21").named_by_libvirt();
    hears_nothing_before_its_start(&nic, 1);
    hears_nothing_before_its_start(&nic, 0);
}

#[test]
fn no_program_of_the_host_sends_into_the_tap_of_a_machine() {
    let lab = Lab::new();
    start_host(&lab);
    let socket = lab.udp_socket("[::]:0");
    let machine = Machine::new(&lab, "web1", &[web1_nic()]);
    machine.call("prepare");
    let addresses = lab.addresses();
    let _tap = machine.plug();
    addresses.wait_usable(lab.index_of(TAP));
    let all_nodes = SocketAddrV6::new("ff02::1".parse().unwrap(), 9, 0, lab.index_of(TAP));
    let refused = socket.send_to(b"hello", all_nodes).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::PermissionDenied);

    machine.call("start");
    lab.ok(&format!("ip address add 10.9.9.1/24 dev {TAP}"));
    let socket = lab.udp_socket("10.9.9.1:0");
    let refused = socket.send_to(b"hello", "10.9.9.2:9").unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::PermissionDenied);
}

/// A tap of other software, to which the host routes: whatever it is called.
#[test]
fn the_host_still_finds_its_neighbours_on_taps_of_others() {
    let lab = Lab::new();
    start_host(&lab);
    let machine = Machine::new(&lab, "web1", &[web1_nic()]);
    machine.call("prepare");
    for name in ["vnet7", "vpn0"] {
        let tap = lab.tap(name);
        lab.ok(&format!("ip address add {HOST}/64 dev {name} nodad"));
        let socket = lab.udp_socket(&format!("[{HOST}]:7000"));
        meets(&tap, &socket);
    }
}

const HOST: &str = "2001:db8:9::1";
const GUEST: &str = "2001:db8:9::2";

/// The host asks for the guest, the guest answers and gets what the host had to say; the guest asks
/// for the host, and the host answers.
///
/// The guest answers as often as it is asked: the kernel puts the route of a new address into its table
/// some time after it has begun to use the address, and drops what comes for it before.
fn meets(tap: &Tap, socket: &UdpSocket) {
    let guest = end("fa:16:3e:00:09:02", GUEST);
    let mut here = [&about(GUEST)[..], &[2, 1], &guest.mac].concat();
    here[0] = 0x60; // solicited, override
    socket.send_to(b"hello", (guest.ip, 9)).unwrap();
    let datagram = tap.receive(SOON, |frame| {
        if is_icmpv6(135)(frame) {
            tap.send(&frames::icmpv6(guest, sender(frame), 136, &here));
        }
        frame.ends_with(b"hello")
    });
    let datagram = datagram.expect("the host found its neighbour");

    let who = [&about(HOST)[..], &[1, 1], &guest.mac].concat();
    tap.send(&frames::icmpv6(guest, sender(&datagram), 135, &who));
    let answer = tap.receive(SOON, is_icmpv6(136));
    assert!(answer.is_some(), "the host answers its neighbour");
}

/// The host, as it has sent this.
fn sender(frame: &[u8]) -> End {
    End {
        mac: frame[6..12].try_into().unwrap(),
        ip: HOST.parse().unwrap(),
    }
}

fn is_icmpv6(kind: u8) -> impl Fn(&[u8]) -> bool {
    move |frame| frame[12..14] == [0x86, 0xdd] && frame[20] == 58 && frame[54] == kind
}
