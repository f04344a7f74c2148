//! How much of what a port sends and gets is checked.

use std::fmt;

use serde::{Deserialize, Serialize};

/// How much of what a port sends and gets is checked. None of it opens a network to another one, or
/// to the host.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PortSecurity {
    /// Its security groups, and all of the guard.
    #[default]
    Hardened,
    /// Its security groups, and of the guard as much as Neutron's own layer 2 rules check.
    Enabled,
    /// Nothing: it has no security groups (`port_security = false`).
    Disabled,
    /// Nothing, as it belongs to the network itself: a router's or a DHCP server's port.
    Trusted,
}

impl PortSecurity {
    /// Whether it has security groups.
    pub fn is_filtered(self) -> bool {
        match self {
            Self::Hardened | Self::Enabled => true,
            Self::Disabled | Self::Trusted => false,
        }
    }
}

/// For people: `filtered, not hardened`.
impl fmt::Display for PortSecurity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Hardened => "hardened",
            Self::Enabled => "filtered, not hardened",
            Self::Disabled => "not filtered",
            Self::Trusted => "not filtered (trusted)",
        })
    }
}
