//! What a rehearsal starts from.

use std::collections::BTreeSet;
use std::net::IpAddr;

use crate::config::{Config, LocalIp};
use crate::facts::{
    AddressFact, BridgeFact, Epoch, HostFacts, IptablesBackend, LinkFact, LinkKind, VlanFact,
    VxlanFact,
};
use crate::firewall::guard::Capabilities;
use crate::model::{Family, IfName, Mtu, NetworkId, NetworkKind, OuterHeader, Tap, Tunnel};
use crate::plan::link::alias;
use crate::record::NetworkRecord;
use crate::state::{OwnLink, ReadBack};
use crate::transaction::Records;

/// A host as a rehearsal sees it.
#[derive(Debug, Clone)]
pub struct World {
    /// Links and addresses.
    pub facts: HostFacts,
    /// What vmhook has written down.
    pub records: Records,
    /// Everything of ours that the kernel has, where the next hook would read it back; then the
    /// records must hold all domains.
    pub observed: Option<ReadBack>,
    /// What the kernel can do.
    pub capabilities: Capabilities,
    /// What `iptables` speaks to.
    pub backend: IptablesBackend,
    /// `/etc/machine-id`.
    pub machine_id: String,
    /// What was taken for granted to make this world, one line each.
    pub assumed: Vec<String>,
}

/// The device that an empty host has its tunnel end point on.
const UNDERLAY: &str = "eth0";

impl World {
    /// A host with nothing but what this configuration needs.
    pub fn empty(config: &Config) -> Self {
        let epoch = Epoch {
            boot: String::new(),
            netns: 0,
        };
        let mut world = Self {
            facts: HostFacts::default(),
            records: Records::empty(epoch),
            observed: None,
            capabilities: Capabilities { ibrname: true },
            backend: IptablesBackend::Nft,
            machine_id: String::new(),
            assumed: vec![
                "nothing of vmhook is on the host; br_netfilter is loaded".to_owned(),
                "the kernel has nftables' `meta ibrname`".to_owned(),
                "the machine id is empty; a bridge's MAC address is made of it".to_owned(),
            ],
        };
        world.add_link(link(UNDERLAY, LinkKind::Other(String::new()), 1500));
        let host = config.host.as_ref().ok();
        if let Some(local) = host.and_then(|host| host.local_ip.as_ref()) {
            world.add_end(local);
        }
        for (name, device) in host.iter().flat_map(|host| &host.physical_networks) {
            world.assumed.push(format!(
                "{device}, physical network {name}, is up with MTU 1500 and no address"
            ));
            world.add_link(link(device.as_str(), LinkKind::Other(String::new()), 1500));
        }
        world.add_existing_bridges(config);
        world
    }

    /// Gives the host its tunnel end point. An address that only a host's links tell is one of those
    /// that are nobody's (RFC 5737, RFC 3849).
    fn add_end(&mut self, local: &LocalIp) {
        let (mut name, mut address) = (UNDERLAY, example(local.family()));
        match local {
            LocalIp::Is(own) => address = own.address(),
            LocalIp::Of { device, .. } => name = device.as_str(),
            LocalIp::Towards(other) => {
                self.facts.sources.insert(other.address(), address);
            }
        }
        let link = self.add_link(link(name, LinkKind::Other(String::new()), 1500));
        self.facts.addresses.push(AddressFact {
            link,
            address,
            on_link: address.into(),
            lasting: true,
        });
        let assumed = format!("{name} is up with local_ip {address} and MTU 1500");
        self.assumed.push(assumed);
    }

    /// Whether a bridge is in a record or bears our alias, as the hooks ask.
    pub(super) fn stands(&self, bridge: &str) -> bool {
        let recorded = self.records.networks.values();
        let mut bridges = recorded.map(|record| record.network.bridge.as_str());
        let ours = |link: &LinkFact| link.name == bridge && link.is_ours();
        bridges.any(|name| name == bridge) || self.facts.links.iter().any(ours)
    }

    /// Gives the world the links that the records now say there are.
    pub(super) fn follow_records(&mut self) {
        let networks = self.records.networks.clone();
        let stands = |link: &LinkFact| {
            let of = |id: &NetworkId| link.alias.as_ref() == Some(&alias(id));
            networks.keys().any(of)
        };
        self.facts
            .links
            .retain(|link| !link.is_ours() || stands(link));
        let there: BTreeSet<u32> = self.facts.links.iter().map(|link| link.index).collect();
        for link in &mut self.facts.links {
            link.master = link.master.filter(|master| there.contains(master));
        }
        for record in networks.values() {
            self.add_network(record);
        }
    }

