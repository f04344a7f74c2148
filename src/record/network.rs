//! What was made for a network.

use serde::{Deserialize, Serialize};

use crate::facts::Epoch;
use crate::model::{Network, NetworkId, Zone};
use crate::state::HostState;

/// What was made for a network, kept until its last user is gone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NetworkRecord {
    /// The boot and network namespace it was made in.
    pub epoch: Epoch,
    /// The network as it was resolved when it was made: a changed configuration has no effect on
    /// it before its last user is gone.
    pub network: Network,
    /// Its conntrack zone.
    pub zone: Zone,
    /// A port of it was started: zone and nat rules are in.
    pub serving: bool,
    /// What it put into the kernel.
    pub applied: HostState,
}

impl NetworkRecord {
    /// The network and where its packets are tracked.
    pub fn placed(&self) -> (&Network, Zone) {
        (&self.network, self.zone)
    }

    /// The name of the file that holds a network's record.
    pub fn file_of(id: &NetworkId) -> String {
        format!("networks/{id}")
    }
}
