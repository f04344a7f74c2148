//! Networks on a bridge that is the host's.
//!
//! As soon as a machine is on it, ports that nobody named are closed. On a bridge that was in use
//! before this would cut somebody off, so the first machine is let in only when all of them are named.

use super::adopt::found;
use crate::config::{Config, NetworkConfig, NetworkKindConfig};
use crate::facts::{HostFacts, LinkFact, LinkKind};
use crate::model::{ExistingBridge, IfName, Mtu, Network, NetworkKind};

/// The bridge's MTU, or a smaller one, and its named ports.
pub(super) fn existing(
    config: &Config,
    (network, existing): (&NetworkConfig, &ExistingBridge),
    facts: &HostFacts,
) -> Result<(Mtu, NetworkKind), String> {
    let link = bridge(network, facts)?;
    let mtu = mtu(network, link)?;
    if !existing.host_unfiltered {
        without_address(network, link, facts)?;
    }
    for port in &existing.uplinks {
        match place(port, link, facts) {
            Place::Here => {}
            Place::Absent => return Err(absent(network, port, "which this host does not have")),
            Place::Free => return Err(absent(network, port, "which is a port of no bridge")),
            Place::On(other) => return Err(elsewhere(network, port, other)),
        }
    }
    for port in &existing.trusted_ports {
        match place(port, link, facts) {
            Place::Here => {}
            Place::Absent | Place::Free => alone(config, network, port)?,
            Place::On(other) => return Err(elsewhere(network, port, other)),
        }
    }
    Ok((mtu, NetworkKind::Bridge(existing.clone())))
}

fn bridge<'a>(network: &NetworkConfig, facts: &'a HostFacts) -> Result<&'a LinkFact, String> {
    let NetworkConfig { name, bridge, .. } = network;
    let link = facts.link(bridge).ok_or_else(|| {
        format!(
            "network {name} is on bridge {bridge}, which this host does not have; make it first, or \
             correct `bridge`: vmhook makes no bridge that is named there"
        )
    })?;
    if link.is_ours() {
        return Err(format!(
            "network {name} is on bridge {bridge}, which vmhook made for another network; name a \
             bridge of the host's"
        ));
    }
    let LinkKind::Bridge(fact) = &link.kind else {
        let found = found(link, facts);
        return Err(format!(
            "network {name} is on {bridge}, which is no bridge but {found}"
        ));
    };
    if fact.vlan_filtering {
        return Err(format!(
            "network {name} is on bridge {bridge}, which goes by VLANs (vlan_filtering 1): what it tags \
             and untags passes the security groups by; switch that off, or give the machines a network \
             of type vlan or flat"
        ));
    }
    if !link.up {
        return Err(format!(
            "network {name} is on bridge {bridge}, which is down; bring it up first"
        ));
    }
    Ok(link)
}

fn mtu(network: &NetworkConfig, bridge: &LinkFact) -> Result<Mtu, String> {
    let LinkFact { name, mtu, .. } = bridge;
    let most = (*mtu).min(65535);
    let wanted = network.mtu.map_or(most, u32::from);
    if wanted > most {
        return Err(format!(
            "network {} has MTU {wanted}, but bridge {name} has MTU {mtu}",
            network.name
        ));
    }
    Mtu::try_from(wanted).map_err(|error| format!("bridge {name} has MTU {mtu}: {error}"))
}

/// Without `host_unfiltered` the host is closed to the bridge, and would be lost with its address.
fn without_address(
    network: &NetworkConfig,
    bridge: &LinkFact,
    facts: &HostFacts,
) -> Result<(), String> {
    match bridge.own_addresses(facts).next() {
        None => Ok(()),
        Some(address) => Err(format!(
            "the host has address {address} on bridge {}, and would be cut off from it; write \
             host_unfiltered = true in [network.{}] if the host is to go on using it, or give the \
             machines a network of vmhook's own",
            bridge.name, network.name
        )),
    }
}

/// Where a port is that the configuration names.
enum Place<'a> {
    /// On the network's bridge.
    Here,
    /// No such device is there.
    Absent,
    /// It is on no bridge.
    Free,
    /// It is on another device.
    On(&'a str),
}

