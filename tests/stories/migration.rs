//! A guest moves to another host while it runs. Each of the two hosts has its libvirtd and vmhook;
//! the third one of the network pings the guest all the time.

use std::io::Write as _;
use std::time::Duration;

use super::reference::assert_filter_tables_are_neutrons;
use super::{ADDRESS, CONFIG, DEVICE, MAC, SOON, TAP, host, web1};
use crate::support::frames::{self, BROADCAST};
use crate::support::{Guest, Lab, Outcome, Pinged};

/// The host that the guest moves to, on the underlay.
const DESTINATION: &str = "172.16.0.33";

/// A switch that is not told where the guest has gone sends to its old place until the guest speaks
/// by itself, or for the five minutes of an entry's age.
const BOUND: Duration = Duration::from_secs(5);

/// What a host has when libvirt calls `start`, written down before and after our hook.
const LOOK: &str = r#"#!/bin/sh
[ "$2" = start ] || exit 0
{
    echo "frames $(cat /sys/class/net/tap7a8c0a54-75/statistics/rx_packets)"
    ip -brief link show master brqc08e7dcd-4a
    nft list set bridge vmhook members
    iptables -S
} >"/run/seen-by-$(basename "$0")"
"#;

/// The reference's configuration on the host with this address, beside two others.
fn config_of(address: &str) -> String {
    let flood = format!(r#"["172.16.0.31", "172.16.0.32", "{DESTINATION}"]"#);
    CONFIG
        .replace(r#"["172.16.0.32"]"#, &flood)
        .replace("172.16.0.31\" #", &format!("{address}\" #"))
}

/// The other host with libvirt and vmhook.
fn destination(source: &Lab) -> Lab {
    let lab = Lab::new();
    lab.join(source, DESTINATION);
    lab.install_hook();
    lab.configure(&config_of(DESTINATION));
    lab.install_script("qemu.d/40-before", LOOK);
    lab.install_script("qemu.d/60-after", LOOK);
    lab.start_libvirtd();
    lab
}

#[test]
fn a_guest_moves_while_it_runs_and_stays_where_a_move_fails() {
    let source = host(&config_of("172.16.0.31"));
    let destination = destination(&source);
    let peer = source.peer();
    let (before, before_there) = (source.dump(), destination.dump());
    let mut web1 = source.define(&web1());
    web1.boot();
    let running = source.dump();

    let pings = peer.keep_pinging(ADDRESS);
    refused_there(&mut web1, &destination);
    aborted_here(&mut web1, &source, &destination);
    let pinged = pings.end();
    tell("two moves that failed", &pinged);
    source.assert_unchanged_since(&running);
    destination.assert_unchanged_since(&before_there);

    let pings = peer.keep_pinging(ADDRESS);
    let network = peer.packets(DEVICE);
    web1.migrate(&destination, DESTINATION, &[]).ok();
    let announced = network.receive(SOON, |frame| {
        let rarp = [&BROADCAST[..], &frames::mac(MAC), &[0x80, 0x35]].concat();
        frame[..14] == rarp
    });
    assert!(announced.is_some(), "QEMU says where the guest is now");
    assert!(peer.pings(ADDRESS), "{}", destination.dump());
    let ssh = peer.banner(ADDRESS, 22);
    assert_eq!(ssh.as_deref(), Some("this is port 22\n"));
    assert_eq!(peer.banner(ADDRESS, 23), None, "no rule lets it in");
    let pinged = pings.end();
    tell("a move", &pinged);

    assert_was_ready(&destination);
    assert_filter_tables_are_neutrons(&destination);
    source.assert_unchanged_since(&before);
    web1.destroy();
    destination.assert_unchanged_since(&before_there);
}

/// Says what became of the pings, where everybody sees it, and that it is bearable.
#[track_caller]
#[expect(
    clippy::disallowed_methods,
    reason = "a test's println! shows only where it fails"
)]
fn tell(when: &str, pinged: &Pinged) {
    let Pinged { sent, lost, .. } = pinged;
    let silence = pinged.longest_silence;
    let line = format!("{when}: {lost} of {sent} pings lost, silent for {silence:?}\n");
    let told = std::io::stdout().write_all(line.as_bytes());
    told.expect("standard output is there");
    assert!(silence < BOUND, "{line}");
}

