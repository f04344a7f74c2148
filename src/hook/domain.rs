//! From a domain's XML to what it asks for.

use std::collections::{BTreeMap, BTreeSet};

use crate::config::{Config, NetworkConfig};
use crate::domain::{Domain, Interface};
use crate::facts::HostFacts;
use crate::firewall::iptables::Options;
use crate::model::{MacAddr, Network, NetworkId, Port, PortKey};
use crate::record::NetworkRecord;
use crate::refusal::Refusal;
use crate::resolve::{self, Claimed, Sources};

/// The interfaces of a domain that are ours, each with its network's configuration.
pub(super) type Claims<'a> = Vec<(&'a Interface, &'a NetworkConfig)>;

/// What a domain asks for, resolved.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Requested {
    /// Its ports.
    pub(super) ports: Vec<Port>,
    /// The networks of the ports, each once.
    pub(super) networks: Vec<Network>,
    /// Those of the ports that are as they were recorded.
    pub(super) recorded: BTreeSet<PortKey>,
    /// What is let in and may not be what somebody wants: interface and words.
    pub(super) warnings: Vec<(MacAddr, String)>,
}

/// What a domain's interfaces are resolved against.
#[derive(Debug, Clone, Copy)]
pub(super) struct Against<'a> {
    /// The configuration.
    pub(super) config: &'a Config,
    /// The host's links and addresses.
    pub(super) facts: &'a HostFacts,
    /// The networks that stand: a running network stays as it was made.
    pub(super) standing: &'a BTreeMap<NetworkId, NetworkRecord>,
}

/// Which of these interfaces of a domain are ours. `stands` says whether a bridge is in a record or
/// bears our alias.
///
/// # Errors
/// An interface on a managed bridge of which nobody can tell how it is managed.
pub(super) fn claims<'a>(
    domain: &Domain,
    interfaces: impl IntoIterator<Item = &'a Interface>,
    config: &'a Config,
    stands: impl Fn(&str) -> bool,
) -> Result<Claims<'a>, Refusal> {
    let mut claims = Vec::new();
    for interface in interfaces {
        let Some(bridge) = interface.bridge.as_deref() else {
            continue;
        };
        match resolve::ours(bridge, config, || stands(bridge)) {
            Claimed::NotOurs => {}
            Claimed::Ours(network) => claims.push((interface, network)),
            Claimed::Broken(cause) => return Err(refusal(&domain.name, interface, cause)),
        }
    }
    Ok(claims)
}

/// Resolves an interface that is ours, and adds its port and network to what is asked for.
///
/// # Errors
/// Why it cannot be.
pub(super) fn add(
    requested: &mut Requested,
    (interface, config): (&Interface, &NetworkConfig),
    domain: &Domain,
    against: Against<'_>,
) -> Result<(), String> {
    let network = network(config, against)?;
    let taps = domain.interfaces.iter();
    let taps: Vec<&str> = taps.filter_map(|it| it.target.as_deref()).collect();
    check_ports(&network, &taps, against)?;
    let warning = resolve::check_mtu(interface, &network, config.guest_mtu)?;
    let mac = interface.mac.clone().map_err(|error| error.to_string())?;
    let warning = warning.map(|warning| (mac, warning));
    requested.warnings.extend(warning);
    let sources = Sources {
        config: against.config,
        network: config,
        domain: Some(domain),
    };
    let resolved = resolve::port(mac, target(interface), sources)?;
    requested.add(network, resolved.port);
    Ok(())
}

/// The network as it stands, or else as the configuration has it. `admit` compares the two.
pub(super) fn network(config: &NetworkConfig, against: Against<'_>) -> Result<Network, String> {
    let network = resolve::network(against.config, config, against.facts)?;
    match against.standing.get(&network.id) {
        Some(record) if record.network.has_same_links(&network) => Ok(record.network.clone()),
        _ => Ok(network),
    }
}

/// Whether the first machine of a network may come to its bridge. Once one is there, all ports that are
/// not named are closed, and a further machine takes nothing from them. `own` are its taps.
pub(super) fn check_ports(
    network: &Network,
    own: &[&str],
    against: Against<'_>,
) -> Result<(), String> {
    if against.standing.contains_key(&network.id) {
        return Ok(());
    }
    resolve::check_ports(network, own, against.facts)
}

/// The target, unless it is a pattern that libvirt has yet to fill in (`tap%d`).
fn target(interface: &Interface) -> Option<&str> {
    interface
        .target
        .as_deref()
        .filter(|target| !target.contains('%'))
}

impl Requested {
    /// Adds a port with its network. What two ports must not share is `admit`'s to refuse.
    pub(super) fn add(&mut self, network: Network, port: Port) {
        if self.networks.iter().all(|other| other.id != network.id) {
            self.networks.push(network);
        }
        self.ports.push(port);
    }

    /// The port and network of an interface.
    pub(super) fn port_of(&self, interface: &Interface) -> Option<(&Port, &Network)> {
        port_of(&self.ports, &self.networks, interface)
    }
}

/// How rules are to be written.
///
/// # Errors
/// What is wrong with `[firewall]`.
pub(super) fn options(config: &Config) -> Result<Options, String> {
    let firewall = config.firewall.as_ref().map_err(ToString::to_string)?;
    Ok(Options {
        prefix: firewall.chain_prefix.clone(),
        comments: firewall.comments,
        ipset: firewall.ipset,
    })
}

pub(super) fn refusal(domain: &str, interface: &Interface, cause: String) -> Refusal {
    match interface.mac {
        Ok(mac) => Refusal::of_interface(domain, mac, cause),
        Err(_) => Refusal::of_domain(domain, cause),
    }
}

/// The port with the interface's MAC address on the network of its bridge.
pub(super) fn port_of<'a>(
    ports: &'a [Port],
    networks: &'a [Network],
    interface: &Interface,
) -> Option<(&'a Port, &'a Network)> {
    let bridge = interface.bridge.as_deref()?;
    let network = networks
        .iter()
        .find(|network| network.bridge.as_str() == bridge)?;
    let same = |port: &&Port| port.network == network.id && interface.mac == Ok(port.mac);
    Some((ports.iter().find(same)?, network))
}