fn place<'a>(port: &IfName, bridge: &LinkFact, facts: &'a HostFacts) -> Place<'a> {
    let Some(link) = facts.link(port) else {
        return Place::Absent;
    };
    match link.master {
        None => Place::Free,
        Some(master) if master == bridge.index => Place::Here,
        Some(master) => {
            let other = facts.link_by_index(master);
            Place::On(other.map_or("another device", |link| link.name.as_str()))
        }
    }
}

/// A port that is nowhere yet is one network's: the guard knows a port's network before the port is there.
fn alone(config: &Config, network: &NetworkConfig, port: &IfName) -> Result<(), String> {
    let names = |it: &&NetworkConfig| match &it.kind {
        NetworkKindConfig::Bridge(named) => named.ways_out().any(|it| it == port),
        _ => false,
    };
    let others = config.networks.values().flatten();
    let mut others = others.filter(|it| it.id != network.id);
    others.find(names).map_or(Ok(()), |other| {
        Err(format!(
            "network {} names trusted port {port}, which is on no bridge yet, and so does network {}: \
             name it in one of the two, or put it on its bridge first",
            network.name, other.name
        ))
    })
}

fn absent(network: &NetworkConfig, port: &IfName, what: &str) -> String {
    format!(
        "network {} names uplink {port}, {what}: no machine could reach anybody by it; put it on \
         bridge {}, or correct `uplinks`",
        network.name, network.bridge
    )
}

fn elsewhere(network: &NetworkConfig, port: &IfName, other: &str) -> String {
    format!(
        "network {} names {port} as a port of bridge {}, but it is on {other}",
        network.name, network.bridge
    )
}

