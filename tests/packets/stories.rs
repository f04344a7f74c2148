//! A machine's life, while its neighbours do not wait for the rules to be in.

use std::sync::atomic::{AtomicBool, Ordering};

use super::*;
use crate::support::Flood;

/// What the other host sends all the time: first what a guest may get, then what it may not.
fn neighbours_noise() -> [Vec<u8>; 6] {
    let foreign = end("fa:16:3e:99:99:99", "192.168.101.88");
    let group = end("01:00:5e:00:00:fb", "224.0.0.251");
    let group_v6 = frames::multicast("ff02::fb");
    [
        frames::arp_request(peer_v4().mac, peer_v4(), web1()),
        telnet(),
        frames::echo_request(peer_v4(), foreign),
        frames::udp(peer_v4(), group, (5353, 5353), b"?"),
        frames::udp(peer_v6(), group_v6, (5353, 5353), b"?"),
        frames::of_type(peer_v4().mac, BROADCAST, 0x88b5, b"anything at all"),
    ]
}

fn telnet() -> Vec<u8> {
    frames::tcp_syn(peer_v4(), web1(), (5000, 23))
}

/// The guest's own noise: what it may send, and what it may not.
fn honest() -> Vec<u8> {
    frames::udp(web1(), peer_v4(), (4000, 53), b"honest")
}

fn spoofed() -> Vec<u8> {
    let gateway = end("fa:16:3e:be:71:21", "192.168.101.1");
    frames::udp(gateway, web2(), (53, 4000), b"forged")
}

fn make_noise(peer: &Peer<'_>) -> Vec<Flood> {
    let sender = || peer.packets("vxlan-267");
    neighbours_noise().map(|frame| sender().flood(frame)).into()
}

/// Waits until each kind of noise has come out of the tunnel once more, after what waits there.
fn hear_noise(tunnel: &Packets) {
    while tunnel.receive(Duration::ZERO, |_| true).is_some() {}
    for kind in neighbours_noise() {
        let heard = tunnel.receive(SOON, |frame| frame == kind);
        assert!(heard.is_some(), "the noise reaches the bridge");
    }
}

/// The hook is killed before each of its changes in turn; every half-done start is closed.
#[test]
fn a_guest_hears_nothing_before_its_start_is_done_however_loud_the_neighbours_are() {
    let lab = Lab::new();
    let peer = start_host(&lab);
    let _noise = make_noise(&peer);
    let machine = Machine::new(&lab, "web1", &[web1_nic()]);
    let mut killed = 0;
    loop {
        machine.call("prepare");
        let tap = machine.plug().remove(0);
        let tunnel = lab.packets("vxlan-267");
        hear_noise(&tunnel);
        assert_eq!(
            tap.receive(Duration::ZERO, |_| true),
            None,
            "before its start"
        );

        let fault = format!("VMHOOK_FAULT=die-before:{}", killed + 1);
        let start = machine.try_to("start", &fault);
        hear_noise(&tunnel);
        // Opening the port is the last change of the kernel; records are written after it.
        let is_open = lab.ok("nft list set bridge vmhook members").contains(TAP);
        if is_open {
            only_what_is_allowed_comes(&peer, &tap);
        } else {
            assert_eq!(tap.receive(Duration::ZERO, |_| true), None, "{fault}");
        }
        machine.call("stopped");
        drop(tap);
        machine.call("release");
        if start.succeeded() {
            assert!(is_open);
            break;
        }
        assert_eq!(start.code, 128 + 9, "{start:?}");
        killed += 1;
    }
    assert!(
        killed >= 4,
        "no kill: is this built with the feature faults?"
    );
}

/// Everything that has come up to a ping: of the noise only ARP.
fn only_what_is_allowed_comes(peer: &Peer<'_>, tap: &Tap) {
    let ping = frames::numbered_ping(peer_v4(), web1(), 7);
    let allowed = &neighbours_noise()[0];
    while let Some(waiting) = tap.receive(Duration::ZERO, |_| true) {
        assert_eq!(waiting, *allowed);
    }
    peer.packets("vxlan-267").send(&ping);
    let last = tap.receive(SOON, |frame| frame != allowed);
    assert_eq!(last, Some(ping));
    let next = tap.receive(SOON, |frame| frame == allowed);
    assert!(next.is_some(), "ARP gets through");
}

