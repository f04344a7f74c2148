//! Names of ipsets.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::model::Family;

/// The name of an ipset: `[A-Za-z0-9_.-]{1,31}`, the kernel's length.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SetName(String);

/// A text that is not a [`SetName`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("set name \"{0}\" is not usable (1 to 31 of A-Z a-z 0-9 _ . -, not starting with -)")]
pub struct SetNameError(pub String);

impl SetName {
    /// How much of an id counts, as in Neutron.
    const PART: usize = 24;

    /// The name; `None` if it is not one that is safe in every text.
    pub fn new(text: &str) -> Option<Self> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte);
        let fits = (1..=31).contains(&text.len()) && text.bytes().all(allowed);
        (fits && !text.starts_with('-')).then(|| Self(text.to_owned()))
    }

    /// Neutron's name for the members of a group in one family, from the group's id, or from its
    /// name where it has none; `None` if a set cannot have it.
    pub fn of_group(key: &str, family: Family) -> Option<Self> {
        let prefix = prefix(family);
        Self::new(&format!("{prefix}{}", Self::cut(key)))
    }

    /// As much of an id or name as a set's name holds. Two groups must differ in it.
    pub fn cut(key: &str) -> &str {
        let end = key.char_indices().nth(Self::PART);
        end.map_or(key, |(end, _)| &key[..end])
    }

    /// Which family the members of a group's set have; `None` if it is no group's.
    pub fn family(&self) -> Option<Family> {
        let is_of = |family: &Family| self.0.starts_with(prefix(*family));
        Family::BOTH.into_iter().find(is_of)
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn prefix(family: Family) -> &'static str {
    match family {
        Family::Ipv4 => "NIPv4",
        Family::Ipv6 => "NIPv6",
    }
}

impl fmt::Display for SetName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for SetName {
    type Error = SetNameError;

    fn try_from(text: String) -> Result<Self, SetNameError> {
        Self::new(&text).ok_or(SetNameError(text))
    }
}

impl From<SetName> for String {
    fn from(name: SetName) -> Self {
        name.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_neutrons_of_an_id_and_fits_whatever_the_name_is() {
        let name = |key| SetName::of_group(key, Family::Ipv4).map(String::from);
        let neutrons = name("0f6f6a52-11d4-4a53-9d0d-2b1c8f7f9f01");
        assert_eq!(neutrons.as_deref(), Some("NIPv40f6f6a52-11d4-4a53-9d0d-"));
        assert_eq!(name("web").as_deref(), Some("NIPv4web"));
        assert_eq!(name("a b"), None);
        let sixty = name(&"x".repeat(64));
        assert_eq!(sixty.map(|name| name.len()), Some(29));
    }
}
