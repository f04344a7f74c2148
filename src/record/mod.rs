//! What we own, written down: bytes ↔ values. Where the bytes lie is the boundary's business.
//!
//! A hook is a process that may die at any instruction, and 64 of them may run at once. A few kinds
//! of records let the next one carry on:
//!
//! | file | written by | says |
//! |---|---|---|
//! | `wants/<uuid>.<generation>` | the domain's own hook | what the domain wants |
//! | `failed/<uuid>.<generation>` | whoever holds the lock | why such a want was not applied |
//! | `incoming/<uuid>` | the domain's own hook, at `migrate` | that its next start is no start |
//! | `domains/<uuid>` | whoever holds the lock | what was applied for it |
//! | `networks/<id>` | whoever holds the lock | the network's zone, links and rules |
//! | `host` | whoever holds the lock | the skeleton, and the kernel's generation after our last act |
//! | `index` | whoever holds the lock | one line a port, for questions about the whole host |
//!
//! A want is a file of its own generation, removed once it is applied: its existence is the mark
//! that something is to be done, also after a crash, and removing an old want can never lose a new
//! one. The index is derived and made again when it disagrees with the domains there are.
//!
//! Every record carries the [`Epoch`](crate::facts::Epoch): what another boot or another network
//! namespace applied counts as nothing. Every record carries a version; one that this program
//! does not know is an error, never a guess.

mod basis;
mod domain;
mod host;
mod incoming;
mod index;
mod network;
mod said;
mod want;
mod wire;

pub use basis::Basis;
pub use domain::DomainRecord;
pub use host::HostRecord;
pub use incoming::Incoming;
pub use index::{Index, IndexLine};
pub use network::NetworkRecord;
pub use said::Said;
pub use want::{Phase, Want};
pub use wire::{RecordError, decode, encode};
