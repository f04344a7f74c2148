//! Names of chains.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{Builtin, ChainSuffix};
use crate::model::Zone;

/// The name of a chain that is safe in every text we write: `[A-Za-z0-9_.-]{1,28}`, not starting
/// with `-`. The kernel's limit is 29 bytes with the closing zero (`XT_EXTENSION_MAXNAMELEN`).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ChainName(String);

/// A text that is not a [`ChainName`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("chain name \"{0}\" is not usable (1 to 28 of A-Z a-z 0-9 _ . -, not starting with -)")]
pub struct ChainNameError(pub String);

impl ChainName {
    /// The longest name that the kernel takes.
    pub const MAX: usize = 28;

    /// The chain before ours, whatever the prefix: Neutron's agents share it.
    pub fn filter_top() -> Self {
        Self("neutron-filter-top".to_owned())
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ChainName {
    type Err = ChainNameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte);
        let fits = (1..=Self::MAX).contains(&text.len()) && text.bytes().all(allowed);
        if !fits || text.starts_with('-') {
            return Err(ChainNameError(text.to_owned()));
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for ChainName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What the names of our chains start with.
///
/// Neutron takes the first 16 characters of the agent's program name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ChainPrefix(String);

/// A text that is not a [`ChainPrefix`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("chain prefix \"{0}\" is not usable (1 to 16 of A-Z a-z 0-9 _ -, not starting with -)")]
pub struct ChainPrefixError(pub String);

impl ChainPrefix {
    /// The longest prefix: `-sg-fallback` still fits behind it.
    pub const MAX: usize = 16;

    /// The prefix as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether a chain of this name is ours, to rewrite and to delete.
    ///
    /// The prefix alone does not say: with the prefix `neutron`, the chains of every agent of
    /// Neutron's start with it. What follows must be a name that we give.
    pub fn owns(&self, chain: &str) -> bool {
        let part = chain.strip_prefix(self.as_str());
        let part = part.and_then(|rest| rest.strip_prefix('-'));
        part.is_some_and(is_part_of_ours) || chain == "neutron-filter-top"
    }

    /// The chain for packets to a port.
    pub fn ingress(&self, port: &ChainSuffix) -> ChainName {
        self.chain(&format!("i{port}"))
    }

    /// The chain for packets from a port.
    pub fn egress(&self, port: &ChainSuffix) -> ChainName {
        self.chain(&format!("o{port}"))
    }

    /// The chain that checks the source of packets from a port.
    pub fn source_check(&self, port: &ChainSuffix) -> ChainName {
        self.chain(&format!("s{port}"))
    }

    /// The chain that says which packets of a network are tracked, in its zone.
    pub(super) fn zone(&self, zone: Zone) -> ChainName {
        self.chain(&format!("zone{zone}"))
    }

    /// The chain of this last part: `FORWARD`, `sg-chain`.
    pub(super) fn chain(&self, part: &str) -> ChainName {
        let name = ChainName(format!("{}-{part}", self.0));
        debug_assert!(name.0.len() <= ChainName::MAX, "{name} is too long");
        name
    }
}

fn is_part_of_ours(part: &str) -> bool {
    let builtin = Builtin::ALL.iter().any(|chain| chain.name() == part);
    builtin
        || ["local", "sg-chain", "sg-fallback"].contains(&part)
        || is_port_chain(part)
        || is_zone_chain(part)
}

fn is_zone_chain(part: &str) -> bool {
    let number = part.strip_prefix("zone").and_then(|it| it.parse().ok());
    number.is_some_and(|number: u16| Zone::try_from(number).is_ok())
}

/// `i`, `o` or `s` and a [`ChainSuffix`].
fn is_port_chain(part: &str) -> bool {
    let suffix = part.strip_prefix(['i', 'o', 's']).unwrap_or_default();
    let shape = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f' | b'-');
    suffix.len() == ChainSuffix::LENGTH && suffix.bytes().all(shape)
}

impl Default for ChainPrefix {
    /// The Linux bridge agent's.
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

impl TryFrom<String> for ChainPrefix {
    type Error = ChainPrefixError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<ChainPrefix> for String {
    fn from(prefix: ChainPrefix) -> Self {
        prefix.0
    }
}

impl fmt::Display for ChainPrefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_prefix_leaves_room_for_the_longest_chain() {
        let prefix: ChainPrefix = "sixteen-letters-".parse().unwrap();
        assert_eq!(prefix.chain("sg-fallback").as_str().len(), ChainName::MAX);
    }

    #[test]
    fn owns_what_starts_with_it_and_nothing_that_only_resembles_it() {
        let prefix = ChainPrefix::default();
        assert!(prefix.owns("neutron-linuxbri-FORWARD"));
        assert!(prefix.owns("neutron-filter-top"));
        assert!(!prefix.owns("neutron-linuxbridge"));
        assert!(!prefix.owns("neutron-openvswi-FORWARD"));
        assert!(!prefix.owns("DOCKER-USER"));
        assert!(prefix.owns("neutron-linuxbri-i7a8c0a54-7"));
        assert!(prefix.owns("neutron-linuxbri-zone4097"));
        assert!(!prefix.owns("neutron-linuxbri-zone1"));
        let short: ChainPrefix = "neutron".parse().unwrap();
        assert!(short.owns("neutron-FORWARD"));
        assert!(!short.owns("neutron-linuxbri-FORWARD"));
    }

    #[test]
    fn refuses_options_spaces_and_names_that_the_kernel_refuses() {
        for text in ["", "-x", "a b", "a\n", "a\"", "neutron-linuxbridge-agent"] {
            assert!(text.parse::<ChainPrefix>().is_err(), "{text}");
        }
        assert!(
            "neutron-linuxbri-sg-fallback-"
                .parse::<ChainName>()
                .is_err()
        );
    }
}
