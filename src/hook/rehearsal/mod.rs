//! What each call would run, without running anything: `vmhook plan`.
//!
//! A [`Rehearsal`] is a [`World`] (the host as it is, or an empty one) and a domain. It plays the
//! calls of the domain's life on values, by the same functions as the hooks: what a call leaves
//! behind is what the next one starts from.
//!
//! ```text
//! World ─ prepare ─▶ World ─ start ─▶ World ─ stopped ─▶ World ─ release ─▶ World
//!            └ Plan           └ Plan           └ Plan             └ Plan
//! ```

mod existing;
mod play;
mod world;

pub use play::{Act, Rehearsal};
pub use world::World;
