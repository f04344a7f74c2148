//! Which elements a network and a port have.

use std::collections::BTreeSet;
use std::net::IpAddr;

use ipnet::IpNet;

use super::{Element, existing};
use crate::firewall::policy::{Policy, Source};
use crate::model::{
    Family, IfName, MulticastGroup, Network, NetworkKind, Port, PortSecurity, Tap, Vxlan, Zone,
};

/// The elements of a network: its bridge with the zone of that, its ways out as members of it, and how
/// large the segments of its TCP connections may be, where that is limited. The host's own end of it has
/// its own.
///
/// Its tunnel's port is closed to whatever comes in by an end of the host's, of any network.
///
/// Names may precede the links: so a bridge is closed before it exists.
pub fn network_elements(network: &Network, zone: Zone) -> BTreeSet<Element> {
    let mut elements = existing::bridge_elements(network, zone);
    for device in network.ways_out() {
        elements.insert(Element::Member(device.clone()));
        elements.insert(Element::Place(device.clone(), zone.into()));
    }
    match (&network.kind, network.way_out()) {
        (NetworkKind::Flat(device), _) => elements.insert(Element::Untagged(device.clone())),
        (NetworkKind::Vxlan(_) | NetworkKind::Vlan(_), Some(device)) => {
            elements.insert(Element::Device(device.clone()))
        }
        _ => false,
    };
    if let NetworkKind::Vxlan(Vxlan { tunnel, .. }) = &network.kind {
        let group = tunnel.options.group.map(MulticastGroup::address);
        let ends = group.into_iter().chain([tunnel.local.address()]);
        elements.extend(ends.map(|end| Element::Vtep(end, tunnel.port)));
        elements.insert(Element::TunnelPort(tunnel.port));
    }
    if network.clamp_mss {
        elements.insert(Element::Clamped(zone.into(), network.mtu));
    }
    elements
}

/// The element of a port that is not open, for the tap that it will have, where its name is known:
/// the tap will be up before `start` is called.
pub fn closed_port_elements(port: &Port) -> BTreeSet<Element> {
    port.target.iter().cloned().map(Element::Quiet).collect()
}

/// The elements of a port that is open: what it may send from, and membership of its network.
///
/// The sources are those of the port's rules. A port with an IPv6 address may also use the link-local
/// address that EUI-64 makes of its MAC, as in Neutron. In the family in which a port has no source
/// it sends nothing, and without an IPv6 source it gets no IPv6 either.
///
/// What a port may use does not depend on how much of it is checked: so to check more or less of it is
/// to exchange one element. Only a port of which nothing is checked has no such elements.
pub fn port_elements(zone: Zone, port: &Port, tap: &Tap) -> BTreeSet<Element> {
    let name = &tap.name;
    let mut elements = BTreeSet::from([
        Element::Quiet(name.clone()),
        Element::Member(name.clone()),
        Element::Place(name.clone(), zone.into()),
        Element::Rarp(name.clone(), port.mac),
    ]);
    elements.extend(match port.security {
        PortSecurity::Hardened => Some(Element::Port(name.clone())),
        PortSecurity::Enabled => Some(Element::Unhardened(name.clone())),
        PortSecurity::Disabled | PortSecurity::Trusted => None,
    });
    if port.security.is_filtered() {
        elements.extend(sources(port, name));
    }
    without_covered(&elements)
}

/// What a port may send with and from.
fn sources(port: &Port, name: &IfName) -> BTreeSet<Element> {
    let mut elements = BTreeSet::from([Element::Mac(name.clone(), port.mac)]);
    let pairs = port.allowed_address_pairs.iter();
    for mac in pairs.map(|pair| pair.mac).filter(|mac| *mac != port.mac) {
        elements.insert(Element::Mac(name.clone(), mac));
        elements.insert(Element::Hardware(name.clone(), mac));
    }
    for source in Policy::of(port, Family::Ipv4).sources {
        elements.insert(source_v4(name, &source));
    }
    for source in Policy::of(port, Family::Ipv6).sources {
        elements.insert(Element::Has6(name.clone()));
        elements.extend(source_v6(name, &source));
    }
    if let Some(servers) = &port.dhcp_servers {
        elements.insert(Element::DhcpLimited(name.clone()));
        let server = |address: &IpAddr| Element::DhcpServer(name.clone(), *address);
        elements.extend(servers.iter().map(server));
    }
    elements
}

