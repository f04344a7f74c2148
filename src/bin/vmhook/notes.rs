//! What `check` says of things that are right each for itself, and together seldom meant.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use ipnet::IpNet;
use vmhook::config::{Config, DeviceOwner, NetworkConfig, NetworkKindConfig, PortConfig};
use vmhook::model::{Remote, SecurityGroup};

/// The notes, one line each.
pub(crate) fn of(config: &Config) -> Vec<String> {
    let notes = [
        of_addresses(config),
        of_host_addresses(config),
        of_host_dhcp(config),
        of_host_prefixes(config),
        of_members(config),
        of_stateless(config),
    ];
    notes.concat()
}

/// Two ports with one address. That may be meant, where they are on two networks or never run at once,
/// so it is no error.
fn of_addresses(config: &Config) -> Vec<String> {
    let mut notes = Vec::new();
    let mut owners: BTreeMap<IpAddr, Vec<&PortConfig>> = BTreeMap::new();
    for port in config.ports.values().flatten() {
        for address in port.fixed_ips.iter().flatten() {
            let earlier = owners.entry(*address).or_default();
            if let Some(owner) = earlier.iter().find(|owner| may_meet(owner, port)) {
                let (one, other) = (&owner.name, &port.name);
                notes.push(format!("ports {one} and {other} both have {address}"));
            }
            earlier.push(port);
        }
    }
    notes
}

/// A port with an address that is the host's own on a network where the port may be: it would not start
/// there.
fn of_host_addresses(config: &Config) -> Vec<String> {
    let mut notes = Vec::new();
    for port in config.ports.values().flatten() {
        for network in config.networks.values().flatten() {
            let may_be = port
                .network
                .as_ref()
                .is_none_or(|name| *name == network.name);
            let hosts = network.host_addresses.iter().flatten().filter(|_| may_be);
            let own: Vec<IpAddr> = hosts.map(|host| host.address()).collect();
            let taken = port
                .fixed_ips
                .iter()
                .flatten()
                .filter(|ip| own.contains(ip));
            notes.extend(taken.map(|address| {
                format!(
                    "port {} has {address}, which is the host's own on network {} (host_address): \
                     it does not start there",
                    port.name, network.name
                )
            }));
        }
    }
    notes
}

/// A host that may serve DHCP on a network whose `dhcp_servers` are others: `DHCPv6` replies come from a
/// link-local address, which nobody writes as `host_address`, so IPv4 alone tells.
fn of_host_dhcp(config: &Config) -> Vec<String> {
    let note = |network: &NetworkConfig| {
        let servers = network.dhcp_servers.as_ref()?;
        let hosts = network.host_addresses.iter().flatten();
        let own = hosts.map(|host| host.address());
        let own: Vec<IpAddr> = own.filter(IpAddr::is_ipv4).collect();
        let first = own.first()?;
        let others_only = !servers.is_empty() && !own.iter().any(|own| servers.contains(own));
        others_only.then(|| {
            format!(
                "network {}: dhcp_servers does not name {first}, the host's own address \
                 (host_address): DHCP replies of this host are dropped",
                network.name
            )
        })
    };
    let networks = config.networks.values().flatten();
    networks.filter_map(note).collect()
}

/// A port with an address that the host does not look for on the port's network: it is in none of the
/// prefixes of `host_address`. A family of which the host has no address there says nothing.
fn of_host_prefixes(config: &Config) -> Vec<String> {
    let mut notes = Vec::new();
    for port in config.ports.values().flatten() {
        let Some(network) = network_of(config, port) else {
            continue;
        };
        let hosts = network.host_addresses.iter().flatten();
        let prefixes: Vec<IpNet> = hosts.map(|host| host.net()).collect();
        let addresses = port.fixed_ips.iter().flatten();
        notes.extend(addresses.filter(|ip| is_outside(**ip, &prefixes)).map(|ip| {
            format!(
                "port {} has {ip}, which is outside every prefix of host_address on network {}: \
                 the host does not reach it there",
                port.name, network.name
            )
        }));
    }
    notes
}

