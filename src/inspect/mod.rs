//! Is everything there that was applied? `vmhook inspect`, as a function over values.
//!
//! Three things are held against each other, and each pair says something else:
//!
//! ```text
//! configuration + XML ─ today's values ┐
//!                                      ├ where each value came from; what changed since: a note
//! record: what was applied ────────────┤
//!                                      ├ a check each: there, missing, different, one too many
//! kernel, read back ───────────────────┘
//! ```
//!
//! The record is the measure. A domain is judged by what was applied for it, for its networks and
//! for all domains together (the skeleton); what is another domain's is not looked at. A line or an
//! element that nobody's record knows is one too many where it concerns this domain's devices.

mod changes;
mod check;
mod compare;
mod guard;
mod host_end;
mod links;
mod report;
mod rules;
mod sets;
mod subject;
mod values;

pub use check::{Check, Kind, Scope, Status};
pub use compare::{Scoped, compare};
pub use report::{InterfaceReport, Report, Sourced, VERSION, Verdict};
pub use subject::{Subject, inspect};
