//! What tests on the real thing stand on.
//!
//! A [`Lab`] is a host of its own: a libvirtd with private folders in its own namespaces, ended with
//! the test. A [`Guest`] is a virtual machine in it whose shell the test speaks to. The [`Peer`] is
//! the other host of the flood list. [`Tap`] and [`Packets`] send and take single frames, built by
//! [`frames`], where a whole guest would be too much.
//!
//! ```text
//!            lab                                    peer (namespace in the lab)
//!   guest ── tap ── bridge ── vxlan-267    vxlan-267  192.168.101.1, 2001:db8:101::1
//!                                 │            │
//!                      eth0  172.16.0.31 ── 172.16.0.32  eth0
//!                                         │
//!                            another lab, if it joins
//! ```
//!
//! Nothing here sleeps: it waits for a line, a frame or an end, and not for ever.
#![allow(
    dead_code,
    unreachable_pub,
    unused_imports,
    reason = "each test program uses a part of it"
)]
#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "tests are outside of the program's boundary"
)]

mod addresses;
pub mod call;
pub mod corpus;
mod domain;
mod dump;
pub mod frames;
mod guest;
pub mod host;
pub mod journal;
mod lab;
mod look;
mod namespace;
pub mod netns;
mod outcome;
mod packets;
mod peer;
mod permit;
mod pings;
mod vm;
pub mod world;

/// How many machines live how often: these; with `CROWD_ROUNDS` 64, and as often as it says.
pub fn crowd(count: u8, rounds: usize) -> (u8, usize) {
    let told = std::env::var("CROWD_ROUNDS").ok();
    let told = told.map(|told| told.parse().expect("CROWD_ROUNDS is a number"));
    told.map_or((count, rounds), |rounds| (64, rounds))
}

pub use addresses::Addresses;
pub use domain::{DomainSpec, Nic};
pub use guest::Guest;
pub use journal::{Entry, Journal};
pub use lab::Lab;
pub use namespace::Namespace;
pub use outcome::Outcome;
pub use packets::{Flood, Packets, Tap};
pub use peer::Peer;
pub use pings::{Pinged, Pings};
pub use vm::{Vm, VmNic};
pub use world::World;
