//! One element of one of the guard's sets.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};

use serde::{Deserialize, Serialize};

use crate::model::{IfName, MacAddr};

/// One element of one of the guard's sets.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Element {
    /// A managed bridge: nothing passes between it and the host.
    Bridge(IfName),
    /// The tap of a VM, there or to come: the host's own stack sends nothing into it.
    Quiet(IfName),
    /// A known port of a managed bridge: a way out, or a VM's tap that is open.
    Member(IfName),
    /// A VM's tap: what it sends and gets is checked.
    Port(IfName),
    /// A MAC address that the port may send with and be sent to.
    Mac(IfName, MacAddr),
    /// An IPv4 source that goes with that MAC address.
    V4(IfName, MacAddr, Ipv4Addr),
    /// An IPv6 source that goes with that MAC address.
    V6(IfName, MacAddr, Ipv6Addr),
    /// The port has an IPv6 address: without, it neither sends nor gets IPv6.
    Has6(IfName),
    /// An address that the port may advertise as a neighbour (RFC 4861, section 4.4).
    Na(IfName, Ipv6Addr),
    /// The MAC address that the port may announce by RARP, as QEMU does after a migration.
    Rarp(IfName, MacAddr),
    /// Somebody else's element in one of our sets: set and key as nft prints them.
    Foreign(String, String),
}

impl Element {
    /// The tap or device that an element of an open port or a way out is about; `None` for the
    /// others.
    pub fn port(&self) -> Option<&IfName> {
        match self {
            Self::Port(tap)
            | Self::Mac(tap, _)
            | Self::V4(tap, ..)
            | Self::V6(tap, ..)
            | Self::Has6(tap)
            | Self::Na(tap, _)
            | Self::Rarp(tap, _)
            | Self::Member(tap) => Some(tap),
            Self::Bridge(_) | Self::Quiet(_) | Self::Foreign(..) => None,
        }
    }

    /// Whether it is about such a tap or device.
    pub(super) fn is_of(&self, such: impl FnOnce(&IfName) -> bool) -> bool {
        self.port().is_some_and(such)
    }

    /// Whether its being there closes something: such an element comes before anything opens, and
    /// goes after everything has closed.
    pub(super) fn closes(&self) -> bool {
        matches!(self, Self::Bridge(_) | Self::Quiet(_))
    }

    /// Each place where the element stands: table and set, and the key as nft writes it.
    pub(super) fn places(&self) -> Vec<(&str, String)> {
        match self {
            Self::Bridge(bridge) => vec![
                ("bridge vmhook bridges", format!("\"{bridge}\"")),
                ("inet vmhook bridges", format!("\"{bridge}\"")),
                (
                    "inet vmhook bridged",
                    format!("\"{bridge}\" . \"{bridge}\""),
                ),
            ],
            Self::Quiet(tap) => vec![("inet vmhook taps", format!("\"{tap}\""))],
            Self::Member(name) => vec![("bridge vmhook members", format!("\"{name}\""))],
            Self::Port(tap) => vec![("bridge vmhook ports", format!("\"{tap}\""))],
            Self::Mac(tap, mac) => vec![("bridge vmhook macs", format!("\"{tap}\" . {mac}"))],
            Self::V4(tap, mac, ip) => {
                vec![("bridge vmhook v4", format!("\"{tap}\" . {mac} . {ip}"))]
            }
            Self::V6(tap, mac, ip) => {
                vec![("bridge vmhook v6", format!("\"{tap}\" . {mac} . {ip}"))]
            }
            Self::Has6(tap) => vec![("bridge vmhook has6", format!("\"{tap}\""))],
            Self::Na(tap, target) => {
                let target = u128::from(*target);
                vec![("bridge vmhook na", format!("\"{tap}\" . 0x{target:032x}"))]
            }
            Self::Rarp(tap, mac) => {
                let mac = mac.to_string().replace(':', "");
                vec![("bridge vmhook rarp", format!("\"{tap}\" . 0x{mac}"))]
            }
            Self::Foreign(set, key) => vec![(set.as_str(), key.clone())],
        }
    }
}

/// Where it stands, as in an nft script: `bridge vmhook members { "tap7a8c0a54-75" }`.
impl fmt::Display for Element {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, (set, key)) in self.places().iter().enumerate() {
            let separator = if at == 0 { "" } else { ", " };
            write!(f, "{separator}{set} {{ {key} }}")?;
        }
        Ok(())
    }
}
