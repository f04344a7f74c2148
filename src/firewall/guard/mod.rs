//! The guard: what is closed below iptables, in two nftables tables of our own.
//!
//! The filter table stays what Neutron makes. Everything that Neutron leaves open stands here, so
//! that an operator who knows the one is not surprised by the other:
//!
//! - `table bridge vmhook`: frames. A port of a managed bridge that is not in `members` neither
//!   gives frames to a member nor gets one from it, whatever the ethertype: hot-plugged, moved
//!   there, or not yet opened. Members of two networks (`places`) are as closed to each other, so a
//!   tap that is moved to another managed bridge is heard by nobody there. A member that is a VM's
//!   (`ports`) sends only with its own MAC and addresses, and gets no frame that is not meant for it.
//! - `table inet vmhook`: the host. It takes no packet from a managed bridge, sends none to it and
//!   routes none through it; without this a VM can address the tunnel end point itself and inject
//!   frames into any network. Its own stack sends nothing into a VM's tap.
//!
//! ```text
//!        tap ──▶ prerouting -310: from_vm ──▶ bridge ──▶ forward -310: from_member, to_vm ──▶ tap
//!                (before the bridge learns)      │
//!                                                └──▶ inet input -310: drop
//! ```
//!
//! `hardened = false` takes from a port all of this but membership, and leaves what Neutron's own layer
//! 2 rules check (`unhardened`); a port without port security, or a trusted one, is a member like any
//! other and nothing of it is checked.
//!
//! A frame that opens a TCP connection on a network that clamps goes on with a smaller offer
//! ([`Element::Clamped`]): the only thing that is ever changed in a frame.
//!
//! Where the host has an end of its own on a network ([`Element::HostEnd`]), nobody else there passes for
//! the host, and by that end a VM reaches nothing of the host but that end's own addresses.
//!
//! The chains are fixed; all that changes is [`Element`]s of sets keyed by interface, so
//! the cost of a frame does not depend on the number of VMs. *Membership*, the element
//! [`Element::Member`] of a tap, alone opens a port, and only to its own network
//! ([`Element::Place`]). It goes in last and out first, in one transaction with the port's other
//! elements.
//!
//! The rules were tried with 82 kinds of frames; what Neutron's own rules let through of them is
//! told in `docs/design.md`.

mod base;
mod class;
mod element;
mod existing;
mod from_vm;
mod host_end;
mod listing;
mod ports;
mod script;

pub use base::{Capabilities, IBRNAME_PROBE, base_id, base_script};
pub use class::{Class, ClassError};
pub use element::Element;
pub use host_end::host_end_elements;
pub use listing::{Listing, ListingError, read_tables};
pub use ports::{closed_port_elements, network_elements, port_elements};
pub use script::{Guard, GuardChange, Tables};
