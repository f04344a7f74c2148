//! Security groups as packet filter rules.
//!
//! Two steps, both pure. [`policy`] says, free of any backend, what a port may send and receive:
//! an ordered list of verdicts a direction. [`iptables`] writes that as Neutron's chains, reads
//! back what the kernel has, and finds the smallest text for `iptables-restore` between the two.
//! Members of remote groups are elements of sets ([`ipset`]). What iptables does not see is the
//! [`guard`]'s.
//! Which connections may go on under other rules, [`connection`] says.
//!
//! ```text
//! Port, Membership ─▶ policy::Policy ─▶ iptables::Ruleset (want) ─┐
//!                                                                 ├ diff ▶ Changes ▶ text
//!              iptables-save, or a record ▶ iptables::Ruleset (have) ┘
//! ```

pub mod connection;
pub mod guard;
pub mod ipset;
pub mod iptables;
mod membership;
pub mod policy;
pub mod tracking;

pub use membership::Membership;
