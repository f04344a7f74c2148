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
use crate::model::{MacAddr, PortSecurity};

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
    /// Whether it is filtered at all.
    pub port_security: Option<bool>,
    /// Whether it is a port of the network itself, of which nothing is checked.
    pub trusted: Option<bool>,
    /// All of the guard's checks; `None`: as its network says.
    pub hardened: Option<bool>,
    /// Who uses it.
    pub device_owner: Option<DeviceOwner>,
}

impl PortConfig {
    /// Whether it is a port of the network itself: it says so, or its owner does.
    fn is_trusted(&self) -> bool {
        let of_network = self.device_owner == Some(DeviceOwner::Network);
        self.trusted.unwrap_or(of_network)
    }

    /// Why nothing of it is filtered, where the configuration says so. A trusted port is one whatever
    /// `port_security` says, as in Neutron.
    pub fn unfiltered(&self) -> Option<PortSecurity> {
        if self.is_trusted() {
            Some(PortSecurity::Trusted)
        } else if self.port_security == Some(false) {
            Some(PortSecurity::Disabled)
        } else {
            None
        }
    }

    /// Whether it has security groups, by what the configuration says.
    pub fn is_filtered(&self) -> bool {
        self.unfiltered().is_none()
    }
}

/// Who uses a port, in Neutron's words, as far as it decides anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeviceOwner {
    /// `network:…`: the network itself, by a router or a DHCP server. Such a port is trusted.
    Network,
    /// `neutron:…`: a service of Neutron's. Its packets are tracked whatever its groups say.
    Service,
    /// Anybody else.
    Other,
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
    let fixed_ips = table.optional("fixed_ips", |value| value.set(fixed_ip));
    let pairs = |value: &Value<'a>| value.list(address_pair);
    let allowed_address_pairs = table.optional("allowed_address_pairs", pairs);
    let groups = |value: &Value<'a>| value.set(|group| context.security_group(group));
    let security_groups = table.optional("security_groups", groups);
    let port_security = table.optional("port_security", Value::boolean);
    let trusted = table.optional("trusted", Value::boolean);
    let hardened = table.optional("hardened", Value::boolean);
    let device_owner = table.optional("device_owner", device_owner);
    let port = mac.map(|(mac, _)| PortConfig {
        name: name.to_owned(),
        mac,
        network,
        fixed_ips,
        allowed_address_pairs,
        security_groups,
        port_security,
        trusted,
        hardened,
        device_owner,
    });
    if let Some(port) = &port {
        no_filters(port, &mut table);
    }
    table.finish(port)
}

/// One address; whoever writes it as an interface's, with its prefix, is told where prefixes go.
fn fixed_ip(value: &Value<'_>) -> Checked<IpAddr> {
    let text = value.string()?;
    if text.parse::<IpNet>().is_ok() {
        let message = format!(
            "{text:?} is not an IP address: write it without the prefix length; a prefix goes into \
             allowed_address_pairs"
        );
        return Err(value.error(message).into());
    }
    value.interface_address()
}

fn address_pair(value: &Value<'_>) -> Checked<(IpNet, Option<MacAddr>)> {
    let mut pair = value.table()?;
    let ip = pair.required("ip", Value::narrow_prefix);
    let mac = pair.optional("mac", Value::parse::<MacAddr>);
    pair.finish(ip.map(|ip| (ip, mac)))
}

fn device_owner(value: &Value<'_>) -> Checked<DeviceOwner> {
    let owner = value.string()?;
    Ok(if owner.starts_with("network:") {
        DeviceOwner::Network
    } else if owner.starts_with("neutron:") {
        DeviceOwner::Service
    } else {
        DeviceOwner::Other
    })
}

/// Whoever gives filters to a port that has none expects that they count.
fn no_filters(port: &PortConfig, table: &mut Table<'_>) {
    let state = match port.unfiltered() {
        Some(PortSecurity::Trusted) => "a trusted port",
        Some(_) => "a port without port security",
        None => return,
    };
    let is_some = |list: Option<usize>| list.is_some_and(|length| length > 0);
    let groups = port.security_groups.as_ref().map(Vec::len);
    let pairs = port.allowed_address_pairs.as_ref().map(Vec::len);
    for (key, given) in [
        ("security_groups", groups),
        ("allowed_address_pairs", pairs),
    ] {
        if is_some(given) {
            table.complain_of(key, format!("{state} can have none"));
        }
    }
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
