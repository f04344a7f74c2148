//! Networks on a device of the host: `vlan` and `flat`.
//!
//! The device is the host's. A `flat` network takes it into its bridge and gives it back, and changes
//! nothing else of it. So a device with addresses is refused: on a bridge they would be dead, and
//! to move them and their routes to the bridge and back, as Neutron does, is no work for a program
//! that runs because some machine starts or stops.

use super::adopt::{self, Needed};
use crate::config::{Config, FlatConfig, NetworkConfig, VlanConfig};
use crate::facts::{HostFacts, LinkFact, LinkKind, VlanFact};
use crate::model::{IfName, Mtu, NetworkKind, Vlan};
use crate::plan::link::UNFINISHED;

/// The device of a physical network, if `[host]` maps it to one.
pub(super) fn device<'a>(config: &'a Config, physical_network: &str) -> Result<&'a IfName, String> {
    let host = config.host.as_ref().map_err(ToString::to_string)?;
    let device = host.physical_networks.get(physical_network);
    device.ok_or_else(|| {
        format!("[host] physical_networks maps physical network {physical_network} to no device")
    })
}

/// The VLAN's device, and the MTU that the one below leaves.
pub(super) fn vlan(
    config: &Config,
    (network, vlan): (&NetworkConfig, &VlanConfig),
    facts: &HostFacts,
) -> Result<(Mtu, NetworkKind), String> {
    let parent = device(config, &vlan.physical_network)?;
    let link = usable(&vlan.physical_network, parent, facts)?;
    let mtu = mtu(network, link)?;
    check_parent(link, facts)?;
    let vlan = Vlan::of(parent, vlan.vlan);
    check_device(&vlan, network, link, facts)?;
    Ok((mtu, NetworkKind::Vlan(vlan)))
}

/// The device itself, and its MTU.
pub(super) fn flat(
    config: &Config,
    (network, flat): (&NetworkConfig, &FlatConfig),
    facts: &HostFacts,
) -> Result<(Mtu, NetworkKind), String> {
    let name = device(config, &flat.physical_network)?;
    let link = usable(&flat.physical_network, name, facts)?;
    let mtu = mtu(network, link)?;
    check_free(link, network, facts)?;
    Ok((mtu, NetworkKind::Flat(name.clone())))
}

fn usable<'a>(
    physical_network: &str,
    device: &IfName,
    facts: &'a HostFacts,
) -> Result<&'a LinkFact, String> {
    let link = facts.link(device).ok_or_else(|| {
        format!(
            "physical network {physical_network} is {device}, which this host does not have; \
             correct physical_networks in [host]"
        )
    })?;
    if link.up {
        Ok(link)
    } else {
        Err(format!(
            "physical network {physical_network} is {device}, which is down; bring it up first"
        ))
    }
}

fn mtu(network: &NetworkConfig, device: &LinkFact) -> Result<Mtu, String> {
    let most = device.mtu.min(65535);
    let wanted = network.mtu.map_or(most, u32::from);
    let LinkFact { name, mtu, .. } = device;
    if wanted > most {
        return Err(format!(
            "network {} has MTU {wanted}, but {name} has MTU {mtu}",
            network.name
        ));
    }
    Mtu::try_from(wanted).map_err(|error| format!("{name} has MTU {mtu}: {error}"))
}

/// Whether the device of this name is the VLAN's or not there, and no other one has the VLAN.
fn check_device(
    vlan: &Vlan,
    network: &NetworkConfig,
    parent: &LinkFact,
    facts: &HostFacts,
) -> Result<(), String> {
    let Vlan { id, device, .. } = vlan;
    if let Some(link) = facts.link(device) {
        let place = (&network.id, &network.bridge);
        adopt::check(link, Needed::Vlan(vlan), place, facts)?;
    }
    let same = LinkKind::Vlan(VlanFact {
        id: Some(*id),
        parent: Some(parent.index),
    });
    let other = |name: &str| name != device.as_str() && name != UNFINISHED;
    let taken = |link: &&LinkFact| link.kind == same && other(&link.name);
    match facts.links.iter().find(taken) {
        Some(link) => Err(format!(
            "VLAN {id} of {} is device {} already",
            parent.name, link.name
        )),
        None => Ok(()),
    }
}

