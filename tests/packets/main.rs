//! Real packets through real taps, a real bridge and a real tunnel, behind the rules that
//! `vmhook-event` makes.
//!
//! The test is libvirt: it calls the hook, opens each machine's tap and keeps it open as QEMU does.
//! So a frame that a machine sends or gets is a frame that the test writes or reads.
//!
//! ```text
//!   web1 ── tap ─┐
//!   web2 ── tap ─┼─ brqc08e7dcd-4a ── vxlan-267 ══ eth0 ═══ eth0 ══ vxlan-267   the peer
//!  (stranger) ───┘
//! ```
//!
//! What is refused is never shown by silence alone: an allowed frame follows on the same way, and
//! when that one has arrived the refused one would have, too.

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::unwrap_used,
    reason = "these tests are about processes, sockets, files and the kernel"
)]

#[path = "../support/mod.rs"]
mod support;

mod address_pairs;
mod boot;
mod clamp;
mod dhcp_servers;
mod fragments;
mod host_stack;
mod house;
mod machine;
mod malformed;
mod matrix;
mod moved;
mod reload;
mod remote_groups;
mod stateless;
mod stolen_mac;
mod stories;
mod unfiltered;
mod ways;
mod zones;

use std::net::Ipv6Addr;
use std::time::Duration;

use machine::{Machine, Nic, boot, start_host};
use support::frames::{self, BROADCAST, End, end};
use support::{Lab, Packets, Peer, Tap};

/// Long enough for any frame on a loaded machine.
const SOON: Duration = Duration::from_secs(10);

const BRIDGE: &str = "brqc08e7dcd-4a";
const TAP: &str = "tap7a8c0a54-75";
const STRANGER: &str = "fa:16:3e:55:55:55";
const OTHER_BRIDGE: &str = "brq2222aaaa-11";

/// The reference's port: IPv4 alone; ping and ssh are let in.
fn web1() -> End {
    end("fa:16:3e:be:71:21", "192.168.101.88")
}

/// A port of both families; ping and ssh are let in over both.
fn web2() -> End {
    end("fa:16:3e:be:71:22", "192.168.101.89")
}

/// The same port's IPv6 end.
fn web2_v6() -> End {
    end("fa:16:3e:be:71:22", "2001:db8:101::89")
}

/// Somebody on the bridge whom nobody knows.
fn stranger() -> End {
    end(STRANGER, "192.168.101.55")
}

/// The other host's end of the network.
fn peer_v4() -> End {
    end("fa:16:3e:00:01:01", "192.168.101.1")
}

/// The same in IPv6.
fn peer_v6() -> End {
    end("fa:16:3e:00:01:01", "2001:db8:101::1")
}

/// The body of a neighbour solicitation or advertisement about an address (RFC 4861, section 4.3).
fn about(ip: &str) -> Vec<u8> {
    let target: Ipv6Addr = ip.parse().unwrap();
    [&[0; 4][..], &target.octets()].concat()
}

fn web1_nic() -> Nic {
    Nic::new(BRIDGE, TAP, "fa:16:3e:be:71:21")
}

fn web2_nic() -> Nic {
    Nic::new(BRIDGE, "tap5c1d2e3f-89", "fa:16:3e:be:71:22")
}
