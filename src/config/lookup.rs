//! The configuration as a whole, and how the later stages ask it.

use std::collections::BTreeMap;

use ipnet::IpNet;

use super::error::{Checked, ConfigError, Place};
use super::firewall::FirewallConfig;
use super::hint::nearest;
use super::host::HostConfig;
use super::network::NetworkConfig;
use super::port::{PortConfig, PortNetwork};
use super::section::Section;
use super::security_group::RulesWritten;
use crate::model::{MacAddr, SecurityGroup};

/// All that the files say; made by [`load`](super::load()).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// Errors that belong to no object of the fields below: a file that does not parse, an unknown
    /// section, an address group that is wrong, a port whose MAC address cannot be read.
    pub errors: Vec<ConfigError>,
    /// What is right and seldom meant, in the order of the files.
    pub notes: Vec<ConfigError>,
    /// `[host]`, or what holds without it.
    pub host: Checked<HostConfig>,
    /// `[firewall]`, or what holds without it.
    pub firewall: Checked<FirewallConfig>,
    /// `[network.NAME]` by name.
    pub networks: BTreeMap<String, Checked<NetworkConfig>>,
    /// `[security_group.NAME]` by name; `default` is always there.
    pub security_groups: BTreeMap<String, Checked<SecurityGroup>>,
    /// `[address_group.NAME]` by name; their errors are among `errors`.
    pub address_groups: BTreeMap<String, Checked<Vec<IpNet>>>,
    /// `[port.NAME]` by name.
    pub ports: BTreeMap<String, Checked<PortConfig>>,
    pub(super) index: Index,
}

/// What is found by something else than its name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Index {
    pub(super) files: Vec<String>,
    pub(super) places: BTreeMap<(Section, String), Place>,
    pub(super) bridges: BTreeMap<String, String>,
    pub(super) written: BTreeMap<String, RulesWritten>,
    pub(super) ports: BTreeMap<MacAddr, Vec<(PortNetwork, String)>>,
    pub(super) incomplete: Option<ConfigError>,
    pub(super) lost_bridge: Option<ConfigError>,
}

/// The network that a bridge belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ManagedBy<'a> {
    /// The network's name.
    pub name: &'a str,
    /// Where it is configured.
    pub place: &'a Place,
    /// The network, or what is wrong with it.
    pub network: &'a Checked<NetworkConfig>,
}

impl Config {
    /// Why nobody knows all that the files say: one is missing, does not parse, or has a section
    /// that does not exist. `None` is the good case.
    ///
    /// What is missing may be anything: a network, the port of any VM, the group `default`. So all
    /// starts on managed bridges are refused meanwhile, and managed is then also what is named
    /// `brq*`, bears our alias or stands in a record.
    pub fn incomplete(&self) -> Option<&ConfigError> {
        self.index.incomplete.as_ref()
    }

    /// Why a `brq*` bridge may be managed though [`managed_bridge`](Self::managed_bridge) does not
    /// know it: the configuration is incomplete, or the `id` of a network cannot be read. Starts on
    /// such a bridge are refused.
    pub fn lost_bridge(&self) -> Option<&ConfigError> {
        self.index.lost_bridge.as_ref()
    }

