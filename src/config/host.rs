//! `[host]`: this host on the underlay, and how long it lets libvirt wait.

use std::time::Duration;

use super::error::Checked;
use super::table::Table;
use super::value::Value;
use crate::model::Vtep;

/// What `[host]` says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostConfig {
    /// The address from which and to which VXLAN packets go; networks of type `vxlan` need it.
    pub local_ip: Option<Vtep>,
    /// UDP destination port of VXLAN packets: the kernel's and Neutron's 8472 if not given.
    pub vxlan_port: u16,
    /// How long a hook may take by which a domain comes.
    pub hook_timeout: Duration,
}

impl Default for HostConfig {
    fn default() -> Self {
        Self {
            local_ip: None,
            vxlan_port: 8472,
            hook_timeout: Duration::from_secs(15),
        }
    }
}

pub(super) fn read(mut table: Table<'_>) -> Checked<HostConfig> {
    let default = HostConfig::default();
    let local_ip = table.optional("local_ip", Value::address);
    let vxlan_port = table.optional("vxlan_port", |value| value.integer(1..=65535));
    let hook_timeout = table.optional("hook_timeout", |value| value.integer(5..=120));
    table.later("physical_networks", Value::anything);
    table.finish(Some(HostConfig {
        local_ip,
        vxlan_port: vxlan_port.unwrap_or(default.vxlan_port),
        hook_timeout: hook_timeout.map_or(default.hook_timeout, Duration::from_secs),
    }))
}