fn source_v4(tap: &IfName, source: &Source) -> Element {
    let (tap, mac) = (tap.clone(), source.mac);
    match source.ip {
        Some(IpNet::V4(net)) if net.prefix_len() == 32 => Element::V4(tap, mac, net.addr()),
        Some(IpNet::V4(net)) => Element::V4Net(tap, mac, net),
        Some(IpNet::V6(_)) | None => Element::V4Any(tap, mac),
    }
}

fn source_v6(tap: &IfName, source: &Source) -> [Element; 2] {
    let mac = source.mac;
    match source.ip {
        Some(IpNet::V6(net)) if net.prefix_len() == 128 => [
            Element::V6(tap.clone(), mac, net.addr()),
            Element::Na(tap.clone(), net.addr()),
        ],
        Some(IpNet::V6(net)) => [
            Element::V6Net(tap.clone(), mac, net),
            Element::NaNet(tap.clone(), net),
        ],
        Some(IpNet::V4(_)) | None => [
            Element::V6Any(tap.clone(), mac),
            Element::NaAny(tap.clone()),
        ],
    }
}

/// Without the prefixes that lie in another of the same tap and MAC address: nft takes no set of
/// intervals that meet.
fn without_covered(elements: &BTreeSet<Element>) -> BTreeSet<Element> {
    let covers = |other: &Element, one: &Element| match (other, one) {
        (Element::V4Net(_, mac, wide), Element::V4Net(_, own, net)) => {
            mac == own && wide != net && wide.contains(net)
        }
        (Element::V6Net(_, mac, wide), Element::V6Net(_, own, net)) => {
            mac == own && wide != net && wide.contains(net)
        }
        (Element::NaNet(_, wide), Element::NaNet(_, net)) => wide != net && wide.contains(net),
        _ => false,
    };
    let is_covered = |one: &Element| elements.iter().any(|other| covers(other, one));
    let kept = elements.iter().filter(|one| !is_covered(one));
    kept.cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::AllowedAddressPair;

    fn elements(fixed_ips: &[&str], pairs: &[(&str, &str)]) -> BTreeSet<Element> {
        let pair = |(ip, mac): &(&str, &str)| AllowedAddressPair {
            ip: ip.parse().unwrap(),
            mac: mac.parse().unwrap(),
        };
        let port = Port {
            network: "lab".parse().unwrap(),
            mac: "fa:16:3e:be:71:21".parse().unwrap(),
            tap: None,
            target: None,
            fixed_ips: fixed_ips.iter().map(|ip| ip.parse().unwrap()).collect(),
            allowed_address_pairs: pairs.iter().map(pair).collect(),
            security_groups: Vec::new(),
            ipv6_addresses: crate::model::Ipv6Addresses::default(),
            dhcp_servers: None,
            remote_groups: Vec::new(),
            security: crate::model::PortSecurity::default(),
        };
        let name = "tap1".parse().unwrap();
        port_elements(Zone::FIRST, &port, &Tap { name, index: 7 })
    }

    fn text(elements: &BTreeSet<Element>) -> String {
        let lines = elements.iter().map(ToString::to_string);
        lines.collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn a_port_without_ipv6_has_nothing_of_it() {
        let text = text(&elements(
            &["192.0.2.1"],
            &[("10.9.0.0/24", "00:00:5e:00:01:01")],
        ));
        assert!(
            !text.contains("v6") && !text.contains("na") && !text.contains("has6"),
            "{text}"
        );
        assert!(text.contains("macs { \"tap1\" . 00:00:5e:00:01:01 }"));
        assert!(text.contains("v4nets { \"tap1\" . 00:00:5e:00:01:01 . 10.9.0.0/24 }"));
    }

    #[test]
    fn a_port_without_any_address_may_use_all_with_its_own_mac_address() {
        let text = text(&elements(&[], &[]));
        for place in ["v4any", "v6any"] {
            assert!(text.contains(&format!("{place} {{ \"tap1\" . fa:16:3e:be:71:21 }}")));
        }
        assert!(text.contains("naany") && text.contains("has6"));
    }

    #[test]
    fn a_prefix_in_another_one_is_left_out() {
        let own = "fa:16:3e:be:71:21";
        let other = "00:00:5e:00:01:01";
        let pairs = [
            ("10.9.0.0/16", own),
            ("10.9.1.0/24", own),
            ("10.9.1.0/24", other),
        ];
        let elements = elements(&["192.0.2.1"], &pairs);
        let nets = elements
            .iter()
            .filter(|it| matches!(it, Element::V4Net(..)));
        assert_eq!(nets.count(), 2);
    }
}
