//! A reload under traffic: what stays allowed loses nothing, what does not is cut at once.

use std::sync::atomic::{AtomicU64, Ordering};

use super::machine::CONFIGURATION;
use super::ways::{Link, arrives};
use super::*;
use crate::support::Flood;

const BOTH: &str = "{ protocol = \"udp\", ports = \"5000-5001\" },\n  { protocol = \"icmp\" },";
const ONE: &str = "{ protocol = \"udp\", port = 5001 },\n  { protocol = \"icmp\" },";

fn with(rules: &str) -> String {
    CONFIGURATION.replacen("{ protocol = \"icmp\" },", rules, 1)
}

/// What the other host says to a service of the guest.
fn to_service(port: u16) -> Vec<u8> {
    frames::udp(peer_v4(), web1(), (4000, port), b"question")
}

/// What the other host answers to the guest, who has asked; no rule lets it in.
fn answer() -> Vec<u8> {
    frames::udp(peer_v4(), web1(), (53, 4000), b"answer")
}

/// What the guest says all the time.
fn said() -> Vec<u8> {
    frames::udp(web1(), peer_v4(), (4000, 53), b"said")
}

/// Both ends of each conversation have spoken: all of them are established.
fn talk(tap: &Tap, there: &Packets) {
    for port in [5000, 5001] {
        there.send(&to_service(port));
        assert!(
            tap.receive(SOON, |frame| frame == to_service(port))
                .is_some()
        );
        let reply = frames::udp(web1(), peer_v4(), (port, 4000), b"reply");
        tap.send(&reply);
        assert!(there.receive(SOON, |frame| frame == reply).is_some());
    }
    tap.send(&said());
    assert!(there.receive(SOON, |frame| frame == said()).is_some());
    there.send(&answer());
    assert!(tap.receive(SOON, |frame| frame == answer()).is_some());
}

/// How often each of some frames passes a link, up to a last one.
fn count(link: &Packets, wanted: &[Vec<u8>], last: &[u8]) -> Vec<u64> {
    let counts: Vec<AtomicU64> = wanted.iter().map(|_| AtomicU64::new(0)).collect();
    let end = link.receive(SOON, |frame| {
        for (one, count) in wanted.iter().zip(&counts) {
            count.fetch_add(u64::from(frame == one), Ordering::Relaxed);
        }
        frame == last
    });
    assert!(end.is_some(), "the last one arrives");
    counts.into_iter().map(AtomicU64::into_inner).collect()
}

/// Sends a ping each way; what passes behind it is to be counted.
fn begin((tap, plug): (&Tap, &Packets), (there, tunnel): (&Packets, &Packets)) {
    let inward = frames::numbered_ping(peer_v4(), web1(), 1);
    there.send(&inward);
    count(plug, &[], &inward);
    let outward = frames::numbered_ping(web1(), peer_v4(), 1);
    tap.send(&outward);
    count(tunnel, &[], &outward);
}

/// The noise goes on: it comes out of the tunnel's end, again and again.
fn hear(lab: &Lab, noise: &[u8]) {
    let underlay = lab.packets("vxlan-267");
    for _ in 0..50 {
        assert!(underlay.receive(SOON, |frame| frame == noise).is_some());
    }
}

#[test]
fn a_reload_cuts_what_is_not_allowed_any_more_and_loses_nothing_else() {
    let lab = Lab::new();
    let peer = start_host(&lab);
    lab.configure(&with(BOTH));
    let (_web1, tap) = boot(&lab, "web1", web1_nic());
    let (_web2, _neighbour) = boot(&lab, "web2", web2_nic());
    let there = peer.packets("vxlan-267");
    talk(&tap, &there);
    let (plug, tunnel) = (lab.packets(TAP), peer.packets("vxlan-267"));
    let (stays, goes) = ([to_service(5001), answer()], to_service(5000));
    let flood = |frame: &Vec<u8>| peer.packets("vxlan-267").flood(frame.clone());
    let forbidden = flood(&goes);
    let let_in = plug.receive(SOON, |frame| frame == goes);
    assert!(let_in.is_some());
    begin((&tap, &plug), (&there, &tunnel));
    let inward: Vec<Flood> = stays.iter().map(flood).collect();
    let outward = tap.flood(said());

    lab.configure(&with(ONE));
    let changed = lab.ok("/usr/bin/vmhook reload");
    assert_eq!(changed.lines().count(), 1, "{changed}");
    let returned = frames::numbered_ping(peer_v4(), web1(), 2);
    there.send(&returned);
    let before = count(&plug, &stays, &returned);

    hear(&lab, &goes);
    let sent: Vec<u64> = inward.into_iter().map(Flood::stop).collect();
    let sent_out = outward.stop();
    drop(forbidden);
    let last = frames::numbered_ping(peer_v4(), web1(), 3);
    there.send(&last);
    let after = count(&plug, &[&stays[..], &[goes]].concat(), &last);
    assert_eq!(after[2], 0, "nothing that is forbidden came any more");
    let arrived: Vec<u64> = before.iter().zip(&after).map(|(a, b)| a + b).collect();
    assert_eq!(
        arrived, sent,
        "nothing that is allowed was lost on its way in"
    );
    let last = frames::numbered_ping(web1(), peer_v4(), 3);
    tap.send(&last);
    let arrived = count(&tunnel, &[said()], &last);
    assert_eq!(arrived, [sent_out], "nor on its way out");

    let left = lab.ok("conntrack -L -w 4097 -p udp 2>/dev/null");
    assert_eq!(left.lines().count(), 2, "{left}");
    assert!(!left.contains("dport=5000"), "{left}");
}

