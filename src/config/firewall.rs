//! `[firewall]`: how the rules of security groups are written.

use super::error::Checked;
use super::table::Table;
use super::value::Value;
use crate::firewall::iptables::ChainPrefix;

/// What `[firewall]` says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FirewallConfig {
    /// What the names of all chains begin with.
    pub chain_prefix: ChainPrefix,
    /// How a packet finds the chains of its port.
    pub dispatch: Dispatch,
    /// All of the guard's checks, for ports of which neither they nor their network say. `false`
    /// leaves as many as Neutron's own layer 2 rules make.
    pub hardened: bool,
    /// Remote groups become sets; without, one rule a member.
    pub ipset: bool,
    /// Rules carry Neutron's comments.
    pub comments: bool,
}

impl Default for FirewallConfig {
    fn default() -> Self {
        Self {
            chain_prefix: ChainPrefix::default(),
            dispatch: Dispatch::Flat,
            hardened: true,
            ipset: true,
            comments: true,
        }
    }
}

/// How a packet finds the chains of its port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dispatch {
    /// One line a port, as Neutron does.
    Flat,
}

pub(super) fn read(mut table: Table<'_>) -> Checked<FirewallConfig> {
    let default = FirewallConfig::default();
    let chain_prefix = table.optional("chain_prefix", Value::parse);
    let dispatch = table.choice(
        "dispatch",
        &[("flat", Some(Dispatch::Flat)), ("tree", None)],
    );
    let hardened = table.optional("hardened", Value::boolean);
    let ipset = table.optional("ipset", Value::boolean);
    let comments = table.optional("comments", Value::boolean);
    table.finish(Some(FirewallConfig {
        chain_prefix: chain_prefix.unwrap_or(default.chain_prefix),
        dispatch: dispatch.unwrap_or(default.dispatch),
        hardened: hardened.unwrap_or(default.hardened),
        ipset: ipset.unwrap_or(default.ipset),
        comments: comments.unwrap_or(default.comments),
    }))
}