/// Nothing refused passes while the rules go, and nothing at all once `stopped` is done, though
/// libvirt has not yet taken the tap away. The hook is killed before each of its changes in turn.
#[test]
fn a_machine_that_stops_is_closed_at_once() {
    let lab = Lab::new();
    let peer = start_host(&lab);
    let (_web2, neighbour) = boot(&lab, "web2", web2_nic());
    let there = peer.packets("vxlan-267");
    let _telnet = peer.packets("vxlan-267").flood(telnet());
    let machine = Machine::new(&lab, "web1", &[web1_nic()]);
    let mut killed = 0;
    loop {
        machine.call("prepare");
        let tap = machine.plug().remove(0);
        machine.call("start");
        let noise = [tap.flood(honest()), tap.flood(spoofed())];
        let heard = there.receive(SOON, |frame| frame == honest());
        assert!(heard.is_some(), "the guest is heard while it runs");

        let fault = format!("VMHOOK_FAULT=die-before:{}", killed + 1);
        let died = machine.try_to("stopped", &fault).code == 128 + 9;
        machine.call("stopped");
        is_closed(&lab, &tap, &neighbour, &there);
        drop(noise);
        drop(tap);
        machine.call("release");
        if !died {
            break;
        }
        killed += 1;
    }
    assert!(
        killed >= 3,
        "no kill: is this built with the feature faults?"
    );
}

/// The guest still speaks, and nobody hears it; it hears nobody.
fn is_closed(lab: &Lab, tap: &Tap, neighbour: &Tap, there: &Packets) {
    // What was on its way when it closed.
    let before = frames::numbered_ping(web2(), peer_v4(), 1);
    let after = frames::numbered_ping(web2(), peer_v4(), 2);
    neighbour.send(&before);
    let heard = there.receive(SOON, |frame| {
        assert_ne!(frame, spoofed());
        frame == before
    });
    assert!(heard.is_some());

    let plug = lab.packets(TAP);
    for kind in [honest(), spoofed(), honest(), spoofed()] {
        assert!(plug.receive(SOON, |frame| frame == kind).is_some());
    }
    neighbour.send(&after);
    let first = there.receive(SOON, |frame| frame == honest() || frame == after);
    assert_eq!(first, Some(after), "the guest is heard no more");
    let heard = neighbour.receive(Duration::ZERO, |frame| frame == spoofed());
    assert_eq!(heard, None, "its neighbour never heard it lie");
    let heard = tap.receive(Duration::ZERO, |frame| frame == telnet());
    assert_eq!(heard, None, "it never got what its rules refuse");
}

/// Somebody else has changed the rules, so `started` reads all back and repairs.
#[test]
fn a_conversation_outlives_a_repair() {
    let lab = Lab::new();
    let peer = start_host(&lab);
    let (machine, tap) = boot(&lab, "web1", web1_nic());
    let there = peer.packets("vxlan-267");
    tap.send(&honest());
    assert!(there.receive(SOON, |frame| frame == honest()).is_some());
    lab.ok("nft add table inet somebody
            iptables -D neutron-linuxbri-i7a8c0a54-7 -p icmp -j RETURN");

    let done = AtomicBool::new(false);
    let answers = std::thread::scope(|scope| {
        let talk = scope.spawn(|| answer_until(&done, &there, &tap));
        machine.call("started");
        done.store(true, Ordering::Relaxed);
        talk.join().unwrap()
    });
    assert!(answers > 1, "they talked all the time");

    let unasked = frames::udp(peer_v4(), web1(), (53, 4001), b"unasked");
    let ping = frames::echo_request(peer_v4(), web1());
    there.send(&unasked);
    there.send(&ping);
    let first = tap.receive(SOON, |frame| frame == unasked || frame == ping);
    assert_eq!(first, Some(ping), "ping is let in again, and nothing else");
}

/// Answers the guest's question again and again, each time when the last answer has arrived.
fn answer_until(done: &AtomicBool, there: &Packets, tap: &Tap) -> u32 {
    let mut count: u32 = 0;
    while !done.load(Ordering::Relaxed) {
        let answer = frames::udp(peer_v4(), web1(), (53, 4000), &count.to_be_bytes());
        there.send(&answer);
        let arrived = tap.receive(SOON, |frame| frame == answer);
        assert!(arrived.is_some(), "answer {count} arrives");
        count += 1;
    }
    count
}
