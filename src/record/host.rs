//! What is there once a host.

use serde::{Deserialize, Serialize};

use crate::facts::{Epoch, IptablesBackend};
use crate::firewall::guard::Capabilities;
use crate::firewall::iptables::Options;

/// What is there once a host, while any network is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostRecord {
    /// The boot and network namespace it belongs to.
    pub epoch: Epoch,
    /// The kernel's nftables generation after our last act: while it stands, nobody else was
    /// there, and what we noted is what the kernel has. `None`: unknown, read back.
    pub generation: Option<u32>,
    /// What `iptables` speaks to.
    pub backend: IptablesBackend,
    /// What the kernel can do, probed when the tables were made.
    pub capabilities: Capabilities,
    /// How rules are written. Fixed while anything stands, so that one skeleton serves all.
    pub options: Options,
    /// The guard's fixed chains as nft printed them right after they were made.
    pub guard_chains: Vec<String>,
}

impl HostRecord {
    /// The name of the file that holds it.
    pub const FILE: &'static str = "host";
}
