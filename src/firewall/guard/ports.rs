//! Which elements a network and a port have.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv6Addr};

use super::Element;
use crate::model::{Network, NetworkKind, Port, Tap};

/// The elements of a network: its bridge, and its way out as a member.
///
/// Names may precede the links: so a bridge is closed before it exists.
pub fn network_elements(network: &Network) -> BTreeSet<Element> {
    let NetworkKind::Vxlan(vxlan) = &network.kind;
    BTreeSet::from([
        Element::Bridge(network.bridge.clone()),
        Element::Member(vxlan.tunnel.device.clone()),
    ])
}

/// The element of a port that is not open, for the tap that it will have, where its name is known:
/// the tap will be up before `start` is called.
pub fn closed_port_elements(port: &Port) -> BTreeSet<Element> {
    port.target.iter().cloned().map(Element::Quiet).collect()
}

/// The elements of a port that is open: its addresses, and membership.
///
/// A port with an IPv6 address may also use the link-local address that EUI-64 makes of its MAC,
/// as in Neutron. A port without neither sends nor gets IPv6.
pub fn port_elements(port: &Port, tap: &Tap) -> BTreeSet<Element> {
    let (name, mac) = (&tap.name, port.mac);
    let mut elements = BTreeSet::from([
        Element::Quiet(name.clone()),
        Element::Member(name.clone()),
        Element::Port(name.clone()),
        Element::Mac(name.clone(), mac),
        Element::Rarp(name.clone(), mac),
    ]);
    let mut ipv6 = BTreeSet::<Ipv6Addr>::new();
    for ip in &port.fixed_ips {
        match ip {
            IpAddr::V4(ip) => {
                elements.insert(Element::V4(name.clone(), mac, *ip));
            }
            IpAddr::V6(ip) => {
                ipv6.extend([*ip, mac.eui64_link_local()]);
            }
        }
    }
    if !ipv6.is_empty() {
        elements.extend(ipv6.iter().map(|ip| Element::V6(name.clone(), mac, *ip)));
        elements.insert(Element::Has6(name.clone()));
        elements.extend(ipv6.iter().map(|ip| Element::Na(name.clone(), *ip)));
    }
    elements
}
