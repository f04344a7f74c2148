//! The words of the field as types: what a port, a network, a security group and a rule *are*.
//!
//! Everything here is a value. Nonsense has no spelling: a [`Vni`] has 24 bits, a name of a link
//! fits the kernel and cannot be read as a wildcard by iptables, ICMP has no ports, and a rule's
//! remote prefix is of the rule's own family. The pipeline's later stages therefore never check
//! again what a type has settled.
//!
//! ```text
//! Network ◀── Port ──▶ SecurityGroup ──▶ SecurityGroupRule
//!   Vni         MacAddr                    Protocol, PortRange, IcmpMatch
//!   Vtep        FixedIp                    Remote
//!   IfName      Tap
//! ```

mod existing_bridge;
mod family;
mod group;
mod host_end;
mod link_name;
mod mac;
mod network;
mod port;
mod port_security;
mod protocol;
mod remote_port;
mod tunnel;
mod uuid;
mod vlan;
mod vxlan;

pub use existing_bridge::{BridgeSwitches, ExistingBridge, Lent};
pub use family::{Direction, Family};
pub use group::{Remote, RemoteGroup, RuleError, SecurityGroup, SecurityGroupRule};
pub use host_end::{HostAddress, HostAddressError, HostEnd};
pub use link_name::{IfName, IfNameError};
pub use mac::{MacAddr, MacAddrError};
pub use network::{
    Mtu, MtuError, Network, NetworkId, NetworkIdError, NetworkKind, Zone, ZoneError,
};
pub use port::{AllowedAddressPair, Ipv6Addresses, Port, PortKey, Tap};
pub use port_security::PortSecurity;
pub use protocol::{IcmpMatch, PortProtocol, PortRange, PortRangeError, Protocol};
pub use remote_port::{Learning, Neighbour, RemotePort};
pub use tunnel::{
    MulticastError, MulticastGroup, MulticastRange, OuterHeader, Tos, TosError, Tunnel,
    TunnelOptions,
};
pub use uuid::{DomainUuid, DomainUuidError};
pub use vlan::{Vlan, VlanId, VlanIdError};
pub use vxlan::{FdbEntry, Vni, VniError, Vtep, VtepError, Vxlan};

/// FNV-1a with 64 bits: names that must stay the same from version to version are made of it.
///
/// Not for anything that an adversary may choose: names are compared after they are made.
pub fn fnv1a(bytes: &[u8]) -> u64 {
    let step = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, step)
}
