//! `[port.NAME]`: who a VM's interface may be, found by its MAC address.

use std::net::IpAddr;

use ipnet::IpNet;

use super::clash;
use super::context::Context;
use super::error::Checked;
use super::object::Object;
use super::source::Site;
use super::table::Table;
use super::value::Value;
use crate::model::MacAddr;

/// A port as the configuration gives it. What is `None` here comes from elsewhere: the domain's
/// metadata, Nova's, the network's defaults.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PortConfig {
    /// Its name in the configuration.
    pub name: String,
    /// The MAC address in the domain XML.
    pub mac: MacAddr,
    /// The network it is on; `None`: whichever network has an interface with this MAC address.
    pub network: Option<String>,
    /// The addresses it may use; an empty list is any address with its own MAC address.
    pub fixed_ips: Option<Vec<IpAddr>>,
    /// What it may use besides; `None` in the place of a MAC address is its own.
    pub allowed_address_pairs: Option<Vec<(IpNet, Option<MacAddr>)>>,
    /// Its security groups; an empty list allows nothing.
    pub security_groups: Option<Vec<String>>,
}

pub(super) type PortObject<'a> = Object<'a, PortConfig, PortFacts<'a>>;

/// By what interfaces find a port, even a broken one.
#[derive(Debug, Default)]
pub(super) struct PortFacts<'a> {
    pub(super) mac: Option<(MacAddr, Site<'a>)>,
    pub(super) network: PortNetwork,
}

/// Where a port is.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum PortNetwork {
    /// On any network.
    #[default]
    Any,
    /// On this one.
    Named(String),
    /// On one whose name is wrong: the port is broken, and may be meant for any.
    Unknown,
}

pub(super) fn read<'a>(
    name: &str,
    context: &Context<'_>,
    facts: &mut PortFacts<'a>,
    mut table: Table<'a>,
) -> Checked<PortConfig> {
    let mac = table.required("mac", |value| {
        let site = value.site;
        Ok((value.parse::<MacAddr>()?, site))
    });
    facts.mac = mac;
    let network = table.optional("network", |value| context.network(value));
    facts.network = match &network {
        Some(name) => PortNetwork::Named(name.clone()),
        None if table.has("network") => PortNetwork::Unknown,
        None => PortNetwork::Any,
    };
    let fixed_ips = table.optional("fixed_ips", |value| value.set(Value::interface_address));
    let pairs = |value: &Value<'a>| value.list(address_pair);
    let allowed_address_pairs = table.optional("allowed_address_pairs", pairs);
    let groups = |value: &Value<'a>| value.set(|group| context.security_group(group));
    let security_groups = table.optional("security_groups", groups);
    not_served(&mut table);
    let port = mac.map(|(mac, _)| PortConfig {
        name: name.to_owned(),
        mac,
        network,
        fixed_ips,
        allowed_address_pairs,
        security_groups,
    });
    table.finish(port)
}

fn not_served(table: &mut Table<'_>) {
    table.only("port_security", true);
    table.later("trusted", Value::boolean);
    table.later("hardened", Value::boolean);
    table.optional("device_owner", device_owner);
}

fn address_pair(value: &Value<'_>) -> Checked<(IpNet, Option<MacAddr>)> {
    let mut pair = value.table()?;
    let ip = pair.required("ip", Value::prefix);
    let mac = pair.optional("mac", Value::parse::<MacAddr>);
    pair.finish(ip.map(|ip| (ip, mac)))
}

/// Who uses the port; only Neutron's own services get other rules for it.
fn device_owner(value: &Value<'_>) -> Checked<()> {
    let owner = value.string()?;
    if owner.starts_with("network:") || owner.starts_with("neutron:") {
        let message = format!("device_owner {owner:?} is not served yet");
        return Err(value.error(message).into());
    }
    Ok(())
}

/// Two ports with one MAC address on one network are one and the same for the switch.
pub(super) fn clashes(ports: &mut [PortObject<'_>]) {
    clash::names(ports);
    clash::mark(
        ports,
        |port| {
            let (mac, site) = port.facts.mac?;
            let known = port.facts.network != PortNetwork::Unknown;
            known.then(|| ((mac, port.facts.network.clone()), site))
        },
        |me, other| clash::between(me, other, "MAC address"),
    );
}
