//! The host's end of a network as a pair of devices.

use std::collections::BTreeSet;
use std::fmt;
use std::net::IpAddr;

use ipnet::IpNet;

use super::link::alias;
use crate::model::{Family, IfName, MacAddr, Mtu, NetworkId};

/// A pair of devices (veth): the host has the addresses on one, and the other is a port of the bridge.
///
/// All that the host's end believes is said here. It takes no advice on routes or addresses from the
/// network, answers for none but its own addresses, and has no address that is not listed: with IPv6
/// that is also the link-local one of its MAC address, without which it could ask for nobody in another's
/// name. IPv6 is off where it has no address of it. The port has no protocol at all.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct HostEndPair {
    /// The host's device.
    pub name: IfName,
    /// The port of the bridge.
    pub port: IfName,
    /// The Ethernet address of the host's device.
    pub mac: MacAddr,
    /// That of the port, which nobody sends to.
    pub port_mac: MacAddr,
    /// The MTU of both.
    pub mtu: Mtu,
    /// All addresses of the host's device, each with its prefix.
    pub addresses: BTreeSet<IpNet>,
    /// The network, for the alias of both.
    pub network: NetworkId,
}

/// What the port has below `/proc/sys/net/<protocol>/conf/`.
pub const PORT_SETTINGS: [(&str, &str, &str); 1] = [("ipv6", "disable_ipv6", "1")];

/// What the host's device has there, with IPv6 last: it is switched on, or off, when all else is set.
const SETTINGS: [(&str, &str, &str); 13] = [
    ("ipv4", "accept_redirects", "0"),
    ("ipv4", "send_redirects", "0"),
    ("ipv4", "accept_source_route", "0"),
    ("ipv4", "accept_local", "0"),
    ("ipv4", "route_localnet", "0"),
    ("ipv4", "proxy_arp", "0"),
    ("ipv4", "arp_ignore", "1"),
    ("ipv4", "arp_announce", "2"),
    ("ipv4", "rp_filter", "1"),
    ("ipv6", "addr_gen_mode", "1"),
    ("ipv6", "accept_ra", "0"),
    ("ipv6", "accept_redirects", "0"),
    ("ipv6", "proxy_ndp", "0"),
];

impl HostEndPair {
    /// Whether it has an address of IPv6.
    pub fn has_ipv6(&self) -> bool {
        let mut families = self.addresses.iter().map(|net| Family::of(net.addr()));
        families.any(|family| family == Family::Ipv6)
    }

    /// The addresses, without their prefixes.
    pub fn ips(&self) -> impl Iterator<Item = IpAddr> {
        self.addresses.iter().map(IpNet::addr)
    }

    /// What the host's device has below `/proc/sys/net/<protocol>/conf/`, in order.
    pub fn settings(&self) -> Vec<(&'static str, &'static str, &'static str)> {
        let off = if self.has_ipv6() { "0" } else { "1" };
        let ipv6 = [("ipv6", "disable_ipv6", off)];
        SETTINGS.into_iter().chain(ipv6).collect()
    }

    /// Whether it is the same pair: what else it has can be changed while it lives.
    pub fn is_same(&self, other: &Self) -> bool {
        let of = |pair: &Self| (pair.name.clone(), pair.port.clone(), pair.network.clone());
        of(self) == of(other)
    }
}

impl fmt::Display for HostEndPair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            name,
            port,
            mac,
            port_mac,
            mtu,
            addresses,
            network,
        } = self;
        writeln!(
            f,
            "ip link add {name} mtu {mtu} address {mac} type veth peer name {port} mtu {mtu} \
             address {port_mac}"
        )?;
        for (protocol, setting, value) in PORT_SETTINGS {
            writeln!(f, "sysctl -qw net/{protocol}/conf/{port}/{setting}={value}")?;
        }
        writeln!(f, "ip link set {port} alias {}", alias(network))?;
        writeln!(f, "ip link set {port} up")?;
        for (protocol, setting, value) in self.settings() {
            writeln!(f, "sysctl -qw net/{protocol}/conf/{name}/{setting}={value}")?;
        }
        for address in addresses {
            let nodad = if address.addr().is_ipv6() {
                " nodad"
            } else {
                ""
            };
            writeln!(f, "ip address add {address} dev {name}{nodad}")?;
        }
        writeln!(f, "ip link set {name} alias {}", alias(network))?;
        writeln!(f, "ip link set {name} up")
    }
}
