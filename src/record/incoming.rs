//! A domain that is about to come from another host while it runs.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::facts::{Epoch, Process};
use crate::model::DomainUuid;

/// libvirt has told of an incoming migration. What follows, `prepare` and `start`, is the same for a
/// domain that starts anew, to the last byte of its XML: without this nobody can tell the two apart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Incoming {
    /// The boot and network namespace.
    pub epoch: Epoch,
    /// The daemon that takes the domain in. The migration ends with it.
    pub caller: Process,
    /// When it was told, since the boot.
    pub told: Duration,
}

impl Incoming {
    /// The folder of these files.
    pub const FOLDER: &'static str = "incoming";

    /// libvirt says nothing of a migration that fails before `prepare`, and the domain may start
    /// here anew some other day. From `migrate` to `start` it takes a fraction of a second, and each
    /// hook in between ends in fifteen.
    const LIMIT: Duration = Duration::from_secs(60);

    /// The name of the file that says it of a domain.
    pub fn file_of(uuid: &DomainUuid) -> String {
        format!("{}/{uuid}", Self::FOLDER)
    }

    /// Whether a `start` at that time, since the boot, may still be its end.
    pub fn may_arrive(&self, epoch: &Epoch, now: Duration) -> bool {
        self.epoch == *epoch && now.saturating_sub(self.told) < Self::LIMIT
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_believed_for_a_minute_of_its_boot() {
        let epoch = |boot: &str| Epoch {
            boot: boot.to_owned(),
            netns: 1,
        };
        let incoming = Incoming {
            epoch: epoch("this"),
            caller: Process { pid: 1, start: 1 },
            told: Duration::from_secs(100),
        };
        let at = |boot, seconds| incoming.may_arrive(&epoch(boot), Duration::from_secs(seconds));
        assert!(at("this", 100) && at("this", 159));
        assert!(!at("this", 160) && !at("next", 100));
    }
}
