//! What a host knows of ports on other hosts, and of who answers for an address.

use std::fmt;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::{IfName, MacAddr, Vtep};

/// Where a tunnel knows from, behind which host a MAC address is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Learning {
    /// From the frames that come: what is unknown goes to everybody.
    #[default]
    Frames,
    /// From a list of all ports on other hosts. The device answers ARP requests and neighbour
    /// solicitations itself (`proxy`); what the list has not cannot be reached.
    Inventory,
    /// From a routing daemon, which writes the device's forwarding database (RFC 7432, RFC 8365).
    Evpn,
}

/// A port on another host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RemotePort {
    /// The VM's own MAC address.
    pub mac: MacAddr,
    /// The addresses for which this host answers in its place.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub addresses: Vec<IpAddr>,
    /// The host that it is on.
    pub vtep: Vtep,
}

/// A permanent entry of a device's neighbour table: an address and who has it.
///
/// One device has one entry for an address.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Neighbour {
    /// The device.
    pub device: IfName,
    /// The address.
    pub address: IpAddr,
    /// The MAC address of who has it.
    pub mac: MacAddr,
}

impl Neighbour {
    /// Its place in the table.
    pub fn key(&self) -> (&IfName, IpAddr) {
        (&self.device, self.address)
    }
}

impl fmt::Display for Neighbour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            device,
            address,
            mac,
        } = self;
        write!(f, "{address} lladdr {mac} dev {device} nud permanent")
    }
}

/// Behind a comma, where it is not from frames.
impl fmt::Display for Learning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Frames => "",
            Self::Inventory => ", MAC addresses from the list of hosts",
            Self::Evpn => ", MAC addresses by EVPN",
        })
    }
}
