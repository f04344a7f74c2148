//! The host's own end of a network.
//!
//! A managed bridge is closed to the host. Where `host_address` asks for it, the host has an end on the
//! network all the same: one of a pair of devices, of which the other is a port of the bridge. So what the
//! host says to a VM, and a VM to the host, crosses the bridge like anybody's frames, and the VM's security
//! groups decide.

use std::collections::BTreeSet;
use std::fmt;
use std::net::IpAddr;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use super::{IfName, NetworkId};

/// An address that the host has on a network, with the network's prefix: `192.168.101.1/24`.
///
/// It is one that an interface can have, has neighbours, and is no link-local one: those are made of the
/// end's MAC address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "IpNet", into = "IpNet")]
pub struct HostAddress(IpNet);

/// Why a prefix is not a [`HostAddress`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HostAddressError {
    /// Unspecified, multicast, loopback or broadcast; or IPv4 written as IPv6.
    #[error("{0} is not an address that one interface can have")]
    NoInterfaces(IpAddr),
    /// The kernel's own, good on one link only.
    #[error("{0} is link-local; write an address of the network's own prefix")]
    LinkLocal(IpAddr),
    /// A prefix in which nobody else is.
    #[error("{0} leaves nobody else on the network; write its prefix too, as in {1}")]
    Alone(IpNet, IpNet),
    /// The address of the network, or its broadcast address.
    #[error("{0} is the address of the whole network; write the host's own, as in {1}")]
    Whole(IpNet, IpNet),
}

impl HostAddress {
    /// The address.
    pub fn address(self) -> IpAddr {
        self.0.addr()
    }

    /// The address with its prefix length.
    pub fn net(self) -> IpNet {
        self.0
    }

    /// Whether an address is in both prefixes.
    pub fn overlaps(self, other: IpNet) -> bool {
        let (ours, theirs) = (self.0.trunc(), other.trunc());
        ours.contains(&theirs) || theirs.contains(&ours)
    }
}

impl TryFrom<IpNet> for HostAddress {
    type Error = HostAddressError;

    fn try_from(net: IpNet) -> Result<Self, Self::Error> {
        let address = net.addr();
        let broadcast = address == IpAddr::from([255; 4]);
        let of_none = address.is_unspecified() || address.is_multicast() || address.is_loopback();
        if of_none || broadcast || address.to_canonical() != address {
            return Err(HostAddressError::NoInterfaces(address));
        }
        let link_local = match address {
            IpAddr::V4(address) => address.is_link_local(),
            IpAddr::V6(address) => address.is_unicast_link_local(),
        };
        if link_local {
            return Err(HostAddressError::LinkLocal(address));
        }
        if net.prefix_len() == net.max_prefix_len() {
            return Err(HostAddressError::Alone(net, usual(net)));
        }
        let has_own = net.prefix_len() + 1 < net.max_prefix_len();
        let last = address.is_ipv4() && address == net.broadcast();
        if has_own && (address == net.network() || last) {
            return Err(HostAddressError::Whole(net, first(net)));
        }
        Ok(Self(net))
    }
}

/// The same address in a prefix of a usual length.
fn usual(net: IpNet) -> IpNet {
    let length = if net.addr().is_ipv4() { 24 } else { 64 };
    IpNet::new(net.addr(), length).unwrap_or(net)
}

/// The first address of a prefix that a host can have.
fn first(net: IpNet) -> IpNet {
    let first = net.hosts().find(|address| *address != net.network());
    let first = first.and_then(|address| IpNet::new(address, net.prefix_len()).ok());
    first.unwrap_or(net)
}

impl From<HostAddress> for IpNet {
    fn from(address: HostAddress) -> Self {
        address.0
    }
}

impl fmt::Display for HostAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The host's own end of a network, as it is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostEnd {
    /// Its addresses; at least one.
    pub addresses: BTreeSet<HostAddress>,
    /// UDP ports to which nothing goes that comes in by it, wherever it goes: those of tunnels.
    pub tunnel_ports: BTreeSet<u16>,
}

impl NetworkId {
    /// The host's device: `vmh-` and the first 11 characters of the id, as the bridge has them.
    pub fn host_end(&self) -> IfName {
        self.named("vmh-")
    }

    /// What is on the bridge of the pair: `vmp-` and the same.
    pub fn host_port(&self) -> IfName {
        self.named("vmp-")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Result<HostAddress, HostAddressError> {
        HostAddress::try_from(text.parse::<IpNet>().unwrap())
    }

    #[test]
    fn takes_the_address_of_a_machine_among_others() {
        for text in [
            "192.168.101.1/24",
            "10.0.0.254/8",
            "192.0.2.0/31",
            "2001:db8::1/64",
            "fd00::2/127",
        ] {
            assert_eq!(of(text).unwrap().to_string(), text);
        }
    }

    #[test]
    fn refuses_what_no_machine_has_and_what_leaves_no_neighbour() {
        for text in [
            "0.0.0.0/0",
            "127.0.0.1/8",
            "224.0.0.1/24",
            "255.255.255.255/24",
            "::1/64",
            "::ffff:192.0.2.1/120",
            "169.254.1.1/16",
            "fe80::1/64",
            "192.168.101.1/32",
            "2001:db8::1/128",
            "192.168.101.0/24",
            "192.168.101.255/24",
            "2001:db8::/64",
        ] {
            assert!(of(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_refusal_says_what_to_write() {
        let words = |text: &str| of(text).unwrap_err().to_string();
        assert!(words("192.168.101.0/24").ends_with("as in 192.168.101.1/24"));
        assert!(words("2001:db8::1/128").ends_with("as in 2001:db8::1/64"));
    }

    #[test]
    fn its_devices_have_names_of_their_own_that_fit() {
        let id: NetworkId = "c08e7dcd-4acb-4cd0-ad08-ebd3b48467ee".parse().unwrap();
        assert_eq!(id.host_end().as_str(), "vmh-c08e7dcd-4a");
        assert_eq!(id.host_port().as_str(), "vmp-c08e7dcd-4a");
    }
}
