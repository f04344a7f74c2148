//! An interface as a port: who it may be and what it may do, and who says so.

use std::collections::BTreeSet;
use std::net::IpAddr;

use ipnet::IpNet;

use super::origin::{Origin, Origins, Said};
use super::security::{no_filters, security};
use crate::config::{Config, DeviceOwner, NetworkConfig, PortConfig, Section, nearest};
use crate::domain::{Domain, PortMetadata};
use crate::model::{
    AllowedAddressPair, IfName, MacAddr, Port, PortSecurity, Remote, RemoteGroup, SecurityGroup,
};

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
    let is_filtered = security.what.is_filtered();
    let fixed_ips = match fixed_ips(configured, metadata, target.as_ref(), from)? {
        None if !is_filtered => Said::new(Vec::new(), security.by.clone()),
        given => given.ok_or(NO_ADDRESS)?,
    };
    check_not_the_hosts(&fixed_ips.what, from.network)?;
    let groups = groups_of(configured, metadata, &security, from)?;
    let remote_groups = remote_groups(&groups.what, from.config)?;
    let pairs = pairs(mac, configured, metadata);
    let given = (!pairs.what.is_empty()).then_some(&pairs.by);
    let what = ("allowed address pairs", "allowed_address_pairs");
    no_filters(&security, what, given)?;
    let dhcp_servers = from.network.dhcp_servers.as_ref();
    Ok(ResolvedPort {
        port: Port {
            network: from.network.id.clone(),
            mac,
            tap: None,
            target,
            fixed_ips: fixed_ips.what,
            ipv6_addresses: from.network.ipv6_addresses,
            dhcp_servers: dhcp_servers.filter(|_| is_filtered).cloned(),
            allowed_address_pairs: pairs.what,
            security_groups: groups.what,
            remote_groups,
            security: security.what,
        },
        origins: Origins {
            fixed_ips: fixed_ips.by,
            address_pairs: pairs.by,
            security_groups: groups.by,
            security: security.by,
        },
    })
}

/// The host has its addresses to itself: the guard lets no VM use one.
fn check_not_the_hosts(fixed_ips: &[IpAddr], network: &NetworkConfig) -> Result<(), String> {
    let mut hosts = network.host_addresses.iter().flatten();
    match hosts.find(|own| fixed_ips.contains(&own.address())) {
        Some(own) => Err(format!(
            "its address {} is the host's own on network {} (host_address); give it another one",
            own.address(),
            network.name
        )),
        None => Ok(()),
    }
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
) -> Result<Option<Said<Vec<IpAddr>>>, String> {
    if let Some(PortConfig {
        name,
        fixed_ips: Some(ips),
        ..
    }) = configured
    {
        return Ok(Some(Said::new(ips.clone(), Origin::Port(name.clone()))));
    }
    if let Some(entry) = metadata.filter(|entry| !entry.fixed_ips.is_empty()) {
        return Ok(Some(Said::new(entry.fixed_ips.clone(), Origin::Metadata)));
    }
    let nova = from
        .domain
        .zip(target)
        .and_then(|(domain, tap)| domain.nova_port(tap.as_str()));
    if let Some(nova) = nova {
        let ips = nova.fixed_ips.clone().map_err(|error| error.to_string())?;
        return Ok((!ips.is_empty()).then(|| Said::new(ips, Origin::Nova)));
    }
    Ok(None)
}

/// What the port may use besides its fixed addresses.
fn pairs(
    mac: MacAddr,
    configured: Option<&PortConfig>,
    metadata: Option<&PortMetadata>,
) -> Said<Vec<AllowedAddressPair>> {
    let by_port = configured.and_then(|port| {
        let pairs = port.allowed_address_pairs.as_ref()?;
        Some(Said::new(pairs, Origin::Port(port.name.clone())))
    });
    let by_metadata = || {
        let pairs = &metadata?.allowed_address_pairs;
        (!pairs.is_empty()).then(|| Said::new(pairs, Origin::Metadata))
    };
    let Some(Said { what, by }) = by_port.or_else(by_metadata) else {
        return Said::new(Vec::new(), Origin::BuiltIn);
    };
    let pair = |(ip, other): &(IpNet, Option<MacAddr>)| AllowedAddressPair {
        ip: *ip,
        mac: other.unwrap_or(mac),
    };
    Said::new(what.iter().map(pair).collect(), by)
}

/// Its security groups, whole. A port that is not filtered has none, also where its network has some
/// for all of its ports.
fn groups_of(
    configured: Option<&PortConfig>,
    metadata: Option<&PortMetadata>,
    security: &Said<PortSecurity>,
    from: Sources<'_>,
) -> Result<Said<Vec<SecurityGroup>>, String> {
    let names = group_names(configured, metadata, from.network);
    if !security.what.is_filtered() {
        let for_all = matches!(names.by, Origin::Network(_) | Origin::BuiltIn);
        let given = (!names.what.is_empty() && !for_all).then_some(&names.by);
        no_filters(security, ("security groups", "security_groups"), given)?;
        return Ok(Said::new(Vec::new(), security.by.clone()));
    }
    let mut groups = groups(&names, from.config)?;
    let owner = configured.and_then(|port| port.device_owner);
    if owner == Some(DeviceOwner::Service) {
        // As in Neutron: whether these are stateful nobody asks.
        for group in &mut groups {
            group.stateless = false;
        }
    }
    Ok(Said::new(groups, names.by))
}

fn group_names(
    configured: Option<&PortConfig>,
    metadata: Option<&PortMetadata>,
    network: &NetworkConfig,
) -> Said<Vec<String>> {
    if let Some(PortConfig {
        name,
        security_groups: Some(groups),
        ..
    }) = configured
    {
        return Said::new(groups.clone(), Origin::Port(name.clone()));
    }
    if let Some(entry) = metadata.filter(|entry| !entry.security_groups.is_empty()) {
        return Said::new(entry.security_groups.clone(), Origin::Metadata);
    }
    let by = match network.security_groups {
        Some(_) => Origin::Network(network.name.clone()),
        None => Origin::BuiltIn,
    };
    Said::new(network.default_groups(), by)
}

fn groups(names: &Said<Vec<String>>, config: &Config) -> Result<Vec<SecurityGroup>, String> {
    let place = match &names.by {
        Origin::Port(name) => config.place(Section::Port, name),
        Origin::Network(name) => config.place(Section::Network, name),
        Origin::Metadata | Origin::Nova | Origin::Firewall | Origin::BuiltIn => None,
    };
    let whence = place.map_or_else(|| names.by.to_string(), ToString::to_string);
    let group = |name: &String| match config.security_group(name) {
        Some(Ok(group)) => Ok(group.clone()),
        Some(Err(errors)) => Err(errors.to_string()),
        None => {
            let hint = nearest(name, config.security_groups.keys().map(String::as_str));
            let message = format!("security group {name:?} is not defined ({whence}){hint}");
            Err(message)
        }
    };
    names.what.iter().map(group).collect()
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
