//! A network on a bridge that is the host's, and goes on being so.

mod lending;
mod refusals;
mod stage;
mod traffic;
