//! Many wants, one plan.
//!
//! Whoever holds the lock takes every want there is and makes one [`Transaction`] of them: the
//! records as they will be, and the plan that gets the kernel there. Nothing here reads or writes
//! anything, so a transaction can be printed, tested and thrown away.
//!
//! ```text
//! Records ─┐                       ┌─▶ Records after
//! wants  ──┼─ admit ─ accept ──────┤
//! facts  ──┘                       └─▶ Plan: (before, or the kernel read back) → after
//! ```
//!
//! Where `have` comes from decides the cost. While nobody else has touched the kernel's tables, the
//! records of the domains concerned are enough, however many VMs there are. Else the kernel is read
//! back as a whole, and the plan repairs everything.

mod admit;
mod host_end;
mod judge;
mod lending;
mod membership;
mod networks;
mod records;
mod renewal;
mod settle;
mod share;
mod tracking;

pub use admit::{admit, clashes};
pub use membership::{naming, sets, touched};
pub use records::Records;
pub use renewal::Renewal;
pub use settle::{Surroundings, Transaction, brings, leaves, settle};
