//! Which addresses a port may send from.

use ipnet::IpNet;

use crate::model::{Family, MacAddr, Port};

/// A source that a port may use: this MAC address with these IP addresses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// The Ethernet source.
    pub mac: MacAddr,
    /// The IP source; `None` is any.
    pub ip: Option<IpNet>,
}

/// The sources of one family, in Neutron's order: allowed address pairs, then fixed addresses,
/// then, for a port without any fixed address, its MAC address alone.
///
/// Empty means that Neutron checks nothing in this family: a port with only IPv4 addresses gets
/// no IPv6 check. The guard closes that; here the rules stay the reference's.
pub(super) fn sources(port: &Port, family: Family) -> Vec<Source> {
    let mut sources = Vec::new();
    for pair in &port.allowed_address_pairs {
        allow(&mut sources, pair.mac, pair.ip, family);
    }
    for ip in &port.fixed_ips {
        allow(&mut sources, port.mac, IpNet::from(*ip), family);
    }
    if port.fixed_ips.is_empty() {
        let ip = None;
        push_new(&mut sources, Source { mac: port.mac, ip });
    }
    sources
}

/// Each MAC address with an IPv6 address may use the link-local address that it forms from its
/// MAC address too (RFC 4291): without it, it cannot resolve a neighbour.
fn allow(sources: &mut Vec<Source>, mac: MacAddr, ip: IpNet, family: Family) {
    if Family::of(ip.addr()) != family {
        return;
    }
    // A prefix of length 0 is any address: iptables-save never prints it.
    let listed = (ip.prefix_len() > 0).then_some(ip.trunc());
    push_new(sources, Source { mac, ip: listed });
    if family == Family::Ipv6 {
        let link_local = Some(IpNet::from(std::net::IpAddr::V6(mac.eui64_link_local())));
        let ip = link_local;
        push_new(sources, Source { mac, ip });
    }
}

fn push_new(sources: &mut Vec<Source>, source: Source) {
    if !sources.contains(&source) {
        sources.push(source);
    }
}
