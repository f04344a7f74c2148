//! Bridges of the host's in a rehearsal's world.

use std::collections::BTreeMap;

use super::World;
use super::world::link;
use crate::config::{Config, NetworkConfig, NetworkKindConfig};
use crate::facts::{BridgeFact, LinkFact, LinkKind};
use crate::model::{BridgeSwitches, ExistingBridge, IfName};
use crate::record::NetworkRecord;

impl World {
    /// The bridges of the host's that networks are on, as these need them.
    pub(super) fn add_existing_bridges(&mut self, config: &Config) {
        for network in config.networks.values().flatten() {
            if let NetworkKindConfig::Bridge(existing) = &network.kind {
                self.add_existing(network, existing);
            }
        }
    }

    /// Such a bridge asks no iptables yet.
    fn add_existing(&mut self, network: &NetworkConfig, existing: &ExistingBridge) {
        let fact = BridgeFact {
            nf_call_iptables: false,
            nf_call_ip6tables: false,
            ..BridgeFact::OURS
        };
        let name = &network.bridge;
        let mtu = network.mtu.map_or(1500, u32::from).max(1500);
        let master = self.add_link(link(name.as_str(), LinkKind::Bridge(fact), mtu));
        for port in existing.ways_out() {
            let port = self.add_link(link(port.as_str(), LinkKind::Other(String::new()), mtu));
            let ports = self.facts.links.iter_mut();
            let named = ports.filter(|link| link.index == port);
            named.for_each(|link| link.master = Some(master));
        }
        let ports: Vec<&str> = existing.ways_out().map(IfName::as_str).collect();
        let ports = match ports.as_slice() {
            [] => "no port".to_owned(),
            ports => format!("no port but {}", ports.join(", ")),
        };
        self.assumed.push(format!(
            "bridge {name} is up with MTU {mtu} and {ports}; its nf_call_iptables and \
             nf_call_ip6tables are 0"
        ));
    }

    /// Gives the bridge of a network what the records now say that it has.
    pub(super) fn set_switches(&mut self, record: &NetworkRecord) {
        for bridge in record.applied.lent.keys() {
            let mut links = self.facts.links.iter_mut();
            let link = links.find(|link| link.name == bridge.as_str());
            if let Some(LinkKind::Bridge(fact)) = link.map(|link| &mut link.kind) {
                fact.nf_call_iptables = true;
                fact.nf_call_ip6tables = true;
            }
        }
    }

    /// What the host's bridges have.
    pub(super) fn switches(&self) -> BTreeMap<IfName, BridgeSwitches> {
        let of = |link: &LinkFact| match &link.kind {
            LinkKind::Bridge(fact) => Some((link.name.parse().ok()?, fact.switches())),
            _ => None,
        };
        self.facts.links.iter().filter_map(of).collect()
    }
}
