//! `[firewall]`: how the rules of security groups are written.

use std::fmt;
use std::str::FromStr;

use super::error::Checked;
use super::table::Table;
use super::value::Value;

/// What `[firewall]` says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FirewallConfig {
    /// What the names of all chains begin with.
    pub chain_prefix: ChainPrefix,
    /// How a packet finds the chains of its port.
    pub dispatch: Dispatch,
    /// The guard in nftables beside the rules. `false` is not served yet.
    pub hardened: bool,
    /// Remote groups become sets; without, one rule a member. No effect until a rule needs a set.
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

/// What the names of all chains begin with: Neutron's `neutron-linuxbri` if not given.
///
/// Neutron cuts its program's name at 16 characters, which leaves room for `-i` and 10 characters of
/// the port in the kernel's 28. No leading `-`, which `iptables-restore` takes for an option.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ChainPrefix(String);

/// A text that is not a [`ChainPrefix`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("chain prefix {0:?} is not usable (1 to 16 of A-Z a-z 0-9 _ -, not starting with -)")]
pub struct ChainPrefixError(pub String);

impl ChainPrefix {
    /// The longest prefix.
    pub const MAX: usize = 16;

    /// The prefix as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for ChainPrefix {
    fn default() -> Self {
        Self("neutron-linuxbri".to_owned())
    }
}

impl FromStr for ChainPrefix {
    type Err = ChainPrefixError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_-".contains(&byte);
        let fits = (1..=Self::MAX).contains(&text.len()) && text.bytes().all(allowed);
        if !fits || text.starts_with('-') {
            return Err(ChainPrefixError(text.to_owned()));
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for ChainPrefix {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

pub(super) fn read(mut table: Table<'_>) -> Checked<FirewallConfig> {
    let default = FirewallConfig::default();
    let chain_prefix = table.optional("chain_prefix", Value::parse);
    let dispatch = table.choice(
        "dispatch",
        &[("flat", Some(Dispatch::Flat)), ("tree", None)],
    );
    table.only("hardened", true);
    let ipset = table.optional("ipset", Value::boolean);
    let comments = table.optional("comments", Value::boolean);
    table.finish(Some(FirewallConfig {
        chain_prefix: chain_prefix.unwrap_or(default.chain_prefix),
        dispatch: dispatch.unwrap_or(default.dispatch),
        hardened: default.hardened,
        ipset: ipset.unwrap_or(default.ipset),
        comments: comments.unwrap_or(default.comments),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_prefix_fits_neutrons_and_the_kernels_limits() {
        for text in ["neutron-linuxbri", "v", "VM_2"] {
            assert_eq!(text.parse::<ChainPrefix>().unwrap().as_str(), text);
        }
        for text in ["", "-A", "neutron-linuxbrid", "a b", "a.b", "a\"b", "é"] {
            assert!(text.parse::<ChainPrefix>().is_err(), "{text}");
        }
    }
}
