//! What `check` says of an object of the configuration.

use std::net::IpAddr;

use vmhook::config::{Config, GuestMtu, HostConfig, NetworkConfig, NetworkKindConfig, PortConfig};
use vmhook::facts::HostFacts;
use vmhook::model::{Ipv6Addresses, Network, SecurityGroup};
use vmhook::resolve;

use crate::{existing, vxlan};

pub(crate) fn host_words(config: &Config, host: &HostConfig, facts: &HostFacts) -> String {
    if host.local_ip.is_none() {
        return "no local_ip".to_owned();
    }
    let port = host.vxlan_port;
    let local = match resolve::local_ip(config, facts) {
        Ok(local) => local,
        Err(cause) => return format!("{cause}; UDP port {port}"),
    };
    let on = match facts.carrier(local.address()) {
        Some(link) => format!("on {} with MTU {}", link.name, link.mtu),
        None => "which no device of this host has".to_owned(),
    };
    format!("local_ip {local} {on}; UDP port {port}")
}

pub(crate) fn network_words(config: &Config, network: &NetworkConfig, facts: &HostFacts) -> String {
    let made = resolve::network(config, network, facts).ok();
    let mtu = made.as_ref().map(|network| network.mtu).or(network.mtu);
    let mtu = mtu.map_or("what its way out leaves".to_owned(), |mtu| mtu.to_string());
    let own = resolve::local_ip(config, facts).ok();
    let device = made.as_ref().and_then(Network::way_out);
    let device = device.map_or(String::new(), |device| format!(", device {device}"));
    let way = match &network.kind {
        NetworkKindConfig::Vxlan(vxlan) => vxlan::words(vxlan, &mtu, own),
        NetworkKindConfig::Vlan(vlan) => format!(
            "VLAN {} of physical network {}, MTU {mtu}",
            vlan.vlan, vlan.physical_network
        ),
        NetworkKindConfig::Flat(flat) => {
            format!("physical network {}, MTU {mtu}", flat.physical_network)
        }
        NetworkKindConfig::Local => format!("MTU {mtu}, on this host alone"),
        NetworkKindConfig::Bridge(named) => format!("{}, MTU {mtu}", existing::words(named)),
    };
    let dhcp = network.dhcp_servers.iter().map(|servers| {
        let servers = join(servers.iter().map(IpAddr::to_string));
        let servers = Some(servers).filter(|words| !words.is_empty());
        format!(", DHCP from {}", servers.as_deref().unwrap_or("nobody"))
    });
    let dhcp = dhcp.collect::<String>();
    let ipv6 = match network.ipv6_addresses {
        Ipv6Addresses::Listed => "",
        Ipv6Addresses::LinkLocal => ", any link-local IPv6 address",
        Ipv6Addresses::Prefix => ", any IPv6 address of a port's prefix",
    };
    let groups = network.security_groups.as_ref().map(|groups| {
        let groups = join(groups.iter().cloned());
        format!(", groups {} for ports that name none", or_none(&groups))
    });
    let groups = groups.unwrap_or_default();
    let hardened = hardened_words(network.hardened);
    let guests = guest_words(network);
    let bridge = &network.bridge;
    let host = host_end_words(network);
    format!("bridge {bridge}{device}{host}, {way}{guests}{dhcp}{ipv6}{groups}{hardened}")
}

/// The host's own end of it.
fn host_end_words(network: &NetworkConfig) -> String {
    let end = network.host_addresses.iter().map(|addresses| {
        let addresses = join(addresses.iter().map(ToString::to_string));
        format!(
            ", the host's end {} with {addresses}",
            network.id.host_end()
        )
    });
    end.collect()
}

/// What is done about guests that may send more than fits.
fn guest_words(network: &NetworkConfig) -> String {
    let told = match network.guest_mtu {
        None => "",
        Some(GuestMtu::Refuse) => ", guests that are not told it refused",
        Some(GuestMtu::Warn) => ", guests that are not told it let in",
    };
    let clamp = if network.clamp_mss {
        ", TCP segments clamped to it"
    } else {
        ""
    };
    format!("{told}{clamp}")
}

pub(crate) fn group_words(config: &Config, group: &SecurityGroup) -> String {
    let written = config.rules_written(&group.name);
    let ingress = count(written.ingress, "ingress rule");
    let egress = count(written.egress, "egress rule");
    let members = match group.members.len() {
        0 => String::new(),
        members => format!(", {} elsewhere", count(members, "member")),
    };
    let stateless = if group.stateless { ", stateless" } else { "" };
    format!("{ingress}, {egress}{members}{stateless}")
}

fn count(number: usize, what: &str) -> String {
    match number {
        1 => format!("1 {what}"),
        _ => format!("{number} {what}s"),
    }
}

fn or_none(words: &str) -> &str {
    if words.is_empty() { "none" } else { words }
}

pub(crate) fn port_words(port: &PortConfig) -> String {
    let network = port.network.iter().map(|name| format!(" on {name}"));
    let addresses = match port.fixed_ips.as_deref() {
        None => String::new(),
        Some([]) => "any".to_owned(),
        Some(addresses) => join(addresses.iter().map(ToString::to_string)),
    };
    let pairs = port.allowed_address_pairs.iter().flatten();
    let pairs = join(pairs.map(|(ip, mac)| match mac {
        None => ip.to_string(),
        Some(mac) => format!("{ip} with {mac}"),
    }));
    let groups = match port.security_groups.as_deref() {
        _ if !port.is_filtered() => String::new(),
        None => ", groups as its domain or network says".to_owned(),
        Some([]) => ", no groups: no packet".to_owned(),
        Some(groups) => format!(", groups {}", join(groups.iter().cloned())),
    };
    let with = |name: &str, words: String| match words.as_str() {
        "" => String::new(),
        words => format!(", {name} {words}"),
    };
    let network: String = network.collect();
    let addresses = with("addresses", addresses) + &with("besides", pairs);
    let security = match port.unfiltered() {
        Some(why) => format!(", {why}"),
        None => hardened_words(port.hardened).to_owned(),
    };
    format!("{}{network}{addresses}{groups}{security}", port.mac)
}

/// What somebody says about the guard's checks.
pub(crate) fn hardened_words(hardened: Option<bool>) -> &'static str {
    match hardened {
        None => "",
        Some(true) => ", hardened",
        Some(false) => ", not hardened",
    }
}

pub(crate) fn join(words: impl Iterator<Item = String>) -> String {
    words.collect::<Vec<_>>().join(", ")
}
