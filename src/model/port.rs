//! A VM's interface on a network.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::IpAddr;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use super::{Family, IfName, MacAddr, NetworkId, PortSecurity, Remote, RemoteGroup, SecurityGroup};

/// What identifies a port on this host: its network and its MAC address.
///
/// Never the tap: its name is missing at `prepare`, `stopped` and `release` when libvirt chose it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct PortKey {
    /// The network.
    pub network: NetworkId,
    /// The interface's address as the domain XML gives it.
    pub mac: MacAddr,
}

impl fmt::Display for PortKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} on network {}", self.mac, self.network)
    }
}

/// The tap device of a running VM's interface.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Tap {
    /// Its name, which another VM may get after this one.
    pub name: IfName,
    /// Its index, which no other device gets in this network namespace's life.
    pub index: u32,
}

/// Another address that a port may use besides its own: for virtual routers, VRRP and the like.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct AllowedAddressPair {
    /// The addresses.
    pub ip: IpNet,
    /// The MAC address that goes with them; the port's own where the configuration names none.
    pub mac: MacAddr,
}

/// For people: `10.9.0.0/24 with 00:00:5e:00:01:01`.
impl fmt::Display for AllowedAddressPair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} with {}", self.ip, self.mac)
    }
}

/// Which IPv6 addresses a port with an IPv6 address may use besides those that are listed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ipv6Addresses {
    /// The link-local address that EUI-64 makes of its MAC address.
    #[default]
    Listed,
    /// Any link-local address: Windows and others make theirs at random (RFC 7217).
    LinkLocal,
    /// Also any address in the /64 of each of its fixed ones: stateless autoconfiguration with stable
    /// and temporary addresses (RFC 7217, RFC 8981).
    Prefix,
}

/// A VM's interface on a network, resolved: who it may be and what it may do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Port {
    /// The network it is on.
    pub network: NetworkId,
    /// The VM's own MAC address.
    pub mac: MacAddr,
    /// Its tap, once it exists.
    pub tap: Option<Tap>,
    /// The name that the domain gives the tap, if it does: decides the names of the chains.
    pub target: Option<IfName>,
    /// The addresses it may use, in the order written; none: any, with its own MAC address.
    pub fixed_ips: Vec<IpAddr>,
    /// What it may use besides.
    pub allowed_address_pairs: Vec<AllowedAddressPair>,
    /// Which IPv6 addresses it may use besides, as its network says.
    #[serde(default)]
    pub ipv6_addresses: Ipv6Addresses,
    /// Whose DHCP and DHCPv6 replies reach it, as its network says; `None`: anybody's.
    #[serde(default)]
    pub dhcp_servers: Option<BTreeSet<IpAddr>>,
    /// What it may send and receive, whole, in the order written: a record needs no configuration.
    pub security_groups: Vec<SecurityGroup>,
    /// The groups that their rules name as the other side, as far as they are others.
    #[serde(default)]
    pub remote_groups: Vec<RemoteGroup>,
    /// How much of all this is checked. A port that is not filtered has neither groups nor pairs.
    #[serde(default)]
    pub security: PortSecurity,
}

impl Port {
    /// What identifies it on this host.
    pub fn key(&self) -> PortKey {
        PortKey {
            network: self.network.clone(),
            mac: self.mac,
        }
    }

    /// Whether somebody has said who it may be. Of an interface of a libvirt network nobody can before
    /// its tap is there; without a tap, a port that may use any address and has no group looks alike,
    /// and is asked for anew as well.
    pub fn is_resolved(&self) -> bool {
        self.tap.is_some()
            || !self.fixed_ips.is_empty()
            || !self.security_groups.is_empty()
            || !self.security.is_filtered()
    }

    /// Its fixed addresses and its allowed pairs' prefixes, as Neutron counts a group's members.
    pub fn addresses(&self) -> impl Iterator<Item = IpNet> + '_ {
        let fixed = self.fixed_ips.iter().copied().map(IpNet::from);
        fixed.chain(self.allowed_address_pairs.iter().map(|pair| pair.ip))
    }

    /// The single addresses among [these](Self::addresses).
    pub fn single_addresses(&self) -> impl Iterator<Item = IpAddr> + '_ {
        let single = |net: &IpNet| net.prefix_len() == net.max_prefix_len();
        self.addresses().filter(single).map(|net| net.addr())
    }

    /// Whether connection tracking decides nothing about its packets. As in Neutron its first group
    /// says so for all of them, and a group without rules says nothing.
    pub fn is_stateless(&self) -> bool {
        let first = self.security_groups.first();
        first.is_some_and(|group| group.stateless && !group.rules.is_empty())
    }

    /// The groups that its rules name as the other side, each with the families of those rules.
    pub fn remotes(&self) -> Vec<(RemoteGroup, BTreeSet<Family>)> {
        let mut named: BTreeMap<&str, BTreeSet<Family>> = BTreeMap::new();
        for rule in self.security_groups.iter().flat_map(|group| &group.rules) {
            if let Remote::Group(name) = &rule.remote {
                named.entry(name).or_default().insert(rule.family);
            }
        }
        let group = |(name, families)| (self.remote_group(name), families);
        named.into_iter().map(group).collect()
    }

    /// The group of this name as it was defined; one that nothing defines has no members elsewhere.
    pub fn remote_group(&self, name: &str) -> RemoteGroup {
        let other = self.remote_groups.iter().find(|group| group.name == name);
        let own = || self.security_groups.iter().find(|group| group.name == name);
        let nobody = || RemoteGroup {
            name: name.to_owned(),
            id: None,
            members: Vec::new(),
        };
        other
            .cloned()
            .or_else(|| own().map(Into::into))
            .unwrap_or_else(nobody)
    }

    /// Its fixed addresses of one family.
    pub fn fixed_ips_of(&self, family: Family) -> impl Iterator<Item = IpAddr> + '_ {
        self.fixed_ips
            .iter()
            .copied()
            .filter(move |ip| Family::of(*ip) == family)
    }
}
