//! A VXLAN device: what it is made with, and what it writes into the outer headers of its packets.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::num::NonZeroU8;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use super::{IfName, Learning, PortRange, Vni, Vtep};

/// A VXLAN device and what it is made with: none of it changes while the device lives.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tunnel {
    /// The network's number on the wire.
    pub vni: Vni,
    /// The device, `vxlan-<vni>`.
    pub device: IfName,
    /// This host's tunnel end point.
    pub local: Vtep,
    /// The device that carries the local address, so that the kernel checks the MTU.
    pub underlay: IfName,
    /// UDP destination port.
    pub port: u16,
    /// What may be left to the kernel.
    #[serde(default)]
    pub options: TunnelOptions,
}

/// What a tunnel may have besides. By default nothing but the kernel's own choice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct TunnelOptions {
    /// Every broadcast, unknown unicast and multicast frame goes to this group of the underlay, which
    /// the host joins on the underlay device.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<MulticastGroup>,
    /// UDP source ports, one a flow; `None`: those of `net.ipv4.ip_local_port_range`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_ports: Option<PortRange>,
    /// Outer packets bear a UDP checksum. Without, over IPv6, those of others need none either (RFC
    /// 6935).
    pub udp_checksum: bool,
    /// Where it knows MAC addresses from.
    pub learning: Learning,
}

impl Default for TunnelOptions {
    fn default() -> Self {
        Self {
            group: None,
            source_ports: None,
            udp_checksum: true,
            learning: Learning::Frames,
        }
    }
}

/// What the outer IP header of a tunnel's packets says. The kernel changes it on a device that lives.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct OuterHeader {
    /// Time to live, or hop limit; `None` is the kernel's: 1 to a multicast group, else the route's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ttl: Option<NonZeroU8>,
    /// Type of service, or traffic class.
    pub tos: Tos,
}

/// The type of service of outer packets, an octet. Its two lower bits are no part of it: there the
/// kernel notes congestion (RFC 6040).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub enum Tos {
    /// That of the packet inside.
    Inherit,
    /// This, whatever is inside: a multiple of 4.
    Is(u8),
}

/// An octet that is no type of service.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("type of service {0} is no multiple of 4: its two lower bits are the kernel's, for ECN")]
pub struct TosError(pub u8);

impl Default for Tos {
    fn default() -> Self {
        Self::Is(0)
    }
}

/// As the kernel has it: 1 stands for the packet inside.
impl TryFrom<u8> for Tos {
    type Error = TosError;

    fn try_from(octet: u8) -> Result<Self, Self::Error> {
        match octet {
            1 => Ok(Self::Inherit),
            octet if octet % 4 == 0 => Ok(Self::Is(octet)),
            octet => Err(TosError(octet)),
        }
    }
}

impl From<Tos> for u8 {
    fn from(tos: Tos) -> Self {
        match tos {
            Tos::Inherit => 1,
            Tos::Is(octet) => octet,
        }
    }
}

/// A multicast group of the underlay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "IpAddr", into = "IpAddr")]
pub struct MulticastGroup(IpAddr);

/// Multicast groups of which each VNI has one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MulticastRange(IpNet);

/// Addresses that are not all multicast groups.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0} is not a multicast group, nor a range of them (224.0.0.0/4, ff00::/8)")]
pub struct MulticastError(pub String);

impl MulticastGroup {
    /// Its address.
    pub fn address(self) -> IpAddr {
        self.0
    }
}

impl MulticastRange {
    /// The group of a network, as Neutron counts it: the range's first address plus as much of the
    /// VNI as the range has room for. A range of one address is that group, for every VNI.
    pub fn group_of(self, vni: Vni) -> MulticastGroup {
        let vni = u32::from(vni);
        MulticastGroup(match self.0 {
            IpNet::V4(net) => {
                let (first, room) = (u32::from(net.network()), u32::from(net.hostmask()));
                Ipv4Addr::from(first | (vni & room)).into()
            }
            IpNet::V6(net) => {
                let (first, room) = (u128::from(net.network()), u128::from(net.hostmask()));
                Ipv6Addr::from(first | (u128::from(vni) & room)).into()
            }
        })
    }

    /// Any address of it: all are of one family.
    pub fn address(self) -> IpAddr {
        self.0.addr()
    }
}

impl TryFrom<IpAddr> for MulticastGroup {
    type Error = MulticastError;

    fn try_from(address: IpAddr) -> Result<Self, Self::Error> {
        if address.is_multicast() {
            Ok(Self(address))
        } else {
            Err(MulticastError(address.to_string()))
        }
    }
}

impl From<MulticastGroup> for IpAddr {
    fn from(group: MulticastGroup) -> Self {
        group.0
    }
}

impl TryFrom<IpNet> for MulticastRange {
    type Error = MulticastError;

    fn try_from(range: IpNet) -> Result<Self, Self::Error> {
        let all = Self(range.trunc());
        if range.network().is_multicast() && range.broadcast().is_multicast() {
            Ok(all)
        } else {
            Err(MulticastError(all.to_string()))
        }
    }
}

impl fmt::Display for MulticastGroup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The range; the group alone where it is one.
impl fmt::Display for MulticastRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.prefix_len() == self.0.max_prefix_len() {
            self.0.addr().fmt(f)
        } else {
            self.0.fmt(f)
        }
    }
}

impl fmt::Display for Tunnel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            vni,
            local,
            underlay,
            port,
            ..
        } = self;
        write!(
            f,
            "VNI {vni}, local address {local} on {underlay}, UDP port {port}"
        )?;
        self.options.fmt(f)
    }
}

/// Behind a comma each, what is not left to the kernel.
impl fmt::Display for TunnelOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(group) = self.group {
            write!(f, ", multicast group {group}")?;
        }
        if let Some(ports) = self.source_ports {
            write!(f, ", source ports {}-{}", ports.first(), ports.last())?;
        }
        if !self.udp_checksum {
            f.write_str(", no UDP checksum")?;
        }
        self.learning.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group(range: &str, vni: u32) -> String {
        let range: IpNet = range.parse().unwrap();
        let range = MulticastRange::try_from(range).unwrap();
        range.group_of(vni.try_into().unwrap()).to_string()
    }

    #[test]
    fn a_group_follows_from_the_vni_as_in_neutron() {
        assert_eq!(group("239.0.0.0/8", 267), "239.0.1.11");
        assert_eq!(group("239.1.0.0/16", 65_536 + 7), "239.1.0.7");
        assert_eq!(group("239.1.1.11/32", 267), "239.1.1.11");
        assert_eq!(group("ff05::/64", 267), "ff05::10b");
        assert_eq!(group("ff05::1:0/112", 65_536 + 7), "ff05::1:7");
    }

    #[test]
    fn a_range_has_nothing_but_groups() {
        for range in ["192.0.2.0/24", "192.0.0.0/2", "fe80::/10", "ff00::/7"] {
            let range: IpNet = range.parse().unwrap();
            assert!(MulticastRange::try_from(range).is_err(), "{range}");
        }
    }

    #[test]
    fn a_type_of_service_has_six_bits_or_is_inherited() {
        assert_eq!(Tos::try_from(0xb8), Ok(Tos::Is(0xb8)));
        assert_eq!(Tos::try_from(1), Ok(Tos::Inherit));
        for octet in [2, 3, 5, 255] {
            assert!(Tos::try_from(octet).is_err(), "{octet}");
        }
    }
}
