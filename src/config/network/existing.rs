//! The keys of a network on a bridge of the host's: `bridge` and what goes with it.

use std::collections::BTreeSet;

use super::{Table, Value};
use crate::model::{ExistingBridge, IfName};

/// The keys that only such a network has.
pub(super) const KEYS: [&str; 3] = ["uplinks", "trusted_ports", "host_unfiltered"];

/// What was read of them.
pub(super) struct Keys {
    uplinks: Option<Vec<IfName>>,
    trusted_ports: Option<Vec<IfName>>,
    host_unfiltered: Option<bool>,
}

impl Keys {
    pub(super) fn read(table: &mut Table<'_>) -> Self {
        let names = |value: &Value<'_>| value.set(Value::parse::<IfName>);
        Self {
            uplinks: table.optional("uplinks", names),
            trusted_ports: table.optional("trusted_ports", names),
            host_unfiltered: table.optional("host_unfiltered", Value::boolean),
        }
    }

    /// The network that they make, on a bridge of this name.
    pub(super) fn finish(self, table: &mut Table<'_>) -> ExistingBridge {
        let uplinks = BTreeSet::from_iter(self.uplinks.unwrap_or_default());
        let trusted_ports = BTreeSet::from_iter(self.trusted_ports.unwrap_or_default());
        let mut both = uplinks.intersection(&trusted_ports);
        if let Some(port) = both.next() {
            let message = format!("{port} is one of the uplinks, which are trusted anyway");
            table.complain_of("trusted_ports", message);
        }
        ExistingBridge {
            uplinks,
            trusted_ports,
            host_unfiltered: self.host_unfiltered.unwrap_or_default(),
        }
    }
}
