//! What an interface is, and who says so.

use std::net::IpAddr;

use super::changes;
use super::report::{InterfaceReport, Sourced};
use crate::config::{Config, NetworkConfig};
use crate::domain::{Domain, Interface};
use crate::facts::HostFacts;
use crate::model::{IfName, Network, NetworkKind, Port};
use crate::resolve::{self, Claimed, ResolvedPort, Sources};

/// An interface of ours: what was applied for it, and what the configuration makes of it today.
pub(super) struct Values<'a> {
    pub(super) interface: Option<&'a Interface>,
    pub(super) applied: Option<(&'a Port, &'a Network)>,
    pub(super) today: Result<Today<'a>, String>,
}

/// What the configuration makes of an interface today.
pub(super) struct Today<'a> {
    config: &'a NetworkConfig,
    pub(super) network: Network,
    pub(super) resolved: ResolvedPort,
}

impl<'a> Today<'a> {
    /// # Errors
    /// Why the interface could not be served today.
    pub(super) fn of(
        interface: &Interface,
        domain: &Domain,
        config: &'a Config,
        facts: &HostFacts,
    ) -> Result<Self, String> {
        let bridge = interface.bridge.as_deref().unwrap_or_default();
        let of_network = match resolve::ours(bridge, config, || true) {
            Claimed::Ours(network) => network,
            Claimed::Broken(cause) => return Err(cause),
            Claimed::NotOurs => return Err(format!("bridge {bridge} is not managed")),
        };
        let mac = interface.mac.clone().map_err(|error| error.to_string())?;
        let from = Sources {
            config,
            network: of_network,
            domain: Some(domain),
        };
        let target = interface.target.as_deref();
        Ok(Self {
            config: of_network,
            network: resolve::network(config, of_network, facts)?,
            resolved: resolve::port(mac, target.filter(|name| !name.contains('%')), from)?,
        })
    }
}

impl Values<'_> {
    /// What is to be shown; `None` if nobody knows anything.
    pub(super) fn report(&self) -> Option<InterfaceReport> {
        let today = self.today.as_ref().ok();
        let now = today.map(|today| (&today.resolved.port, &today.network));
        let (port, network) = self.applied.or(now)?;
        let said = Said {
            port,
            network,
            today,
        };
        let device = network.way_out().cloned();
        let groups = port.security_groups.iter().map(|group| group.name.clone());
        Some(InterfaceReport {
            mac: Sourced::new(port.mac, self.interface.map_or("record", |_| "domain XML")),
            network: Sourced::new(network.name.clone(), &said.table("")),
            bridge: Sourced::new(network.bridge.clone(), &said.table(said.bridge())),
            device: device.map(|device| Sourced::new(device, &said.links(said.key()))),
            vni: network
                .vni()
                .map(|vni| Sourced::new(vni, &said.links(" vni"))),
            tap: self.tap(port),
            mtu: Sourced::new(network.mtu, &said.mtu()),
            addresses: Sourced::new(port.fixed_ips.clone(), &said.addresses()),
            address_pairs: Sourced::new(port.allowed_address_pairs.clone(), &said.pairs()),
            security: Sourced::new(port.security, &said.security()),
            security_groups: Sourced::new(groups.collect(), &said.groups()),
            dhcp_servers: said.dhcp_servers(),
        })
    }

    fn tap(&self, port: &Port) -> Option<Sourced<IfName>> {
        let named = self
            .interface
            .and_then(|interface| interface.target.as_deref());
        let named = named.and_then(|name| name.parse().ok());
        let recorded = port.tap.as_ref().map(|tap| tap.name.clone());
        match (recorded, named) {
            (Some(tap), Some(named)) if tap == named => Some(Sourced::new(tap, "domain XML")),
            (Some(tap), _) => Some(Sourced::new(tap, "record")),
            (None, Some(named)) => Some(Sourced::new(named, "domain XML")),
            (None, None) => None,
        }
    }

    /// What the configuration would do otherwise today.
    pub(super) fn notes(&self) -> Vec<String> {
        let said = match (&self.today, self.applied) {
            (Err(cause), _) => vec![cause.clone()],
            (Ok(today), Some((port, network))) => changes::since(port, network, today),
            (Ok(_), None) => Vec::new(),
        };
        let said = said.into_iter().chain(self.untold_mtu());
        let named = self.interface.and_then(|it| it.mac.as_ref().ok());
        let mac = self.applied.map(|(port, _)| &port.mac).or(named);
        let mac = mac.map_or("without MAC address".to_owned(), ToString::to_string);
        let note = |text| format!("interface {mac}: {text}");
        said.map(note).collect()
    }

    /// A guest that may send more than its network carries.
    fn untold_mtu(&self) -> Option<String> {
        let today = || Some(&self.today.as_ref().ok()?.network);
        let network = self.applied.map(|(_, network)| network).or_else(today)?;
        resolve::untold_mtu(self.interface?, network).ok()?
    }
}

