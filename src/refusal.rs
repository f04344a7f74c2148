//! A start that is refused, and why.

use std::fmt;

use crate::model::MacAddr;

/// A start that is refused: one line that names domain, interface and cause.
///
/// The operator reads it in `virsh start`'s error, so it says what to do where that is not plain.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, serde::Serialize, serde::Deserialize)]
pub struct Refusal {
    /// The domain's name.
    pub domain: String,
    /// The interface, where one is at fault.
    pub interface: Option<MacAddr>,
    /// What is wrong: a sentence fragment without a full stop.
    pub cause: String,
}

impl Refusal {
    /// A refusal over one interface.
    pub fn of_interface(domain: &str, interface: MacAddr, cause: impl fmt::Display) -> Self {
        Self {
            domain: domain.to_owned(),
            interface: Some(interface),
            cause: cause.to_string(),
        }
    }

    /// A refusal over the domain as a whole.
    pub fn of_domain(domain: &str, cause: impl fmt::Display) -> Self {
        Self {
            domain: domain.to_owned(),
            interface: None,
            cause: cause.to_string(),
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let printable = |character: char| {
            if character.is_control() {
                '?'
            } else {
                character
            }
        };
        let domain: String = self.domain.chars().map(printable).collect();
        write!(f, "domain {domain}")?;
        if let Some(mac) = self.interface {
            write!(f, ", interface {mac}")?;
        }
        write!(f, ": {}", self.cause)
    }
}
