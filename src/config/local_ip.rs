//! `[host] local_ip`: which address of this host its tunnels end at.

use std::fmt;

use super::error::Checked;
use super::table::Table;
use super::value::Value;
use crate::model::{Family, IfName, Vtep};

/// Which address of this host its tunnels end at. All but the first is told by the host's links, when
/// a network is resolved: so one file serves hosts that have other addresses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LocalIp {
    /// `"172.16.0.31"`
    Is(Vtep),
    /// `{ device = "eth0", family = "ipv4" }`: the only lasting address of the device.
    Of {
        /// The device.
        device: IfName,
        /// The address's family.
        family: Family,
    },
    /// `{ route_to = "172.16.0.32" }`: the one from which the host speaks to that other one.
    Towards(Vtep),
}

impl LocalIp {
    /// The family of the address: the tunnel's outside is of one family.
    pub fn family(&self) -> Family {
        match self {
            Self::Is(address) | Self::Towards(address) => Family::of(address.address()),
            Self::Of { family, .. } => *family,
        }
    }
}

impl fmt::Display for LocalIp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Is(address) => address.fmt(f),
            Self::Of { device, family } => write!(f, "the {family} address of {device}"),
            Self::Towards(other) => write!(f, "the address towards {other}"),
        }
    }
}

const FAMILIES: [(&str, Family); 2] = [("ipv4", Family::Ipv4), ("ipv6", Family::Ipv6)];

pub(super) fn read(value: &Value<'_>) -> Checked<LocalIp> {
    match value.table() {
        Ok(table) => described(table),
        Err(_) => match value.string() {
            Ok(name) if is_device(name) => Err(value
                .error(format!(
                    "{name:?} is not an IP address; if a device is meant, write {{ device = {name:?} }}"
                ))
                .into()),
            _ => value.address().map(LocalIp::Is),
        },
    }
}

/// Whether it reads like a device's name; a slip in an address does not.
fn is_device(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic()) && text.parse::<IfName>().is_ok()
}

fn described(mut table: Table<'_>) -> Checked<LocalIp> {
    let device = table.optional("device", Value::parse::<IfName>);
    let family = table.optional("family", |value| value.word(&FAMILIES));
    let route_to = table.optional("route_to", Value::address::<Vtep>);
    match (table.has("device"), table.has("route_to")) {
        (true, true) => table.complain_of("route_to", "either device or route_to, not both"),
        (false, false) => table.complain("either \"device\" or \"route_to\" is missing"),
        (false, true) if table.has("family") => {
            table.complain_of("family", "route_to is an address, which has a family");
        }
        _ => {}
    }
    let family = family.unwrap_or(Family::Ipv4);
    let device = device.map(|device| LocalIp::Of { device, family });
    table.finish(device.or_else(|| route_to.map(LocalIp::Towards)))
}