/// Whether all ports of a network's bridge are named that the first machine on it would close. `own`
/// are the taps of that machine, which may run already.
///
/// # Errors
/// Those that are not, and what to do.
pub fn check_ports(network: &Network, own: &[&str], facts: &HostFacts) -> Result<(), String> {
    let Some(bridge) = facts
        .link(&network.bridge)
        .filter(|_| network.existing().is_some())
    else {
        return Ok(());
    };
    let ports = facts.ports_of(bridge.index).map(|link| link.name.as_str());
    let is_known = |port: &&str| network.has_way_out(port) || own.contains(port);
    let unknown: Vec<&str> = ports.filter(|port| !is_known(port)).collect();
    if unknown.is_empty() {
        return Ok(());
    }
    Err(format!(
        "bridge {} has ports that network {} does not name, and would cut off: {}; name each in \
         `uplinks` or `trusted_ports`, or take it out of the bridge",
        network.bridge,
        network.name,
        unknown.join(", ")
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Source, load};
    use crate::facts::{AddressFact, BridgeFact};
    use crate::resolve::network;

    fn link(index: u32, name: &str, master: Option<u32>) -> LinkFact {
        LinkFact {
            index,
            name: name.to_owned(),
            kind: LinkKind::Other(String::new()),
            mtu: 1500,
            mac: None,
            alias: None,
            master,
            up: true,
            suppresses: false,
        }
    }

    /// `br0` with `eth0`, and `br1` with `veth1`.
    fn host() -> HostFacts {
        let bridge = |index, name| LinkFact {
            kind: LinkKind::Bridge(BridgeFact::OURS),
            ..link(index, name, None)
        };
        HostFacts {
            links: vec![
                bridge(1, "br0"),
                bridge(2, "br1"),
                link(3, "eth0", Some(1)),
                link(4, "veth1", Some(2)),
                link(5, "eth9", None),
            ],
            ..HostFacts::default()
        }
    }

    fn resolved(keys: &str, facts: &HostFacts) -> Result<Network, String> {
        let text = format!("[network.lan]\nid = \"lan\"\nbridge = \"br0\"\n{keys}");
        let config = load(&[Source {
            name: "vmhook.toml".to_owned(),
            text: Ok(text),
        }]);
        let of_network = config.networks["lan"].as_ref().unwrap();
        network(&config, of_network, facts)
    }

    #[test]
    fn it_has_the_mtu_of_its_bridge_or_a_smaller_one() {
        let mtu = |keys: &str| resolved(keys, &host()).unwrap().mtu.into();
        assert_eq!((mtu(""), mtu("mtu = 1400")), (1500, 1400));
        let refused = resolved("mtu = 9000", &host()).unwrap_err();
        assert_eq!(
            refused,
            "network lan has MTU 9000, but bridge br0 has MTU 1500"
        );
    }

    #[test]
    fn a_bridge_that_goes_by_vlans_is_refused() {
        let mut facts = host();
        facts.links[0].kind = LinkKind::Bridge(BridgeFact {
            vlan_filtering: true,
            ..BridgeFact::OURS
        });
        let refused = resolved("", &facts).unwrap_err();
        let words = "bridge br0, which goes by VLANs (vlan_filtering 1)";
        assert!(refused.contains(words), "{refused}");
    }

    #[test]
    fn a_named_port_is_on_this_bridge_or_a_trusted_one_nowhere_yet() {
        for (keys, words) in [
            ("uplinks = [\"eth0\"]", None),
            ("trusted_ports = [\"eth9\", \"veth7\"]", None),
            (
                "uplinks = [\"eth9\"]",
                Some("names uplink eth9, which is a port of no bridge"),
            ),
            (
                "uplinks = [\"eth7\"]",
                Some("names uplink eth7, which this host does not have"),
            ),
            (
                "uplinks = [\"veth1\"]",
                Some("network lan names veth1 as a port of bridge br0, but it is on br1"),
            ),
            (
                "trusted_ports = [\"veth1\"]",
                Some("network lan names veth1 as a port of bridge br0, but it is on br1"),
            ),
        ] {
            match (resolved(keys, &host()), words) {
                (Ok(_), None) => {}
                (Err(cause), Some(words)) => assert!(cause.contains(words), "{cause}"),
                (got, _) => panic!("{keys}: {got:?}"),
            }
        }
    }

    #[test]
    fn a_port_that_is_nowhere_yet_is_of_one_network() {
        let other =
            "[network.far]\nid = \"far\"\nbridge = \"br1\"\ntrusted_ports = [\"eth9\", \"eth0\"]";
        let with =
            |port: &str| resolved(&format!("trusted_ports = [\"{port}\"]\n{other}"), &host());
        let refused = with("eth9").unwrap_err();
        let words = "which is on no bridge yet, and so does network far";
        assert!(refused.contains(words), "{refused}");
        assert!(with("eth0").is_ok(), "it is on this one");
    }

    #[test]
    fn an_address_needs_a_word_and_one_of_the_kernel_does_not() {
        let with = |address: &str| {
            let address: std::net::IpAddr = address.parse().unwrap();
            HostFacts {
                addresses: vec![AddressFact {
                    link: 1,
                    address,
                    lasting: true,
                    on_link: address.into(),
                }],
                ..host()
            }
        };
        for address in ["192.0.2.1", "2001:db8::1"] {
            let refused = resolved("", &with(address)).unwrap_err();
            let words = format!("the host has address {address} on bridge br0");
            assert!(refused.starts_with(&words), "{refused}");
            assert!(resolved("host_unfiltered = true", &with(address)).is_ok());
        }
        assert!(resolved("", &with("fe80::1")).is_ok());
    }

    #[test]
    fn ports_that_nobody_named_are_told_all_at_once() {
        let mut facts = host();
        facts.links.push(link(6, "vnet3", Some(1)));
        let network = resolved("", &facts).unwrap();
        let refused = check_ports(&network, &[], &facts).unwrap_err();
        assert!(refused.contains("cut off: eth0, vnet3;"), "{refused}");
        let refused = check_ports(&network, &["vnet3"], &facts).unwrap_err();
        assert!(refused.contains("cut off: eth0;"), "its own tap: {refused}");
        let network = resolved("uplinks = [\"eth0\"]\ntrusted_ports = [\"vnet3\"]", &facts);
        assert_eq!(check_ports(&network.unwrap(), &[], &facts), Ok(()));
    }
}
