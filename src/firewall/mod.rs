//! Firewall.
pub mod guard;