    fn add_network(&mut self, record: &NetworkRecord) {
        let network = &record.network;
        if network.existing().is_some() {
            return self.set_switches(record);
        }
        let mtu = u32::from(network.mtu);
        let mac = match record.applied.links.get(&network.bridge) {
            Some(OwnLink::Bridge(bridge)) => Some(bridge.mac),
            _ => None,
        };
        let bridge = LinkFact {
            mac,
            alias: Some(alias(&network.id)),
            ..link(
                network.bridge.as_str(),
                LinkKind::Bridge(BridgeFact::OURS),
                mtu,
            )
        };
        let master = self.add_link(bridge);
        self.add_host_end(record, master);
        let (device, kind) = match &network.kind {
            NetworkKind::Vxlan(vxlan) => (
                &vxlan.tunnel.device,
                self.vxlan(&vxlan.tunnel, &vxlan.outer),
            ),
            NetworkKind::Vlan(vlan) => {
                let fact = VlanFact {
                    id: Some(vlan.id),
                    parent: self.index_of(&vlan.parent),
                };
                (&vlan.device, LinkKind::Vlan(fact))
            }
            NetworkKind::Flat(device) => {
                let mut links = self.facts.links.iter_mut();
                if let Some(link) = links.find(|link| link.name == device.as_str()) {
                    link.master = Some(master);
                }
                return;
            }
            NetworkKind::Local | NetworkKind::Bridge(_) => return,
        };
        self.add_link(LinkFact {
            alias: Some(alias(&network.id)),
            master: Some(master),
            ..link(device.as_str(), kind, mtu)
        });
    }

    /// The host's end, as far as anybody asks for it: its addresses, and what is on the bridge.
    fn add_host_end(&mut self, record: &NetworkRecord, master: u32) {
        let network = &record.network;
        let name = network.id.host_end();
        let Some(OwnLink::HostEnd(pair)) = record.applied.links.get(&name) else {
            return;
        };
        let made = |name: &IfName, mac, other_end| LinkFact {
            mac: Some(mac),
            alias: Some(alias(&network.id)),
            ..link(name.as_str(), LinkKind::Veth(other_end), network.mtu.into())
        };
        let port = self.add_link(LinkFact {
            master: Some(master),
            ..made(&pair.port, pair.port_mac, None)
        });
        let index = self.add_link(made(&pair.name, pair.mac, Some(port)));
        for link in self.facts.links.iter_mut().filter(|it| it.index == port) {
            link.kind = LinkKind::Veth(Some(index));
        }
        self.facts.addresses.retain(|fact| fact.link != index);
        let addresses = pair.addresses.iter().map(|net| AddressFact {
            link: index,
            address: net.addr(),
            on_link: net.trunc(),
            lasting: true,
        });
        self.facts.addresses.extend(addresses);
    }

    fn vxlan(&self, tunnel: &Tunnel, outer: &OuterHeader) -> LinkKind {
        let underlay = self.index_of(&tunnel.underlay);
        LinkKind::Vxlan(VxlanFact::of(tunnel, outer, underlay))
    }

    fn index_of(&self, name: &IfName) -> Option<u32> {
        self.facts.link(name).map(|link| link.index)
    }

    /// Puts a tap on its bridge, as libvirt does, unless one of this name is there.
    pub(super) fn add_tap(&mut self, name: &IfName, bridge: &IfName, mtu: Mtu) {
        if self.facts.link(name).is_some() {
            return;
        }
        let master = self.facts.link(bridge).map(|link| link.index);
        self.assumed.push(format!(
            "libvirt has made tap {name} with MTU {mtu} on {bridge}"
        ));
        self.add_link(LinkFact {
            master,
            ..link(name.as_str(), LinkKind::Tun, u32::from(mtu))
        });
    }

    /// Takes a tap away, as libvirt does when QEMU has ended.
    pub(super) fn remove_tap(&mut self, tap: &Tap) {
        self.facts.links.retain(|link| link.index != tap.index);
    }

    /// Adds a link unless one of this name is there; its index.
    pub(super) fn add_link(&mut self, link: LinkFact) -> u32 {
        if let Some(there) = self.facts.links.iter().find(|it| it.name == link.name) {
            return there.index;
        }
        let highest = self.facts.links.iter().map(|link| link.index).max();
        let index = highest.unwrap_or_default() + 1;
        self.facts.links.push(LinkFact { index, ..link });
        index
    }
}

fn example(family: Family) -> IpAddr {
    match family {
        Family::Ipv4 => [192, 0, 2, 31].into(),
        Family::Ipv6 => [0x2001, 0xdb8, 0, 0, 0, 0, 0, 0x31].into(),
    }
}

/// A link that is up, without address, alias or master.
pub(super) fn link(name: &str, kind: LinkKind, mtu: u32) -> LinkFact {
    LinkFact {
        index: 0,
        name: name.to_owned(),
        kind,
        mtu,
        mac: None,
        alias: None,
        master: None,
        up: true,
        suppresses: false,
    }
}
