//! The addresses that packets are made of.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;

use super::{NOBODY, PEERS};
use crate::configuration::{Configuration, Family, Mac, Port, Remote, Rule};
use crate::verdict::{addresses, members};

/// What the configuration speaks of, with what lies beside it.
#[derive(Debug, Clone)]
pub(super) struct Pools {
    pub(super) v4: Vec<IpAddr>,
    pub(super) v6: Vec<IpAddr>,
    pub(super) macs: Vec<Mac>,
}

impl Pools {
    pub(super) fn of(configuration: &Configuration) -> Self {
        let mut all: BTreeSet<IpAddr> = [
            "10.0.0.1",
            "198.51.100.9",
            "255.255.255.255",
            "224.0.0.1",
            "0.0.0.0",
            "2001:db8::1",
            "2001:db8:77::9",
            "ff02::1",
            "fe80::1ce:cafe",
            "::",
        ]
        .iter()
        .map(|text| text.parse().expect("an address"))
        .collect();
        let mut macs: Vec<Mac> = vec![NOBODY, PEERS[0], PEERS[1]];
        let mut nets: Vec<IpNet> = Vec::new();
        for port in &configuration.ports {
            macs.extend(
                [port.mac]
                    .into_iter()
                    .chain(port.pairs.iter().filter_map(|pair| pair.1)),
            );
            nets.extend(own_nets(port));
        }
        all.extend(macs.iter().map(|mac| IpAddr::from(mac.link_local())));
        let rules = configuration
            .groups
            .iter()
            .flat_map(|it| it.ingress.iter().chain(&it.egress));
        nets.extend(rules.flat_map(|rule| remote_nets(configuration, rule)));
        all.extend(nets.iter().flat_map(edges));
        let (v4, v6) = all.into_iter().partition(IpAddr::is_ipv4);
        Self { v4, v6, macs }
    }

    pub(super) fn of_family(&self, family: Family) -> &[IpAddr] {
        match family {
            Family::V4 => &self.v4,
            Family::V6 => &self.v6,
        }
    }
}

/// What a port may use, as it is written.
pub(super) fn own_nets(port: &Port) -> Vec<IpNet> {
    let fixed = port.fixed_ips.iter().copied().map(IpNet::from);
    fixed.chain(port.pairs.iter().map(|pair| pair.0)).collect()
}

pub(super) fn remote_nets(configuration: &Configuration, rule: &Rule) -> Vec<IpNet> {
    match &rule.remote {
        None => Vec::new(),
        Some(Remote::Prefix(net)) => vec![*net],
        Some(Remote::Group(name)) => members(configuration, name),
        Some(Remote::AddressGroup(name)) => addresses(configuration, name),
    }
}

/// The first and the last address of a prefix, and those before and after them.
pub(super) fn edges(net: &IpNet) -> Vec<IpAddr> {
    let (first, last) = (net.network(), net.broadcast());
    let beside = |address: IpAddr, step: i8| -> IpAddr {
        match address {
            IpAddr::V4(it) => Ipv4Addr::from(u32::from(it).wrapping_add_signed(step.into())).into(),
            IpAddr::V6(it) => {
                Ipv6Addr::from(u128::from(it).wrapping_add_signed(step.into())).into()
            }
        }
    };
    vec![beside(first, -1), first, last, beside(last, 1)]
}
