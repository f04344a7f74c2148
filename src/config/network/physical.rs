//! The keys of networks on a device of the host: `vlan` and `flat`.

use super::{Context, NetworkFacts, Table, Value};
use crate::model::VlanId;

/// One VLAN of a physical network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VlanConfig {
    /// The name of its device in `[host.physical_networks]`.
    pub physical_network: String,
    /// Its number on the wire.
    pub vlan: VlanId,
}

/// A physical network itself, without a tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FlatConfig {
    /// The name of its device in `[host.physical_networks]`.
    pub physical_network: String,
}

/// What was read of the keys.
pub(super) struct Keys {
    physical_network: Option<String>,
    vlan: Option<VlanId>,
}

impl Keys {
    pub(super) fn read(context: &Context<'_>, table: &mut Table<'_>) -> Self {
        Self {
            physical_network: table
                .optional("physical_network", |value| context.physical_network(value)),
            vlan: table.optional("vlan", Value::number::<VlanId>),
        }
    }

    /// The network of type `vlan` that they make.
    pub(super) fn vlan<'a>(
        self,
        facts: &mut NetworkFacts<'a>,
        table: &mut Table<'a>,
    ) -> Option<VlanConfig> {
        for key in ["physical_network", "vlan"] {
            missing(table, key, "vlan");
        }
        let (physical_network, vlan) = self.physical_network.zip(self.vlan)?;
        let place = (physical_network.clone(), Some(vlan));
        facts.physical = table.value("vlan").map(|value| (place, value.site));
        Some(VlanConfig {
            physical_network,
            vlan,
        })
    }

    /// The network of type `flat` that they make.
    pub(super) fn flat<'a>(
        self,
        facts: &mut NetworkFacts<'a>,
        table: &mut Table<'a>,
    ) -> Option<FlatConfig> {
        missing(table, "physical_network", "flat");
        let physical_network = self.physical_network?;
        let place = (physical_network.clone(), None);
        let value = table.value("physical_network");
        facts.physical = value.map(|value| (place, value.site));
        Some(FlatConfig { physical_network })
    }
}

fn missing(table: &mut Table<'_>, key: &str, kind: &str) {
    if !table.has(key) {
        table.complain(format!("a {kind} network needs {key:?}, which is missing"));
    }
}
