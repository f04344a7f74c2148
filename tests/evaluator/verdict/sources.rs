//! Who a port may be: Ethernet addresses with the IP addresses that go with them.

use std::net::IpAddr;

use ipnet::IpNet;

use crate::configuration::{Configuration, Family, Ipv6Addresses, Mac, Port};

/// An Ethernet address, and the IP addresses that it may have.
#[derive(Debug, Clone, Copy)]
pub(super) struct Source {
    pub(super) mac: Mac,
    pub(super) net: IpNet,
}

impl Source {
    pub(super) fn is(&self, mac: Mac, address: IpAddr) -> bool {
        self.mac == mac && self.net.contains(&address)
    }
}

/// What the port may use in a family.
///
/// Its fixed addresses go with its own Ethernet address, each pair with the pair's; a port without any
/// fixed address may use all with its own. Whatever Ethernet address has an IPv6 address also has the
/// link-local one that it makes of itself or, where the network says so, any; and with `prefix` the
/// neighbourhood of each fixed address is the port's, too.
pub(super) fn sources(configuration: &Configuration, port: &Port, family: Family) -> Vec<Source> {
    let mode = configuration.networks[port.network].ipv6_addresses;
    let mut sources = Vec::new();
    for ip in &port.fixed_ips {
        sources.push((port.mac, IpNet::from(*ip)));
        if mode == Ipv6Addresses::Prefix && ip.is_ipv6() {
            sources.push((port.mac, prefix(*ip, 64)));
        }
    }
    for (net, mac) in &port.pairs {
        sources.push((mac.unwrap_or(port.mac), *net));
    }
    let with_ipv6: Vec<Mac> = sources
        .iter()
        .filter(|(_, net)| net.addr().is_ipv6())
        .map(|(mac, _)| *mac)
        .collect();
    for mac in with_ipv6 {
        let length = if mode == Ipv6Addresses::Listed {
            128
        } else {
            64
        };
        sources.push((mac, prefix(mac.link_local().into(), length)));
    }
    if port.fixed_ips.is_empty() {
        for any in ["0.0.0.0/0", "::/0"] {
            sources.push((port.mac, any.parse().expect("a prefix")));
        }
    }
    let of_family = sources
        .into_iter()
        .filter(|(_, net)| Family::of(net.addr()) == family);
    of_family.map(|(mac, net)| Source { mac, net }).collect()
}

/// Its own Ethernet address and those of its pairs.
pub(super) fn has_mac(port: &Port, mac: Mac) -> bool {
    port.mac == mac || port.pairs.iter().any(|(_, pair)| *pair == Some(mac))
}

fn prefix(address: IpAddr, length: u8) -> IpNet {
    IpNet::new(address, length)
        .expect("the family has it")
        .trunc()
}
