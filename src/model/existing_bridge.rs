//! A bridge of the host's, on which machines are.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::IfName;

/// What a network is on a bridge that is the host's: vmhook neither makes nor deletes it, and gives it
/// no name, address or MTU. Ports of it that are no machine's are named, or closed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExistingBridge {
    /// The ports that lead to other hosts.
    pub uplinks: BTreeSet<IfName>,
    /// Other ports of which nothing is filtered: of containers, of a router.
    pub trusted_ports: BTreeSet<IfName>,
    /// The host has an end of its own on the bridge, and goes on using it.
    pub host_unfiltered: bool,
}

impl ExistingBridge {
    /// Its ports that are no machine's.
    pub fn ways_out(&self) -> impl Iterator<Item = &IfName> {
        self.uplinks.union(&self.trusted_ports)
    }
}

/// Whether a bridge sends what it forwards through iptables and ip6tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct BridgeSwitches {
    /// `nf_call_iptables`
    pub iptables: bool,
    /// `nf_call_ip6tables`
    pub ip6tables: bool,
}

impl BridgeSwitches {
    /// As a bridge must have them on which machines are filtered.
    pub const ON: Self = Self {
        iptables: true,
        ip6tables: true,
    };
}

/// A bridge of the host's that has our settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lent {
    /// Its settings before, which it gets back.
    pub before: BridgeSwitches,
    /// Whether it has ours.
    pub filters: bool,
}