/// The configuration with the port security of `web1` off.
fn unfiltered(configuration: &str) -> String {
    let groups = "security_groups = [\"mysecurity\"]\n\n[port.web2]";
    let off = configuration.replacen(groups, "port_security = false\n\n[port.web2]", 1);
    assert_ne!(off, configuration);
    off
}

#[test]
fn a_reload_takes_port_security_off_and_cuts_what_it_does_not_allow_when_it_is_on_again() {
    let lab = Lab::new();
    let peer = start_host(&lab);
    let (_web1, tap) = boot(&lab, "web1", web1_nic());
    let (_web2, neighbour) = boot(&lab, "web2", web2_nic());
    let there = peer.packets("vxlan-267");
    let (guest, tunnel) = (
        (Link::Guest(&tap), web1()),
        (Link::Tunnel(&there), peer_v4()),
    );
    let question = |port| frames::udp(peer_v4(), web1(), (4000, port), b"question");
    let reply = frames::udp(web1(), peer_v4(), (5000, 4000), b"reply");
    let asked = |own| frames::udp(own, peer_v4(), (4000, 53), b"asked");
    let answer = |to| frames::udp(peer_v4(), to, (53, 4000), b"answer");
    assert!(!arrives(tunnel, guest, &question(5000)));

    lab.configure(&unfiltered(CONFIGURATION));
    let said = lab.ok("/usr/bin/vmhook reload");
    assert!(said.contains("hardened -> not filtered"), "{said}");
    assert!(arrives(tunnel, guest, &question(5000)));
    assert!(arrives(guest, tunnel, &reply));
    assert!(arrives(guest, tunnel, &asked(web1())));
    let neighbour = (Link::Guest(&neighbour), web2());
    assert!(arrives(neighbour, tunnel, &asked(web2())));
    let as_another = frames::echo_request(stranger(), peer_v4());
    assert!(arrives(guest, tunnel, &as_another));

    lab.configure(CONFIGURATION);
    lab.ok("/usr/bin/vmhook reload");
    assert!(!arrives(guest, tunnel, &as_another));
    assert!(
        !arrives(tunnel, guest, &question(5000)),
        "no rule lets it in"
    );
    assert!(arrives(tunnel, guest, &answer(web1())), "it has asked");
    assert!(
        arrives(tunnel, neighbour, &answer(web2())),
        "and so has another"
    );
}

/// At one end the neighbour's rules drop the frame, at the other the guard, as its sender is hardened
/// there. In between both ends' rules may meet; the guard is first to come, and last to go.
#[test]
fn no_moment_of_a_reload_lets_through_what_both_ends_drop() {
    const LEASE: (u16, u16) = (4000, 68);
    let lab = Lab::new();
    let peer = start_host(&lab);
    let dual = "  { protocol = \"ipv6-icmp\" },";
    let wide = CONFIGURATION.replacen(dual, &format!("{dual}\n  {{ protocol = \"udp\" }},"), 1);
    assert_ne!(wide, CONFIGURATION);
    let ends = [wide.clone(), unfiltered(CONFIGURATION)];
    lab.configure(&ends[1]);
    let (_web1, tap) = boot(&lab, "web1", web1_nic());
    let (_web2, _neighbour) = boot(&lab, "web2", web2_nic());
    let (plug, tunnel) = (lab.packets(web2_nic().tap()), peer.packets("vxlan-267"));
    let lease = frames::udp(web1(), web2(), LEASE, b"a lease");
    let (to_neighbour, to_peer) = (
        |number| frames::numbered_ping(web1(), web2(), number),
        |number| frames::numbered_ping(web1(), peer_v4(), number),
    );
    for (link, ping) in [(&plug, to_neighbour(1)), (&tunnel, to_peer(1))] {
        tap.send(&ping);
        count(link, &[], &ping);
    }
    let forbidden = tap.flood(lease.clone());
    let allowed = tap.flood(said());
    for end in ends.iter().cycle().take(8) {
        lab.configure(end);
        lab.ok("/usr/bin/vmhook reload");
    }
    assert!(forbidden.stop() > 0);
    let sent = allowed.stop();

    tap.send(&to_neighbour(2));
    let leases = count(&plug, std::slice::from_ref(&lease), &to_neighbour(2));
    assert_eq!(leases, [0], "neither end lets it through");
    tap.send(&to_peer(2));
    let arrived = count(&tunnel, &[said()], &to_peer(2));
    assert_eq!(arrived, [sent], "and nothing is lost that both let through");

    lab.configure(&unfiltered(&wide));
    lab.ok("/usr/bin/vmhook reload");
    tap.send(&lease);
    let passes = plug.receive(SOON, |frame| frame == lease);
    assert!(passes.is_some(), "it takes both halves to let it through");
}
