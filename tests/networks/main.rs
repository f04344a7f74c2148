//! Every type of network on a real kernel: its links as the machine that needs it starts, and nothing
//! of it once the last one has stopped.
//!
//! The test plays libvirt, in a network namespace of its own, or in one of three that are the hosts of
//! one underlay ([`hosts`]).

#![expect(
    clippy::disallowed_macros,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "these tests are about files, sockets, processes and the kernel, and print what they measure"
)]

#[path = "../support/mod.rs"]
mod support;

mod adopt;
mod between_hosts;
mod evpn;
mod existing;
mod flat;
mod host_end;
mod hosts;
mod inventory;
mod keep;
mod local;
mod local_ip;
mod neutron;
mod routing;
mod vxlan;