/// Whether VLANs of a device are its own. What is a port of a bond or of somebody's bridge carries its
/// frames; a bridge of ours (a `flat` network on the same device) has them without tags, and a VRF is
/// about routes alone.
fn check_parent(device: &LinkFact, facts: &HostFacts) -> Result<(), String> {
    let LinkFact { name, .. } = device;
    let vrf = LinkKind::Other("vrf".to_owned());
    let master = device.master.map(|index| facts.link_by_index(index));
    match master {
        None => Ok(()),
        Some(Some(master)) if master.is_ours() || master.kind == vrf => Ok(()),
        Some(master) => {
            let master = master.map_or("another device", |link| link.name.as_str());
            Err(format!(
                "{name} is a port of {master}, whose frames it carries; name {master} in \
                 physical_networks, or take {name} out of there (ip link set {name} nomaster)"
            ))
        }
    }
}

/// Whether a device may join the network's bridge, or is on it.
fn check_free(device: &LinkFact, network: &NetworkConfig, facts: &HostFacts) -> Result<(), String> {
    let name = &device.name;
    if let Some(master) = device.master {
        let master = facts.link_by_index(master).map(|link| link.name.as_str());
        if master == Some(network.bridge.as_str()) {
            return Ok(());
        }
        return Err(format!(
            "{name} is a port of {} already; take it out of there (ip link set {name} nomaster), or \
             name another device in physical_networks",
            master.unwrap_or("another device")
        ));
    }
    if matches!(device.kind, LinkKind::Bridge(_)) {
        return Err(format!(
            "{name} is a bridge, which cannot be a port of another one; name the device below it in \
             physical_networks"
        ));
    }
    match device.own_addresses(facts).next() {
        None => Ok(()),
        Some(address) => Err(format!(
            "{name} has address {address}, which nobody could reach once {name} is a port of {}; \
             vmhook moves no addresses: give the network a device without any, or a VLAN of {name} \
             (type = \"vlan\")",
            network.bridge
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Source, load};
    use crate::facts::AddressFact;
    use crate::model::Network;
    use crate::resolve::network;

    fn link(index: u32, name: &str, kind: LinkKind) -> LinkFact {
        LinkFact {
            index,
            name: name.to_owned(),
            kind,
            mtu: 1500,
            mac: None,
            alias: None,
            master: None,
            up: true,
            suppresses: false,
        }
    }

    /// `eth1`, and whatever else.
    fn host(more: LinkFact) -> HostFacts {
        let eth1 = link(2, "eth1", LinkKind::Other(String::new()));
        HostFacts {
            links: vec![eth1, more],
            ..HostFacts::default()
        }
    }

    fn plain() -> HostFacts {
        host(link(9, "lo", LinkKind::Other(String::new())))
    }

    fn tagged(parent: u32) -> LinkKind {
        LinkKind::Vlan(VlanFact {
            id: 1011.try_into().ok(),
            parent: Some(parent),
        })
    }

    fn resolved(kind: &str, facts: &HostFacts) -> Result<Network, String> {
        let text = format!(
            "[host]\nphysical_networks = {{ physnet1 = \"eth1\" }}\n[network.lab]\nid = \"lab\"\n\
             physical_network = \"physnet1\"\n{kind}"
        );
        let config = load(&[Source {
            name: "vmhook.toml".to_owned(),
            text: Ok(text),
        }]);
        let of_network = config.networks["lab"].as_ref().unwrap();
        network(&config, of_network, facts)
    }

    const VLAN: &str = "type = \"vlan\"\nvlan = 1011\n";
    const FLAT: &str = "type = \"flat\"\n";

    fn refused(kind: &str, facts: &HostFacts) -> String {
        resolved(kind, facts).unwrap_err()
    }

    #[test]
    fn both_have_the_mtu_of_the_device_unless_they_say_a_smaller_one() {
        let mtu = |kind: &str| resolved(kind, &plain()).unwrap().mtu.into();
        for kind in [VLAN, FLAT] {
            assert_eq!((mtu(kind), mtu(&format!("{kind}mtu = 1400"))), (1500, 1400));
            assert_eq!(
                refused(&format!("{kind}mtu = 9000"), &plain()),
                "network lab has MTU 9000, but eth1 has MTU 1500"
            );
        }
    }

    #[test]
    fn a_vlan_takes_no_device_of_its_name_and_no_vlan_of_another_device() {
        let other = |name: &str, parent| host(link(3, name, tagged(parent)));
        assert_eq!(
            refused(VLAN, &other("eth1.1011", 4)),
            "a device named eth1.1011 is there already and was not made by vmhook: it is VLAN 1011 of \
             another device, and this network needs VLAN 1011 of eth1 (device eth1.1011); remove it (ip \
             link delete eth1.1011)"
        );
        assert!(
            resolved(VLAN, &other("eth1.1011", 2)).is_ok(),
            "what is needed"
        );
        assert_eq!(
            refused(VLAN, &other("office", 2)),
            "VLAN 1011 of eth1 is device office already"
        );
        assert!(
            resolved(VLAN, &other("office", 4)).is_ok(),
            "of another NIC"
        );
        let mut own = other("eth1.1011", 2);
        own.links[1].alias = Some("vmhook:network=lab".to_owned());
        assert!(resolved(VLAN, &own).is_ok());
        let mut used = other("eth1.1011", 2);
        used.addresses.push(AddressFact {
            link: 3,
            address: "203.0.113.5".parse().unwrap(),
            on_link: "203.0.113.0/24".parse().unwrap(),
            lasting: true,
        });
        let words =
            "it has address 203.0.113.5, so somebody uses it: rename it (ip link set eth1.1011";
        assert!(
            refused(VLAN, &used).contains(words),
            "{}",
            refused(VLAN, &used)
        );
    }

    #[test]
    fn only_a_device_that_joins_a_bridge_may_have_no_address() {
        let with = |address: &str| {
            let address = address.parse().unwrap();
            let addresses = vec![AddressFact {
                link: 2,
                address,
                on_link: address.into(),
                lasting: true,
            }];
            HostFacts {
                addresses,
                ..plain()
            }
        };
        for address in ["203.0.113.5", "2001:db8::5"] {
            assert!(resolved(VLAN, &with(address)).is_ok());
            let words = format!("eth1 has address {address}, which nobody could reach");
            assert!(refused(FLAT, &with(address)).starts_with(&words));
        }
        assert!(resolved(FLAT, &with("fe80::1")).is_ok(), "the kernel's own");
    }

    #[test]
    fn a_vlan_is_of_no_device_that_carries_anothers_frames() {
        let on = |name: &str, kind| {
            let mut facts = host(link(5, name, kind));
            facts.links[0].master = Some(5);
            facts
        };
        let bond = || LinkKind::Other("bond".to_owned());
        assert_eq!(
            refused(VLAN, &on("bond0", bond())),
            "eth1 is a port of bond0, whose frames it carries; name bond0 in physical_networks, or take \
             eth1 out of there (ip link set eth1 nomaster)"
        );
        let bridge = || LinkKind::Bridge(crate::facts::BridgeFact::OURS);
        assert!(refused(VLAN, &on("br0", bridge())).starts_with("eth1 is a port of br0"));
        let mut flat = on("brqother", bridge());
        flat.links[1].alias = Some("vmhook:network=other".to_owned());
        assert!(resolved(VLAN, &flat).is_ok(), "a flat network beside it");
        assert!(resolved(VLAN, &on("vrf0", LinkKind::Other("vrf".to_owned()))).is_ok());
    }

    #[test]
    fn a_bridge_joins_no_bridge() {
        let mut facts = plain();
        facts.links[0].kind = LinkKind::Bridge(crate::facts::BridgeFact::OURS);
        assert!(refused(FLAT, &facts).starts_with("eth1 is a bridge, which cannot be a port"));
        assert!(resolved(VLAN, &facts).is_ok());
    }
}
