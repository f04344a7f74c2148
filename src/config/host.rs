//! `[host]`: this host on the underlay, and how long it lets libvirt wait.

use std::collections::BTreeMap;
use std::time::Duration;

use super::error::{Checked, ConfigErrors};
use super::local_ip::{self, LocalIp};
use super::table::Table;
use super::value::Value;
use crate::model::IfName;

/// What `[host]` says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostConfig {
    /// The address from which and to which VXLAN packets go; networks of type `vxlan` need it.
    pub local_ip: Option<LocalIp>,
    /// UDP destination port of VXLAN packets: the kernel's and Neutron's 8472 if not given.
    pub vxlan_port: u16,
    /// How long a hook may take by which a domain comes.
    pub hook_timeout: Duration,
    /// The devices that carry networks of type `vlan` and `flat`, by the names that these have for
    /// them: one file can serve hosts whose devices are named otherwise.
    pub physical_networks: BTreeMap<String, IfName>,
}

impl Default for HostConfig {
    fn default() -> Self {
        Self {
            local_ip: None,
            vxlan_port: 8472,
            hook_timeout: Duration::from_secs(15),
            physical_networks: BTreeMap::new(),
        }
    }
}

pub(super) fn read(mut table: Table<'_>) -> Checked<HostConfig> {
    let default = HostConfig::default();
    let local_ip = table.optional("local_ip", local_ip::read);
    let vxlan_port = table.optional("vxlan_port", |value| value.integer(1..=65535));
    let hook_timeout = table.optional("hook_timeout", |value| value.integer(5..=120));
    let physical_networks = table.optional("physical_networks", physical_networks);
    table.finish(Some(HostConfig {
        local_ip,
        vxlan_port: vxlan_port.unwrap_or(default.vxlan_port),
        hook_timeout: hook_timeout.map_or(default.hook_timeout, Duration::from_secs),
        physical_networks: physical_networks.unwrap_or_default(),
    }))
}

/// A device for each name. Two names of one device would hide that two networks are one.
fn physical_networks(value: &Value<'_>) -> Checked<BTreeMap<String, IfName>> {
    let table = value.table()?;
    let (mut devices, mut errors) = (BTreeMap::<String, IfName>::new(), Vec::new());
    for (name, _, value) in table.entries() {
        match value.parse::<IfName>() {
            Err(some) => errors.extend(some),
            Ok(device) => {
                let other = devices.iter().find(|(_, other)| **other == device);
                if let Some((other, _)) = other {
                    errors.push(value.error(format!("{device} is also that of {other:?}")));
                }
                devices.insert(name.to_owned(), device);
            }
        }
    }
    ConfigErrors::of(errors).map_or(Ok(devices), Err)
}
