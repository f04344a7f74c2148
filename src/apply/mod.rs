//! Running a plan, and everything around it that touches the machine.
//!
//! Left of here all is pure. [`settle()`] is the one road by which a want becomes true: it takes the
//! host lock, makes one transaction of every want there is, runs its plan, and writes the records.
//! It goes on until no want is left, and who waits for the lock leaves once its own is gone: so 64 hooks
//! at once cost a few transactions.
//!
//! # What a death or a failure leaves
//!
//! - Before the first change the host's record loses its generation, and gets the new one after the
//!   last other record is written; then the wants go that are applied. A hook that finds no
//!   generation reads the kernel back as a whole and repairs: so whatever a killed hook left is put
//!   right by the next one, under the same lock.
//! - A change that fails while something is being set up is undone: not by inverses, but as the way
//!   from what the kernel then has to what the records say. If that fails too, the port stays
//!   closed, the want unapplied, and the generation missing.
//! - A change that fails while something is being taken down does not stop the rest. What is left
//!   is no longer in any record, so the next repair removes it.
//! - A want whose hook died is applied by the next hook, as long as somebody can want it: the process
//!   that called the dead hook still runs, or one of the want's taps is there. Else it is withdrawn.

mod attempt;
mod batch;
mod host_end;
mod incoming;
pub mod journal;
mod links;
mod lost;
mod observe;
mod outdated;
mod purge;
mod round;
mod run;
mod served;
mod sets;
mod settle;
mod stale;
mod store;
mod survey;
mod together;
mod unplugged;
mod wants;

pub use attempt::Stuck;
pub use observe::observe;
pub use outdated::sources;
pub use purge::{Purged, purge, running};
pub use settle::{Mode, is_as_recorded, repair, settle, settle_leaving};
pub use stale::{is_live, retire_stale};
pub use store::Store;
pub use survey::{Survey, survey, survey_in_peace};
pub use together::{Decided, Standing, plan_together, settle_together};
pub use unplugged::without_unplugged;
pub use wants::Unapplied;
