//! An interface as a port: who it may be and what it may do, and who says so.

use std::collections::BTreeSet;
use std::fmt;
use std::net::IpAddr;

use ipnet::IpNet;
use serde::Serialize;

use super::security::{no_filters, security};
use crate::config::{Config, DeviceOwner, NetworkConfig, PortConfig, Section};
use crate::domain::{Domain, PortMetadata};
use crate::model::{
    AllowedAddressPair, IfName, MacAddr, Port, PortSecurity, Remote, RemoteGroup, SecurityGroup,
};

/// Who says what a field of a port is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// `[port.NAME]` in the configuration.
    Port(String),
    /// The domain's own metadata.
    Metadata,
    /// Nova's metadata.
    Nova,
    /// The network's defaults in the configuration.
    Network(String),
    /// `[firewall]` in the configuration, or what holds without it.
    Firewall,
    /// Nobody: it is what holds where nobody says anything.
    BuiltIn,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Port(name) => write!(f, "[port.{name}]"),
            Self::Metadata => f.write_str("domain metadata"),
            Self::Nova => f.write_str("Nova metadata"),
            Self::Network(name) => write!(f, "[network.{name}]"),
            Self::Firewall => f.write_str("[firewall]"),
            Self::BuiltIn => f.write_str("built in"),
        }
    }
}

/// Who said each field that may come from several places.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Origins {
    /// The addresses.
    pub fixed_ips: Origin,
    /// What it may use besides.
    pub address_pairs: Origin,
    /// The security groups.
    pub security_groups: Origin,
    /// How much of it is checked.
    pub security: Origin,
}

/// A port, and who said so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResolvedPort {
    /// The port, without a tap.
    pub port: Port,
    /// Who said so.
    pub origins: Origins,
}

/// Everything that may say something about a port. The domain is missing where the hook was handed
/// a network's port alone.
#[derive(Debug, Clone, Copy)]
pub struct Sources<'a> {
    /// The configuration.
    pub config: &'a Config,
    /// The network it is on.
    pub network: &'a NetworkConfig,
    /// The domain, where its XML is at hand.
    pub domain: Option<&'a Domain>,
}

/// The port that an interface with this MAC address and target is on this network.
///
/// # Errors
/// Why it cannot be one: an unknown security group, metadata that is wrong, no address, a target
/// that no safe name is, filters for a port that is not filtered.
pub fn port(mac: MacAddr, target: Option<&str>, from: Sources<'_>) -> Result<ResolvedPort, String> {
    let target = target
        .map(str::parse::<IfName>)
        .transpose()
        .map_err(|error| error.to_string())?;
    let configured = match from.config.port(mac, &from.network.name) {
        Some(Ok(port)) => Some(port),
        Some(Err(errors)) => return Err(errors.to_string()),
        None => None,
    };
    let metadata = metadata(mac, from)?;
    let security = security(configured, metadata, from)?;
    let fixed_ips = fixed_ips(configured, metadata, target.as_ref(), from)?;
    let fixed_ips = match fixed_ips {
        None if !security.0.is_filtered() => (Vec::new(), security.1.clone()),
        given => given.ok_or(NO_ADDRESS)?,
    };
    let groups = groups_of(configured, metadata, &security, from)?;
    let remote_groups = remote_groups(&groups.0, from.config)?;
    let pairs = pairs(mac, configured, metadata, from.network);
    let given = (!pairs.0.is_empty()).then_some(&pairs.1);
    let what = ("allowed address pairs", "allowed_address_pairs");
    no_filters(&security, what, given)?;
    Ok(ResolvedPort {
        port: Port {
            network: from.network.id.clone(),
            mac,
            tap: None,
            target,
            fixed_ips: fixed_ips.0,
            ipv6_addresses: from.network.ipv6_addresses,
            dhcp_servers: from.network.dhcp_servers.clone(),
            allowed_address_pairs: pairs.0,
            security_groups: groups.0,
            remote_groups,
            security: security.0,
        },
        origins: Origins {
            fixed_ips: fixed_ips.1,
            address_pairs: pairs.1,
            security_groups: groups.1,
            security: security.1,
        },
    })
}

const NO_ADDRESS: &str = "no fixed IP is known for it; add a [port.NAME] with its mac and fixed_ips (an empty list \
     lets it use any address), or <vmhook:fixed-ip> to the domain's metadata";

/// The domain's own words about this port: those that name the network before those that name none.
fn metadata(mac: MacAddr, from: Sources<'_>) -> Result<Option<&PortMetadata>, String> {
    let Some(domain) = from.domain else {
        return Ok(None);
    };
    let entries = domain.metadata_of(mac).map_err(ToString::to_string)?;
    let named = |entry: &&PortMetadata| entry.network.as_deref() == Some(&from.network.name);
    let entry = entries.iter().copied().find(named);
    let entry = entry.or_else(|| {
        entries
            .iter()
            .copied()
            .find(|entry| entry.network.is_none())
    });
    Ok(entry)
}