/// The destination's hook finds a group that is not defined there.
fn refused_there<'lab>(web1: &mut Guest<'lab>, destination: &'lab Lab) {
    let without_group = config_of(DESTINATION).replace("group.mysecurity", "group.other");
    destination.configure(&without_group);
    let refused = web1.migrate(destination, DESTINATION, &[]);
    assert_failed(&refused, "no security group is named \"mysecurity\"");
    destination.configure(&config_of(DESTINATION));
    assert_eq!(web1.state(), "running");
}

/// Somebody thinks better of it when the destination is ready and the guest's memory on its way.
fn aborted_here<'lab>(web1: &mut Guest<'lab>, source: &Lab, destination: &'lab Lab) {
    std::thread::scope(|scope| {
        // 1 MiB/s: it would take most of a minute.
        let slowly = &["--bandwidth", "1"];
        let moving = scope.spawn(|| web1.migrate(destination, DESTINATION, slowly));
        let ended = || moving.is_finished();
        until("the destination is ready", ended, || {
            !destination.read("/run/seen-by-60-after").is_empty()
        });
        until("the job can be aborted", ended, || {
            source.virsh(&["domjobabort", "web1"]).succeeded()
        });
        let moved = moving.join().expect("virsh ends");
        assert_failed(&moved, "aborted");
    });
    assert_was_ready(destination);
    destination.ok("rm /run/seen-by-*");
    assert_eq!(web1.state(), "running");
}

/// Asks until it is so, which must be before the other thing ends.
#[track_caller]
fn until(what: &str, ended: impl Fn() -> bool, is_so: impl Fn() -> bool) {
    while !is_so() {
        assert!(!ended(), "the move ended before {what}");
    }
}

#[track_caller]
fn assert_failed(outcome: &Outcome, words: &str) {
    assert!(!outcome.succeeded(), "{outcome:#?}");
    assert!(outcome.err.contains(words), "{words}: {outcome:#?}");
}

/// At `start` the tap was there and closed, and it was open behind our hook, with its rules, before
/// the guest had said anything.
#[track_caller]
fn assert_was_ready(destination: &Lab) {
    let member = format!("\"{TAP}\"");
    let (before, after) = (
        destination.read("/run/seen-by-40-before"),
        destination.read("/run/seen-by-60-after"),
    );
    for seen in [&before, &after] {
        assert!(seen.starts_with("frames 0\n"), "{seen}");
        assert!(seen.contains(&format!("\n{TAP} ")), "{seen}");
    }
    assert!(!before.contains(&member), "{before}");
    assert!(!before.contains("-i7a8c0a54-7"), "{before}");
    assert!(after.contains(&member), "{after}");
    for chain in ["i", "o", "s"] {
        let chain = format!("-A neutron-linuxbri-{chain}7a8c0a54-7 ");
        assert!(after.contains(&chain), "{chain}: {after}");
    }
}

#[test]
fn silence_is_counted_between_answers() {
    let said = "64 bytes from 192.168.101.88: icmp_seq=1 ttl=64 time=0.5 ms\n\
                64 bytes from 192.168.101.88: icmp_seq=4 ttl=64 time=0.5 ms\n\
                64 bytes from 192.168.101.88: icmp_seq=5 ttl=64 time=0.5 ms\n\n\
                6 packets transmitted, 3 received, 50% packet loss, time 100ms\n";
    let expected = Pinged {
        sent: 6,
        lost: 3,
        longest_silence: Duration::from_millis(40),
    };
    assert_eq!(Pinged::read(said), Some(expected));
}
