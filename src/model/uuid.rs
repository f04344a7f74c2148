//! A domain's identity.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A libvirt domain's UUID in lower case: who owns a record.
///
/// The name can change while the domain is shut off and may hold any character; the UUID stays,
/// and is safe as a file name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct DomainUuid(String);

/// A text that is not a UUID.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is not a UUID")]
pub struct DomainUuidError(pub String);

impl DomainUuid {
    /// The UUID as text, 36 characters, lower case.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for DomainUuid {
    type Err = DomainUuidError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let right = |(at, byte): (usize, u8)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        };
        if text.len() != 36 || !text.bytes().enumerate().all(right) {
            return Err(DomainUuidError(text.to_owned()));
        }
        Ok(Self(text.to_ascii_lowercase()))
    }
}

impl TryFrom<String> for DomainUuid {
    type Error = DomainUuidError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<DomainUuid> for String {
    fn from(uuid: DomainUuid) -> Self {
        uuid.0
    }
}

impl fmt::Display for DomainUuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_one_text_whatever_the_case() {
        let upper: DomainUuid = "DF970EC9-8410-48A6-9F04-D4621C967FCE".parse().unwrap();
        assert_eq!(upper.as_str(), "df970ec9-8410-48a6-9f04-d4621c967fce");
    }

    #[test]
    fn is_never_a_path() {
        for text in [
            "../../../../../../../../../../etc/pass",
            "",
            "df970ec9841048a69f04d4621c967fce",
        ] {
            assert!(text.parse::<DomainUuid>().is_err(), "{text}");
        }
    }
}
