//! What a port may send and receive, as ordered verdicts, free of any backend.
//!
//! The first [`Clause`] that matches decides. The order is Neutron's and has a reason at each
//! place: what a VM needs to come up (neighbour discovery, DHCP) is before its own rules and
//! needs no security group; the source check is before everything that a VM sends but the few
//! packets that a host without an address must send; DHCP servers and router advertisements from
//! a VM are dropped before its own rules could allow them; the last clause drops.
//!
//! ```text
//! ingress: neighbour discovery, established, router advertisement, DHCP, groups, invalid, drop
//! egress:  without address, SOURCE CHECK, router advertisement, DHCP, established, groups,
//!          invalid, drop
//! ```
//!
//! A stateless port has neither *established* nor *invalid*: what its rules allow passes, the
//! answer to it only where another rule allows that.

mod clause;
mod group_rules;
mod port;
mod sources;

pub use clause::{Clause, End, Member, Reason, State, Traffic, Verdict};
pub use port::Policy;
pub use sources::Source;
