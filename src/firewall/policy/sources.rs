//! Which addresses a port may send from.

use std::net::IpAddr;

use ipnet::{IpNet, Ipv6Net};

use crate::model::{Family, Ipv6Addresses, MacAddr, Port};

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
        allow(&mut sources, pair.mac, pair.ip, port, family);
    }
    for ip in &port.fixed_ips {
        let ip = IpNet::from(*ip);
        allow(&mut sources, port.mac, ip, port, family);
        if port.ipv6_addresses == Ipv6Addresses::Prefix {
            allow(&mut sources, port.mac, of_length(ip, 64), port, family);
        }
    }
    if port.fixed_ips.is_empty() {
        let ip = None;
        push_last(&mut sources, Source { mac: port.mac, ip });
    }
    sources
}

fn allow(sources: &mut Vec<Source>, mac: MacAddr, ip: IpNet, port: &Port, family: Family) {
    if Family::of(ip.addr()) != family {
        return;
    }
    // A prefix of length 0 is any address: iptables-save never prints it.
    let listed = (ip.prefix_len() > 0).then_some(ip.trunc());
    push_last(sources, Source { mac, ip: listed });
    if family == Family::Ipv6 {
        let ip = Some(link_local(mac, port.ipv6_addresses));
        push_new(sources, Source { mac, ip });
    }
}

/// Each MAC address with an IPv6 address may use the link-local address that it forms from its
/// MAC address too (RFC 4291), or where the network says so any: without one, it cannot resolve a
/// neighbour.
fn link_local(mac: MacAddr, which: Ipv6Addresses) -> IpNet {
    let own = IpNet::from(IpAddr::V6(mac.eui64_link_local()));
    match which {
        Ipv6Addresses::Listed => own,
        Ipv6Addresses::LinkLocal | Ipv6Addresses::Prefix => of_length(own, 64),
    }
}

/// The IPv6 prefix of this length that an address lies in; of IPv4 the address itself.
fn of_length(ip: IpNet, length: u8) -> IpNet {
    match ip {
        IpNet::V4(_) => ip,
        IpNet::V6(ip) => {
            let prefix = Ipv6Net::new(ip.addr(), length).map(|prefix| prefix.trunc());
            IpNet::V6(prefix.unwrap_or(ip))
        }
    }
}

/// Of equal ones the last stays, as with Neutron.
fn push_last(sources: &mut Vec<Source>, source: Source) {
    sources.retain(|known| *known != source);
    sources.push(source);
}

fn push_new(sources: &mut Vec<Source>, source: Source) {
    if !sources.contains(&source) {
        sources.push(source);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(ipv6_addresses: Ipv6Addresses, family: Family) -> Vec<String> {
        let port = Port {
            network: "lab".parse().unwrap(),
            mac: "fa:16:3e:be:71:21".parse().unwrap(),
            tap: None,
            target: None,
            fixed_ips: vec!["192.0.2.1".parse().unwrap(), "2001:db8::1".parse().unwrap()],
            ipv6_addresses,
            dhcp_servers: None,
            allowed_address_pairs: Vec::new(),
            security_groups: Vec::new(),
            remote_groups: Vec::new(),
            security: crate::model::PortSecurity::default(),
        };
        let sources = sources(&port, family).into_iter();
        sources
            .map(|source| source.ip.unwrap().to_string())
            .collect()
    }

    #[test]
    fn each_mode_allows_more_ipv6_addresses_and_none_more_ipv4_addresses() {
        for (mode, expected) in [
            (
                Ipv6Addresses::Listed,
                &["2001:db8::1/128", "fe80::f816:3eff:febe:7121/128"][..],
            ),
            (Ipv6Addresses::LinkLocal, &["2001:db8::1/128", "fe80::/64"]),
            (
                Ipv6Addresses::Prefix,
                &["2001:db8::1/128", "fe80::/64", "2001:db8::/64"],
            ),
        ] {
            assert_eq!(texts(mode, Family::Ipv6), expected);
            assert_eq!(texts(mode, Family::Ipv4), ["192.0.2.1/32"]);
        }
    }
}