    /// The network that names this bridge, usable or broken; `None`: the bridge is not managed, as
    /// far as the configuration can be read.
    pub fn managed_bridge(&self, bridge: &str) -> Option<ManagedBy<'_>> {
        let name = self.index.bridges.get(bridge)?;
        let (name, network) = self.networks.get_key_value(name)?;
        Some(ManagedBy {
            name,
            place: self.place(Section::Network, name)?,
            network,
        })
    }

    /// The managed bridge that this other name may be meant for, as `; did you mean "…"?`, and all of
    /// them; `None` where nothing says that one is meant.
    pub fn meant_bridge(&self, bridge: &str) -> Option<(String, Vec<&str>)> {
        let managed: Vec<&str> = self.index.bridges.keys().map(String::as_str).collect();
        let hint = nearest(bridge, managed.iter().copied());
        let alike = !hint.is_empty() || bridge.starts_with("brq");
        (alike && !managed.contains(&bridge)).then_some((hint, managed))
    }

    /// How many rules a security group has, as they are written.
    pub fn rules_written(&self, group: &str) -> RulesWritten {
        let builtin = RulesWritten::BUILTIN;
        self.index.written.get(group).copied().unwrap_or(builtin)
    }

    /// The security group of this name; `None`: nothing defines it. `default` is always there.
    pub fn security_group(&self, name: &str) -> Option<&Checked<SecurityGroup>> {
        self.security_groups.get(name)
    }

    /// The port of the interface with this MAC address on the network of this name.
    ///
    /// A port that names the network wins over one that names none. A broken port is found by its
    /// MAC address; if what it says of its network is wrong, it is found on every network that has
    /// no port of its own with this MAC address.
    pub fn port(&self, mac: MacAddr, network: &str) -> Option<&Checked<PortConfig>> {
        let candidates = self.index.ports.get(&mac)?;
        let rank = |at: &PortNetwork| match at {
            PortNetwork::Named(name) if name == network => Some(0),
            PortNetwork::Named(_) => None,
            PortNetwork::Unknown => Some(1),
            PortNetwork::Any => Some(2),
        };
        let fitting = candidates
            .iter()
            .filter_map(|(at, name)| Some((rank(at)?, name)));
        let (_, name) = fitting.min()?;
        self.ports.get(name)
    }

    /// Where an object is written, broken or not; the first place if it is there twice. `[host]`
    /// and `[firewall]` bear their section's name.
    pub fn place(&self, section: Section, name: &str) -> Option<&Place> {
        self.index.places.get(&(section, name.to_owned()))
    }

    /// Every error once, in the order of the files: what `vmhook check` reports.
    pub fn all_errors(&self) -> Vec<&ConfigError> {
        let broken = [self.host.as_ref().err(), self.firewall.as_ref().err()];
        let networks = self
            .networks
            .values()
            .filter_map(|object| object.as_ref().err());
        let groups = self
            .security_groups
            .values()
            .filter_map(|object| object.as_ref().err());
        let ports = self
            .ports
            .values()
            .filter_map(|object| object.as_ref().err());
        let objects = broken
            .into_iter()
            .flatten()
            .chain(networks)
            .chain(groups)
            .chain(ports);
        let mut all: Vec<&ConfigError> = self.errors.iter().chain(objects.flatten()).collect();
        all.sort_by_key(|error| self.order(error));
        all.dedup();
        all
    }

    fn order<'a>(
        &self,
        error: &'a ConfigError,
    ) -> (Option<usize>, Option<(usize, usize)>, &'a str) {
        let file = self.index.files.iter().position(|file| *file == error.file);
        let at = error.position.as_ref().map(|at| (at.line, at.column));
        (file, at, &error.message)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Source, load};
    use super::*;

    const NETWORKS: &str = r#"
        [host]
        local_ip = "172.16.0.31"
        [network]
        a = { id = "c08e7dcd-4acb-4cd0-ad08-ebd3b48467ee", type = "vxlan", vni = 1 }
        b = { id = "b", type = "vxlan", vni = 2 }
    "#;

    fn of(more: &str) -> Config {
        load(&[Source {
            name: "vmhook.toml".to_owned(),
            text: Ok(format!("{NETWORKS}{more}")),
        }])
    }

    fn mac() -> MacAddr {
        "fa:16:3e:00:00:01".parse().unwrap()
    }

    #[test]
    fn a_bridge_is_managed_by_the_network_of_its_id() {
        let config = of("");
        let found = config.managed_bridge("brqc08e7dcd-4a").unwrap();
        assert_eq!(found.name, "a");
        assert_eq!(found.place.to_string(), "vmhook.toml:5");
        assert!(found.network.is_ok());
        assert_eq!(config.managed_bridge("virbr0"), None);
        assert_eq!(config.lost_bridge(), None);
    }

    #[test]
    fn a_broken_network_still_manages_the_bridge_it_names() {
        for bridge in ["br0", "br 0+"] {
            let config = of(&format!(
                "c = {{ id = \"c\", bridge = {bridge:?}, vni = 3 }}"
            ));
            let found = config.managed_bridge(bridge).unwrap();
            assert_eq!(found.name, "c");
            assert!(found.network.is_err());
            assert_eq!(config.managed_bridge("brqc"), None);
        }
    }

    #[test]
    fn a_network_without_readable_id_may_own_any_bridge_of_neutrons_name() {
        let config = of("c = { id = 5, type = \"vxlan\", vni = 3 }");
        let why = config.lost_bridge().unwrap().to_string();
        assert_eq!(
            why,
            "network.c.id: expected a string, found an integer (vmhook.toml:7)"
        );
        assert_eq!(config.incomplete(), None);
        assert!(config.networks["a"].is_ok());
    }

    #[test]
    fn without_any_file_the_configuration_is_incomplete() {
        let config = load(&[]);
        assert!(config.incomplete().is_some());
        assert!(config.lost_bridge().is_some());
    }

    #[test]
    fn the_group_default_is_there_until_somebody_defines_it() {
        let builtin = of("");
        let group = builtin.security_group("default").unwrap();
        assert_eq!(*group, Ok(SecurityGroup::builtin_default()));
        let broken = of("[security_group.default]\nstateful = 5");
        assert!(broken.security_group("default").unwrap().is_err());
        assert_eq!(broken.security_group("web"), None);
    }

    #[test]
    fn a_port_of_the_network_wins_over_one_of_any_network() {
        let config = of(r#"
            [port]
            any = { mac = "fa:16:3e:00:00:01" }
            b = { mac = "fa:16:3e:00:00:01", network = "b" }
        "#);
        let name = |network| {
            let port = config.port(mac(), network).unwrap().as_ref();
            port.unwrap().name.clone()
        };
        assert_eq!(name("a"), "any");
        assert_eq!(name("b"), "b");
    }

    #[test]
    fn a_port_of_one_network_is_not_that_of_another() {
        let config = of("[port.web]\nmac = \"fa:16:3e:00:00:01\"\nnetwork = \"b\"");
        assert_eq!(config.port(mac(), "a"), None);
    }

    #[test]
    fn a_broken_port_is_found_broken_and_not_missing() {
        let config = of("[port.web]\nmac = \"fa:16:3e:00:00:01\"\nfixed_ips = 5");
        assert!(config.port(mac(), "a").unwrap().is_err());
    }

    #[test]
    fn a_port_on_a_misspelt_network_may_be_meant_for_any() {
        let config = of(r#"
            [port]
            typo = { mac = "fa:16:3e:00:00:01", network = "aa" }
            any = { mac = "fa:16:3e:00:00:01" }
            b = { mac = "fa:16:3e:00:00:01", network = "b" }
        "#);
        assert!(config.port(mac(), "a").unwrap().is_err());
        assert!(config.port(mac(), "b").unwrap().is_ok());
    }

    #[test]
    fn a_port_without_readable_mac_address_is_an_error_of_the_files() {
        let config = of("[port.web]\nmac = \"fa:16:3e\"");
        let errors: Vec<String> = config.errors.iter().map(ConfigError::to_string).collect();
        assert_eq!(errors.len(), 1);
        assert!(errors[0].starts_with("port.web.mac: "), "{errors:?}");
        assert_eq!(config.all_errors().len(), 1);
    }

    #[test]
    fn every_object_has_a_place_broken_or_not() {
        let config = of("[port.web]\nmac = 5\n[security_group.web]\nid = 5");
        let line = |section, name| config.place(section, name).map(|place| place.line);
        assert_eq!(line(Section::Host, "host"), Some(2));
        assert_eq!(line(Section::Network, "b"), Some(6));
        assert_eq!(line(Section::Port, "web"), Some(7));
        assert_eq!(line(Section::SecurityGroup, "web"), Some(9));
        assert_eq!(line(Section::SecurityGroup, "default"), None);
    }
}
