//! Who says what a port is.

use std::fmt;

use serde::Serialize;

/// Who says what a field of a port is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// `[port.NAME]` in the configuration.
    Port(String),
    /// The domain's own metadata.
    Metadata,
    /// Nova's metadata.
    Nova,
    /// The network's defaults in the configuration.
    Network(String),
    /// `[firewall]` in the configuration, or what holds without it.
    Firewall,
    /// Nobody: it is what holds where nobody says anything.
    BuiltIn,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Port(name) => write!(f, "[port.{name}]"),
            Self::Metadata => f.write_str("domain metadata"),
            Self::Nova => f.write_str("Nova metadata"),
            Self::Network(name) => write!(f, "[network.{name}]"),
            Self::Firewall => f.write_str("[firewall]"),
            Self::BuiltIn => f.write_str("built in"),
        }
    }
}

/// Who said each field that may come from several places.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Origins {
    /// The addresses.
    pub fixed_ips: Origin,
    /// What it may use besides.
    pub address_pairs: Origin,
    /// The security groups.
    pub security_groups: Origin,
    /// How much of it is checked.
    pub security: Origin,
}

/// What a field is, and who says so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Said<T> {
    pub(super) what: T,
    pub(super) by: Origin,
}

impl<T> Said<T> {
    pub(super) fn new(what: T, by: Origin) -> Self {
        Self { what, by }
    }
}
