//! A guest's ordinary boot, as Linux and Windows do it, in each mode of `ipv6_addresses`: what it sends
//! until it has its addresses and knows its neighbours, and what routers, servers and neighbours answer.
//!
//! The guest's groups let it send what it likes, and let nothing in but pings over IPv4.

use std::cell::Cell;
use std::sync::Arc;

use super::machine::CONFIGURATION;
use super::*;
use lines::*;
use messages::{ELSEWHERE, EUI64, STABLE, STABLE_LOCAL, TEMPORARY, router};

mod lines;
mod messages;

/// A guest on a network of this mode, and the other host.
struct Scene {
    guest: Arc<Tap>,
    tunnel: Packets,
    marks: Cell<u16>,
}

impl Scene {
    /// Whether a frame arrives before the ping that is sent after it.
    fn arrives(&self, line: &Line) -> bool {
        let number = self.marks.get() + 1;
        self.marks.set(number);
        let (own, there) = (web2(), router("192.168.101.1"));
        let seen = Cell::new(false);
        let until = |mark: &[u8], frame: &[u8]| {
            seen.set(seen.get() || frame == line.frame);
            frame == mark
        };
        let told = match line.way {
            FromGuest => {
                let mark = frames::numbered_ping(own, there, number);
                self.guest.send(&line.frame);
                self.guest.send(&mark);
                self.tunnel.receive(SOON, |frame| until(&mark, frame))
            }
            ToGuest => {
                let mark = frames::numbered_ping(there, own, number);
                self.tunnel.send(&line.frame);
                self.tunnel.send(&mark);
                self.guest.receive(SOON, |frame| until(&mark, frame))
            }
        };
        assert!(told.is_some(), "the ping behind {} arrives", line.what);
        seen.get()
    }
}

/// The guest's network has this mode, and its group lets in pings over IPv4 alone.
fn configuration(mode: &str) -> String {
    let network = format!("mtu = 1450\nipv6_addresses = \"{mode}\"");
    let besides = "  { protocol = \"ipv6-icmp\" },\n  { protocol = \"tcp\", port = 22 },\n";
    CONFIGURATION
        .replacen("mtu = 1450", &network, 1)
        .replace(besides, "")
}

/// Plays a boot on a network of this mode: what passes, and what the guest does without.
fn plays(mode: &str, passes: &[Vec<Line>], dropped: &[Vec<Line>]) {
    let lab = Lab::new();
    let peer = start_host(&lab);
    lab.configure(&configuration(mode));
    let (_web2, guest) = boot(&lab, "web2", web2_nic());
    let scene = Scene {
        guest,
        tunnel: peer.packets("vxlan-267"),
        marks: Cell::new(0),
    };
    let fare = |lines: &[Vec<Line>], arrive: bool| -> Vec<&'static str> {
        let lines = lines.iter().flatten();
        lines
            .filter(|line| scene.arrives(line) != arrive)
            .map(|line| line.what)
            .collect()
    };
    assert_eq!(fare(passes, true), [""; 0], "these do not arrive");
    assert_eq!(fare(dropped, false), [""; 0], "these arrive");
}

#[test]
fn a_guest_with_listed_addresses_boots() {
    let global = "2001:db8:101::89";
    plays(
        "listed",
        &[
            address_by_dhcp(),
            neighbour_discovery(EUI64, global),
            names_and_services(EUI64),
        ],
        &[does_without(EUI64), foreign(Some(STABLE_LOCAL), TEMPORARY)],
    );
}

/// Windows makes its link-local address at random, and here has its global one from DHCPv6.
#[test]
fn a_guest_with_a_link_local_address_of_its_own_making_boots() {
    let global = "2001:db8:101::89";
    plays(
        "link-local",
        &[
            address_by_dhcp(),
            neighbour_discovery(STABLE_LOCAL, global),
            names_and_services(STABLE_LOCAL),
        ],
        &[does_without(STABLE_LOCAL), foreign(None, TEMPORARY)],
    );
}

/// Windows and desktop Linux on a network with stateless autoconfiguration.
#[test]
fn a_guest_with_stable_and_temporary_addresses_boots() {
    plays(
        "prefix",
        &[
            address_by_dhcp(),
            neighbour_discovery(STABLE_LOCAL, STABLE),
            neighbour_discovery(EUI64, TEMPORARY),
            names_and_services(STABLE_LOCAL),
        ],
        &[does_without(STABLE_LOCAL), foreign(None, ELSEWHERE)],
    );
}
