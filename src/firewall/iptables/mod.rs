//! Neutron's iptables chains: written, read back, and compared as values.
//!
//! The rules are the Linux bridge agent's, line for line and comment for comment, so that an
//! operator finds what they know and tools that read those chains go on working.
//!
//! ```text
//! FORWARD ─▶ neutron-filter-top ─▶ <prefix>-local
//!         └▶ <prefix>-FORWARD ─ two lines a port ─▶ <prefix>-sg-chain
//!                                                     ├ out of the tap ─▶ <prefix>-i<port> ─┐
//!                                                     ├ into the bridge ▶ <prefix>-o<port> ─┤
//! INPUT   ─▶ <prefix>-INPUT ─── one line a port ───────────────────────────────▲        │
//!                                                     └ ACCEPT      <prefix>-s<port> ◀┘  │
//!                                                                   <prefix>-sg-fallback ◀┘
//! ```
//!
//! - [`Rule`] is one line without `-A CHAIN`. Its text is exactly what `iptables-save` prints, so
//!   it comes back from the kernel as the same value, with the nft and the legacy variant.
//! - [`Ruleset`] is what of one family is *ours*: [owned chains](Chain::Owned) whole and in order,
//!   [shared chains](Chain::Shared) as sets of lines, and the jumps from the built-in chains. The
//!   rules of other programs are not in it at all.
//! - [`skeleton()`], [`network_rules`] and [`port_rules`] compile; [`Ruleset::merge`] joins.
//! - [`parse_save`] reads what the kernel has; what no [`Ruleset`] can hold (a foreign line in a
//!   chain of ours, a jump twice or not at the top) is noted in [`Observed`] and repaired.
//! - [`diff()`] and [`repair`] give [`Changes`], whose text goes to `iptables-restore --noflush`.
//!   A table is one transaction.

mod address;
mod chain_name;
mod comment;
mod compile;
mod count;
mod diff;
mod display;
mod existing;
mod flat;
mod host_end;
mod network;
mod options;
mod parse;
mod protocol;
mod restore;
mod rule;
mod ruleset;
mod save;
mod set_name;
mod skeleton;
mod suffix;
mod words;

pub use chain_name::{ChainName, ChainNameError, ChainPrefix, ChainPrefixError};
pub use comment::Comment;
pub use count::RuleCount;
pub use diff::{Changes, diff, repair};
pub use existing::{existing_rules, host_side_rules};
pub use flat::port_rules;
pub use host_end::host_end_rules;
pub use network::{Place, network_rules};
pub use options::Options;
pub use parse::RuleError;
pub use rule::{CtState, CtStates, Match, Physdev, ProtocolNumber, Rule, SetSide, Side, Target};
pub use ruleset::{Builtin, Chain, Ruleset, RulesetError, Table};
pub use save::{Observed, parse_save, parse_save_of};
pub use set_name::{SetName, SetNameError};
pub use skeleton::skeleton;
pub use suffix::{ChainSuffix, chain_suffix};
