//! The laws of plans, transactions and records, over random hosts.
//!
//! Each law is one test with the law as its name. A host is played from nothing: batches of wants
//! are admitted and settled, and their plans run on a [kernel](kernel::Kernel) of our own that
//! refuses what the real one refuses.
#![expect(
    clippy::disallowed_types,
    reason = "the laws of the guard are tried on the kernel, by nft"
)]

#[path = "../firewall_model/mod.rs"]
mod firewall_model;
mod guard;
mod hosts;
mod ipset;
mod kernel;
mod nft;
mod order;
mod records;
mod reload;
mod renewal;
mod transactions;
