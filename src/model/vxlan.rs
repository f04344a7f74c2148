//! What a VXLAN network is made of (RFC 7348).

use std::fmt;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::{IfName, OuterHeader, RemotePort, Tunnel};

/// A VXLAN network identifier: 1 to 2²⁴ − 1.
///
/// Zero is legal on the wire, but Neutron never hands it out and a device without `id` has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u32", into = "u32")]
pub struct Vni(u32);

/// A number that is not a [`Vni`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("VNI {0} is outside 1 to 16777215")]
pub struct VniError(pub u32);

impl TryFrom<u32> for Vni {
    type Error = VniError;

    fn try_from(number: u32) -> Result<Self, Self::Error> {
        if (1..1 << 24).contains(&number) {
            Ok(Self(number))
        } else {
            Err(VniError(number))
        }
    }
}

impl From<Vni> for u32 {
    fn from(vni: Vni) -> Self {
        vni.0
    }
}

impl fmt::Display for Vni {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A VXLAN tunnel end point: one host's unicast address on the underlay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "IpAddr", into = "IpAddr")]
pub struct Vtep(IpAddr);

/// An address that no tunnel end point can have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0} is not the address of one host")]
pub struct VtepError(pub IpAddr);

impl Vtep {
    /// The underlay address.
    pub fn address(self) -> IpAddr {
        self.0
    }
}

impl TryFrom<IpAddr> for Vtep {
    type Error = VtepError;

    fn try_from(address: IpAddr) -> Result<Self, Self::Error> {
        let broadcast = address == IpAddr::from([255; 4]);
        if address.is_unspecified() || address.is_multicast() || broadcast {
            return Err(VtepError(address));
        }
        Ok(Self(address))
    }
}

impl From<Vtep> for IpAddr {
    fn from(vtep: Vtep) -> Self {
        vtep.0
    }
}

impl fmt::Display for Vtep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The tunnel side of a network of type `vxlan`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Vxlan {
    /// The device and what it is made with.
    pub tunnel: Tunnel,
    /// What its packets say of themselves.
    #[serde(default)]
    pub outer: OuterHeader,
    /// Head-end replication: every broadcast, unknown unicast and multicast frame goes to each.
    pub flood: Vec<Vtep>,
    /// Ports that are known to be on other hosts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hosts: Vec<RemotePort>,
}

/// An entry of a VXLAN device's forwarding database: frames for `mac` go to `vtep`.
///
/// The address `00:00:00:00:00:00` stands for every frame without an entry of its own: head-end
/// replication is several such entries, one a peer.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct FdbEntry {
    /// The device.
    pub device: IfName,
    /// The destination MAC address; `None` is the all-zero address.
    pub mac: Option<super::MacAddr>,
    /// Where such frames go.
    pub vtep: Vtep,
}

impl FdbEntry {
    /// Its place in the forwarding database, where it has one for itself: a MAC address is behind one
    /// host, while frames without an entry go to many.
    pub fn place(&self) -> Option<(&IfName, super::MacAddr)> {
        Some((&self.device, self.mac?))
    }
}

impl fmt::Display for FdbEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.mac {
            Some(mac) => mac.fmt(f)?,
            None => f.write_str("00:00:00:00:00:00")?,
        }
        write!(f, " dev {} dst {}", self.device, self.vtep)
    }
}
