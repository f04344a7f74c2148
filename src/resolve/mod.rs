//! From what libvirt and the configuration say to what a domain wants.
//!
//! [`ours`] picks the interfaces that stand on managed bridges; everything about any other one is
//! none of our business, and a domain without one is let through whatever else is wrong. [`port()`]
//! makes a [`Port`](crate::model::Port) of an interface: for each field the first that says anything
//! wins of `[port]` in the configuration, the domain's metadata, Nova's metadata, the network's
//! defaults. [`network()`] makes a [`Network`](crate::model::Network) of a table of the configuration
//! and what the host's links and addresses are.
//!
//! What cannot be resolved is a [`Refusal`](crate::refusal::Refusal): the domain does not start.
//!
//! ```text
//! Interface ─ ours ─▶ Claimed ─┬ network ─▶ Network
//! Config ─────────────────────┴ port ────▶ Port, and where each field came from
//! ```

mod claim;
mod network;
mod origin;
mod port;
mod security;
mod tap;

pub use claim::{Claimed, ours};
pub use network::{check_ports, destination, devices, local_ip, network};
pub use origin::{Origin, Origins};
pub use port::{ResolvedPort, Sources, port};
pub use tap::{attach, check_mtu, untold_mtu};
