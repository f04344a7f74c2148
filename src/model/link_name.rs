//! Names of network devices.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The name of a network device that is safe in every text we write.
///
/// The kernel takes any 15 bytes without `/` and white space. We take `[A-Za-z0-9_.-]{1,15}` that
/// does not start with `-` and is neither `.` nor `..`: iptables reads a trailing `+` as a
/// wildcard, a leading `-` reads as an option, and nft would need quotes that it cannot escape.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct IfName(String);

/// A text that is not an [`IfName`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("device name \"{0}\" is not usable (1 to 15 of A-Z a-z 0-9 _ . -, not starting with -)")]
pub struct IfNameError(pub String);

impl IfName {
    /// The longest name the kernel takes (`IFNAMSIZ` less the closing zero).
    pub const MAX: usize = 15;

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for IfName {
    type Err = IfNameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte);
        let fits = (1..=Self::MAX).contains(&text.len()) && text.bytes().all(allowed);
        if !fits || text.starts_with('-') || text == "." || text == ".." {
            return Err(IfNameError(text.to_owned()));
        }
        Ok(Self(text.to_owned()))
    }
}

impl TryFrom<String> for IfName {
    type Error = IfNameError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<IfName> for String {
    fn from(name: IfName) -> Self {
        name.0
    }
}

impl fmt::Display for IfName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_the_names_of_the_reference() {
        for text in [
            "brqc08e7dcd-4a",
            "vxlan-267",
            "tap7a8c0a54-75",
            "vnet0",
            "eth0.1011",
        ] {
            assert_eq!(text.parse::<IfName>().unwrap().as_str(), text);
        }
    }

    #[test]
    fn refuses_wildcards_options_and_what_the_kernel_refuses() {
        for text in [
            "tap+",
            "-i",
            "",
            ".",
            "..",
            "a/b",
            "a b",
            "sixteen-letters-",
            "täp",
            "a\"b",
        ] {
            assert!(text.parse::<IfName>().is_err(), "{text}");
        }
    }
}
