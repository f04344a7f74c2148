//! What a reload changes that no domain owns.

use std::collections::BTreeSet;

use super::Records;
use crate::firewall::iptables::Options;
use crate::model::{Network, NetworkId};

/// What a reload makes of what all domains share.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Renewal {
    /// How rules are written from now on; `None`: as before.
    pub options: Option<Options>,
    /// Networks that stand, as they shall be. Their tunnel is the one they were made with.
    pub networks: Vec<Network>,
}

impl Renewal {
    /// Nothing is to change.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Notes the networks in the records, and says which are to be compiled anew.
    pub(super) fn note_networks(&self, records: &mut Records) -> BTreeSet<NetworkId> {
        let mut renewed = BTreeSet::new();
        for network in &self.networks {
            if let Some(record) = records.networks.get_mut(&network.id) {
                record.network = network.clone();
                renewed.insert(network.id.clone());
            }
        }
        renewed
    }

    /// Notes how rules are written, likewise.
    pub(super) fn note_options(&self, records: &mut Records) -> BTreeSet<NetworkId> {
        let (Some(options), Some(host)) = (&self.options, &mut records.host) else {
            return BTreeSet::new();
        };
        let before = std::mem::replace(&mut host.options, options.clone());
        *host = host.clone().beside(&before);
        records.networks.keys().cloned().collect()
    }
}