/// Who says what an interface is: whoever the configuration of today names, as long as it names
/// the same; else only the record knows.
struct Said<'a> {
    port: &'a Port,
    network: &'a Network,
    today: Option<&'a Today<'a>>,
}

impl Said<'_> {
    fn by(&self, same: bool, origin: impl FnOnce(&Today<'_>) -> String) -> String {
        match self.today {
            Some(today) if same => origin(today),
            Some(_) => "record; the configuration has changed since".to_owned(),
            None => "record".to_owned(),
        }
    }

    fn table(&self, key: &str) -> String {
        self.by(true, |today| {
            format!("[network.{}]{key}", today.config.name)
        })
    }

    fn links(&self, key: &str) -> String {
        let same = self
            .today
            .is_some_and(|today| today.network.has_same_links(self.network));
        self.by(same, |today| {
            format!("[network.{}]{key}", today.config.name)
        })
    }

    /// The key that its bridge is from.
    fn bridge(&self) -> &'static str {
        match self.network.existing() {
            None => " id",
            Some(_) => " bridge",
        }
    }

    /// The key that makes its way out.
    fn key(&self) -> &'static str {
        match self.network.kind {
            NetworkKind::Vxlan(_) => " vni",
            NetworkKind::Vlan(_) => " vlan",
            NetworkKind::Flat(_) => " physical_network",
            NetworkKind::Local | NetworkKind::Bridge(_) => "",
        }
    }

    fn mtu(&self) -> String {
        let given = self.today.is_some_and(|today| today.config.mtu.is_some());
        match &self.network.kind {
            _ if given => self.links(" mtu"),
            NetworkKind::Vxlan(vxlan) => format!("what {} leaves", vxlan.tunnel.underlay),
            NetworkKind::Vlan(vlan) => format!("that of {}", vlan.parent),
            NetworkKind::Flat(device) => format!("that of {device}"),
            NetworkKind::Local => "Ethernet".to_owned(),
            NetworkKind::Bridge(_) => format!("that of {}", self.network.bridge),
        }
    }

    fn dhcp_servers(&self) -> Option<Sourced<Vec<IpAddr>>> {
        let servers = self.port.dhcp_servers.as_ref()?;
        let now = self.today.map(|today| &today.resolved.port.dhcp_servers);
        let same = now == Some(&self.port.dhcp_servers);
        let origin = self.by(same, |today| {
            format!("[network.{}] dhcp_servers", today.config.name)
        });
        Some(Sourced::new(servers.iter().copied().collect(), &origin))
    }

    fn addresses(&self) -> String {
        let same = self
            .today
            .is_some_and(|today| same_addresses(self.port, today));
        self.by(same, |today| today.resolved.origins.fixed_ips.to_string())
    }

    fn pairs(&self) -> String {
        let same = self.today.is_some_and(|today| same_pairs(self.port, today));
        self.by(same, |today| {
            today.resolved.origins.address_pairs.to_string()
        })
    }

    fn security(&self) -> String {
        let same = |today: &Today<'_>| today.resolved.port.security == self.port.security;
        self.by(self.today.is_some_and(same), |today| {
            today.resolved.origins.security.to_string()
        })
    }

    fn groups(&self) -> String {
        let same = self
            .today
            .is_some_and(|today| same_groups(self.port, today));
        self.by(same, |today| {
            today.resolved.origins.security_groups.to_string()
        })
    }
}

pub(super) fn same_addresses(port: &Port, today: &Today<'_>) -> bool {
    today.resolved.port.fixed_ips == port.fixed_ips
}

pub(super) fn same_pairs(port: &Port, today: &Today<'_>) -> bool {
    today.resolved.port.allowed_address_pairs == port.allowed_address_pairs
}

pub(super) fn same_groups(port: &Port, today: &Today<'_>) -> bool {
    let now = &today.resolved.port;
    (&now.security_groups, &now.remote_groups) == (&port.security_groups, &port.remote_groups)
}