/// Whether there are prefixes of the address's family, and it is in none. A link-local address is in
/// every network's.
fn is_outside(address: IpAddr, prefixes: &[IpNet]) -> bool {
    let link_local = match address {
        IpAddr::V4(address) => address.is_link_local(),
        IpAddr::V6(address) => address.is_unicast_link_local(),
    };
    let mut of_family = prefixes
        .iter()
        .filter(|prefix| prefix.addr().is_ipv4() == address.is_ipv4())
        .peekable();
    !link_local && of_family.peek().is_some() && !of_family.any(|prefix| prefix.contains(&address))
}

/// Whether two ports may be on one network.
fn may_meet(one: &PortConfig, other: &PortConfig) -> bool {
    one.network.is_none() || other.network.is_none() || one.network == other.network
}

/// Ports whose group is the other side of rules: where they do not run, nobody knows their addresses
/// but by the group's `members`.
fn of_members(config: &Config) -> Vec<String> {
    let groups = config.security_groups.values().flatten();
    let rules = groups.flat_map(|group| &group.rules);
    let remotes: BTreeSet<&str> = rules
        .filter_map(|rule| match &rule.remote {
            Remote::Group(name) => Some(name.as_str()),
            Remote::Any | Remote::Prefix(_) => None,
        })
        .collect();
    let note = |name: &str| {
        let group = config.security_group(name)?.as_ref().ok()?;
        let ports = config.ports.values().flatten();
        let ports = ports.filter(|port| is_unknown_elsewhere(config, port, group));
        let ports: Vec<&str> = ports.map(|port| port.name.as_str()).collect();
        let said = match ports.as_slice() {
            [] => return None,
            [port] => format!("port {port} is in group {name}"),
            ports => format!("ports {} are in group {name}", ports.join(", ")),
        };
        Some(format!(
            "{said}, which rules name as remote group: on hosts where a port of it does not run, it \
             counts only if its address is among the group's members"
        ))
    };
    remotes.into_iter().filter_map(note).collect()
}

/// Whether a port is in the group, may run on several hosts, and has an address that is not listed.
fn is_unknown_elsewhere(config: &Config, port: &PortConfig, group: &SecurityGroup) -> bool {
    let listed = |address: &IpAddr| group.members.iter().any(|member| member.contains(address));
    let network = network_of(config, port);
    let is_local = network.is_some_and(|network| network.kind == NetworkKindConfig::Local);
    let mut addresses = port.fixed_ips.iter().flatten();
    !is_local
        && port.is_filtered()
        && groups_of(config, port).contains(&group.name)
        && addresses.any(|address| !listed(address))
}

/// Stateful and stateless groups on one port, and stateless ones where that counts for nothing.
fn of_stateless(config: &Config) -> Vec<String> {
    let note = |port: &PortConfig| {
        let names = groups_of(config, port);
        let groups = names.iter().filter_map(|name| config.security_group(name));
        let stateless: Vec<bool> = groups.flatten().map(|group| group.stateless).collect();
        if !stateless.contains(&true) {
            return None;
        }
        let port_name = &port.name;
        match port.device_owner {
            Some(DeviceOwner::Service) => Some(format!(
                "port {port_name} has a stateless group and a device_owner of \"neutron:…\": all its \
                 packets are tracked"
            )),
            _ if stateless.contains(&false) => Some(format!(
                "port {port_name} has stateful and stateless groups: its first, {}, decides for all",
                names[0]
            )),
            _ => None,
        }
    };
    let ports = config.ports.values().flatten();
    ports
        .filter(|port| port.is_filtered())
        .filter_map(note)
        .collect()
}

fn network_of<'a>(config: &'a Config, port: &PortConfig) -> Option<&'a NetworkConfig> {
    config.networks.get(port.network.as_ref()?)?.as_ref().ok()
}

/// Its groups, as far as the configuration alone says them.
fn groups_of(config: &Config, port: &PortConfig) -> Vec<String> {
    let of_network = || network_of(config, port).map(NetworkConfig::default_groups);
    let own = port.security_groups.clone();
    own.or_else(of_network).unwrap_or_default()
}
