//! What was applied for a domain.

use serde::{Deserialize, Serialize};

use super::Want;
use crate::model::DomainUuid;
use crate::state::HostState;

/// What was applied for a domain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DomainRecord {
    /// The want that is applied: enough to stop, repair and inspect without any configuration.
    pub want: Want,
    /// What it put into the kernel: exactly what is removed at the end, also by a later version
    /// that would compile the same port otherwise.
    pub applied: HostState,
}

impl DomainRecord {
    /// The name of the file that holds a domain's record.
    pub fn file_of(uuid: &DomainUuid) -> String {
        format!("domains/{uuid}")
    }
}
