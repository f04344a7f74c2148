//! What vmhook knows, in the words of other programs.
//!
//! vmhook hands out no addresses and writes no file of another program. It says what a DHCP server must be
//! told so that each VM gets the addresses that its port may use: [`Leases`] gathers who has which, and
//! [`dnsmasq`] writes it down.
//!
//! ```text
//! record: ports of domains that are up ─┐
//! configuration: [port.NAME] ───────────┴ Leases ─ dnsmasq ─▶ hosts, names, options, a configuration
//! ```

pub mod dnsmasq;
mod leases;

pub use leases::{Lease, Leases};