/// Its addresses; `None` if nobody tells them.
fn fixed_ips(
    configured: Option<&PortConfig>,
    metadata: Option<&PortMetadata>,
    target: Option<&IfName>,
    from: Sources<'_>,
) -> Result<Option<(Vec<IpAddr>, Origin)>, String> {
    if let Some(PortConfig {
        name,
        fixed_ips: Some(ips),
        ..
    }) = configured
    {
        return Ok(Some((ips.clone(), Origin::Port(name.clone()))));
    }
    if let Some(entry) = metadata.filter(|entry| !entry.fixed_ips.is_empty()) {
        return Ok(Some((entry.fixed_ips.clone(), Origin::Metadata)));
    }
    let nova = from
        .domain
        .zip(target)
        .and_then(|(domain, tap)| domain.nova_port(tap.as_str()));
    if let Some(nova) = nova {
        let ips = nova.fixed_ips.clone().map_err(|error| error.to_string())?;
        return Ok((!ips.is_empty()).then_some((ips, Origin::Nova)));
    }
    Ok(None)
}

/// What the port may use besides its fixed addresses.
fn pairs(
    mac: MacAddr,
    configured: Option<&PortConfig>,
    metadata: Option<&PortMetadata>,
    network: &NetworkConfig,
) -> (Vec<AllowedAddressPair>, Origin) {
    let by_port = configured.and_then(|port| {
        let pairs = port.allowed_address_pairs.as_ref()?;
        Some((pairs, Origin::Port(port.name.clone())))
    });
    let by_metadata = metadata.map(|entry| (&entry.allowed_address_pairs, Origin::Metadata));
    let by_metadata = by_metadata.filter(|(pairs, _)| !pairs.is_empty());
    let Some((pairs, origin)) = by_port.or(by_metadata) else {
        return (Vec::new(), Origin::Network(network.name.clone()));
    };
    let pair = |(ip, other): &(IpNet, Option<MacAddr>)| AllowedAddressPair {
        ip: *ip,
        mac: other.unwrap_or(mac),
    };
    (pairs.iter().map(pair).collect(), origin)
}

/// Its security groups, whole. A port that is not filtered has none, also where its network has some
/// for all of its ports.
fn groups_of(
    configured: Option<&PortConfig>,
    metadata: Option<&PortMetadata>,
    security: &(PortSecurity, Origin),
    from: Sources<'_>,
) -> Result<(Vec<SecurityGroup>, Origin), String> {
    let (names, said) = group_names(configured, metadata, from.network);
    if !security.0.is_filtered() {
        let of_its_own = !names.is_empty() && !matches!(said, Origin::Network(_) | Origin::BuiltIn);
        let given = of_its_own.then_some(&said);
        no_filters(security, ("security groups", "security_groups"), given)?;
        return Ok((Vec::new(), security.1.clone()));
    }
    let mut groups = groups(&names, &said, from.config)?;
    let owner = configured.and_then(|port| port.device_owner);
    if owner == Some(DeviceOwner::Service) {
        // As in Neutron: whether these are stateful nobody asks.
        for group in &mut groups {
            group.stateless = false;
        }
    }
    Ok((groups, said))
}

fn group_names(
    configured: Option<&PortConfig>,
    metadata: Option<&PortMetadata>,
    network: &NetworkConfig,
) -> (Vec<String>, Origin) {
    if let Some(PortConfig {
        name,
        security_groups: Some(groups),
        ..
    }) = configured
    {
        return (groups.clone(), Origin::Port(name.clone()));
    }
    if let Some(entry) = metadata.filter(|entry| !entry.security_groups.is_empty()) {
        return (entry.security_groups.clone(), Origin::Metadata);
    }
    let said = match network.security_groups {
        Some(_) => Origin::Network(network.name.clone()),
        None => Origin::BuiltIn,
    };
    (network.default_groups(), said)
}

fn groups(names: &[String], said: &Origin, config: &Config) -> Result<Vec<SecurityGroup>, String> {
    let place = match said {
        Origin::Port(name) => config.place(Section::Port, name),
        Origin::Network(name) => config.place(Section::Network, name),
        Origin::Metadata | Origin::Nova | Origin::Firewall | Origin::BuiltIn => None,
    };
    let whence = place.map_or_else(|| said.to_string(), ToString::to_string);
    let group = |name: &String| match config.security_group(name) {
        Some(Ok(group)) => Ok(group.clone()),
        Some(Err(errors)) => Err(errors.to_string()),
        None => Err(format!("security group {name:?} is not defined ({whence})")),
    };
    names.iter().map(group).collect()
}

/// The other groups that the rules of these name, as they are defined now.
fn remote_groups(groups: &[SecurityGroup], config: &Config) -> Result<Vec<RemoteGroup>, String> {
    let rules = groups.iter().flat_map(|group| &group.rules);
    let named = rules.filter_map(|rule| match &rule.remote {
        Remote::Group(name) => Some(name.as_str()),
        Remote::Any | Remote::Prefix(_) => None,
    });
    let is_own = |name: &&str| groups.iter().any(|group| group.name == *name);
    let others: BTreeSet<&str> = named.filter(|name| !is_own(name)).collect();
    let group = |name: &str| match config.security_group(name) {
        Some(Ok(group)) => Ok(group.into()),
        Some(Err(errors)) => Err(errors.to_string()),
        None => Err(format!(
            "security group {name:?}, which a rule names, is not defined"
        )),
    };
    others.into_iter().map(group).collect()
}
