//! One element of one of the guard's sets.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{Ipv4Net, Ipv6Net};

use serde::{Deserialize, Serialize};

use super::Class;
use crate::model::{Family, IfName, MacAddr, Mtu, Zone};

/// One element of one of the guard's sets.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Element {
    /// A managed bridge: nothing passes between it and the host.
    Bridge(IfName),
    /// The conntrack zone of what a managed bridge carries, for fragments: before they are put together.
    Zoned(IfName, Zone),
    /// A managed bridge on which the host itself is: only known ports speak with it.
    SharedBridge(IfName),
    /// Of the network of this number the host takes frames.
    WithHost(Class),
    /// A port of a bridge of the host's that is no machine's: what it sends to the host, where that is
    /// on the bridge, is not looked at.
    WayOut(IfName),
    /// Where a tunnel's packets are sent to: this host's end of it, or its group, and the UDP port.
    /// conntrack does not see them.
    Vtep(IpAddr, u16),
    /// The tap of a VM, there or to come: the host's own stack sends nothing into it.
    Quiet(IfName),
    /// A known port of a managed bridge: a way out, or a VM's tap that is open.
    Member(IfName),
    /// A member's network: it speaks with the members of that network alone, wherever somebody moves
    /// it.
    Place(IfName, Class),
    /// The network of this number has this MTU, and no TCP connection in it agrees on larger segments.
    Clamped(Class, Mtu),
    /// A device of ours that carries a network: nothing passes between it and the host.
    Device(IfName),
    /// A way out over which no frame goes with a tag.
    Untagged(IfName),
    /// A VM's tap: what it sends and gets is checked.
    Port(IfName),
    /// A VM's tap of which only MAC address and ARP are checked, in what it sends.
    Unhardened(IfName),
    /// A MAC address that the port may send with and be sent to.
    Mac(IfName, MacAddr),
    /// An IPv4 source that goes with that MAC address.
    V4(IfName, MacAddr, Ipv4Addr),
    /// An IPv6 source that goes with that MAC address.
    V6(IfName, MacAddr, Ipv6Addr),
    /// IPv4 sources that go with that MAC address.
    V4Net(IfName, MacAddr, Ipv4Net),
    /// IPv6 sources that go with that MAC address.
    V6Net(IfName, MacAddr, Ipv6Net),
    /// Any IPv4 source goes with that MAC address.
    V4Any(IfName, MacAddr),
    /// Any IPv6 source goes with that MAC address.
    V6Any(IfName, MacAddr),
    /// Addresses that the port may advertise as a neighbour.
    NaNet(IfName, Ipv6Net),
    /// The port may advertise any address.
    NaAny(IfName),
    /// The port has an IPv6 address: without, it neither sends nor gets IPv6.
    Has6(IfName),
    /// An address that the port may advertise as a neighbour (RFC 4861, section 4.4).
    Na(IfName, Ipv6Addr),
    /// The VM's own MAC address, which it may announce by RARP, as QEMU does after a migration. Every
    /// VM's port has it, also one of which nothing is checked: it tells whose the tap is.
    Rarp(IfName, MacAddr),
    /// Another MAC address that the VM may send with, of a pair: one that asks for DHCP may be this.
    Hardware(IfName, MacAddr),
    /// DHCP replies reach the port from its servers alone.
    DhcpLimited(IfName),
    /// A server whose DHCP or DHCPv6 replies reach a port that is limited to its servers.
    DhcpServer(IfName, IpAddr),
    /// A port of a managed bridge that leads to the host's end of the network.
    HostPort(IfName),
    /// The host's device of such a pair.
    HostEnd(IfName),
    /// The Ethernet address of such a device: nobody else sends with it.
    HostMac(MacAddr),
    /// The network of this number has an end of the host.
    Ended(Class),
    /// The host's address on the network of this number: nobody else has it there.
    HostAddress(Class, IpAddr),
    /// A UDP port of tunnels: nothing that comes in by an end of the host goes there, and nothing that a
    /// machine sends to a host which is on its bridge.
    TunnelPort(u16),
    /// Somebody else's element in one of our sets: set and key as nft prints them.
    Foreign(String, String),
}

impl Element {
    /// The tap or device that an element of an open port or a way out is about; `None` for the
    /// others.
    pub fn port(&self) -> Option<&IfName> {
        match self {
            Self::Port(tap)
            | Self::Unhardened(tap)
            | Self::Mac(tap, _)
            | Self::V4(tap, ..)
            | Self::V6(tap, ..)
            | Self::V4Net(tap, ..)
            | Self::V6Net(tap, ..)
            | Self::V4Any(tap, _)
            | Self::V6Any(tap, _)
            | Self::NaNet(tap, _)
            | Self::NaAny(tap)
            | Self::Has6(tap)
            | Self::Na(tap, _)
            | Self::Rarp(tap, _)
            | Self::Hardware(tap, _)
            | Self::DhcpLimited(tap)
            | Self::DhcpServer(tap, _)
            | Self::Place(tap, _)
            | Self::WayOut(tap)
            | Self::Member(tap) => Some(tap),
            Self::Bridge(_)
            | Self::Zoned(..)
            | Self::SharedBridge(_)
            | Self::WithHost(_)
            | Self::Quiet(_)
            | Self::Device(_)
            | Self::Untagged(_)
            | Self::Vtep(..)
            | Self::Clamped(..)
            | Self::HostPort(_)
            | Self::HostEnd(_)
            | Self::HostMac(_)
            | Self::Ended(_)
            | Self::HostAddress(..)
            | Self::TunnelPort(_)
            | Self::Foreign(..) => None,
        }
    }

    /// Whether it is about such a tap or device.
    pub(super) fn is_of(&self, such: impl FnOnce(&IfName) -> bool) -> bool {
        self.port().is_some_and(such)
    }

    /// Whether its being there closes something: such an element comes before anything opens, and
    /// goes after everything has closed.
    pub(super) fn closes(&self) -> bool {
        matches!(
            self,
            Self::Bridge(_)
                | Self::Quiet(_)
                | Self::Device(_)
                | Self::Untagged(_)
                | Self::DhcpLimited(_)
                | Self::HostPort(_)
                | Self::HostEnd(_)
                | Self::HostMac(_)
                | Self::Ended(_)
                | Self::HostAddress(..)
                | Self::TunnelPort(_)
                | Self::SharedBridge(_)
        )
    }

    /// Each place where the element stands: table and set, and the key as nft writes it.
    pub(super) fn places(&self) -> Vec<(&str, String)> {
        match self {
            Self::Bridge(bridge) => vec![
                ("bridge vmhook bridges", format!("\"{bridge}\"")),
                ("inet vmhook bridges", format!("\"{bridge}\"")),
                (
                    "inet vmhook bridged",
                    format!("\"{bridge}\" . \"{bridge}\""),
                ),
            ],
            Self::Zoned(bridge, zone) => {
                let zone = u16::from(*zone);
                vec![("inet vmhook zones", format!("\"{bridge}\" : {zone}"))]
            }
            Self::Place(name, class) => {
                vec![
                    ("bridge vmhook networks", format!("\"{name}\" : {class}")),
                    ("bridge vmhook places", format!("\"{name}\" . {class}")),
                ]
            }
            Self::Vtep(address, port) => {
                let set = match Family::of(*address) {
                    Family::Ipv4 => "inet vmhook vteps4",
                    Family::Ipv6 => "inet vmhook vteps6",
                };
                vec![(set, format!("{address} . {port}"))]
            }
            Self::Clamped(class, mtu) => MSS_MAPS
                .map(|(map, headers)| {
                    let size = u32::from(*mtu).saturating_sub(headers);
                    (map, format!("{class} : {size}"))
                })
                .into(),
            Self::Quiet(tap) => vec![("inet vmhook taps", format!("\"{tap}\""))],
            Self::Foreign(set, key) => vec![(set.as_str(), key.clone())],
            _ => {
                let place = self.source().or_else(|| self.advertised());
                let place = place.or_else(|| self.of_port());
                let of_host = super::host_end::places(self);
                let of_existing = super::existing::places(self);
                let place = place.into_iter().chain(of_host);
                place.chain(of_existing).collect()
            }
        }
    }

    /// The place of what a port may send from.
    fn source(&self) -> Option<(&'static str, String)> {
        Some(match self {
            Self::V4(tap, mac, ip) => ("bridge vmhook v4", format!("\"{tap}\" . {mac} . {ip}")),
            Self::V6(tap, mac, ip) => ("bridge vmhook v6", format!("\"{tap}\" . {mac} . {ip}")),
            Self::V4Net(tap, mac, net) => {
                ("bridge vmhook v4nets", format!("\"{tap}\" . {mac} . {net}"))
            }
            Self::V6Net(tap, mac, net) => {
                ("bridge vmhook v6nets", format!("\"{tap}\" . {mac} . {net}"))
            }
            Self::V4Any(tap, mac) => ("bridge vmhook v4any", format!("\"{tap}\" . {mac}")),
            Self::V6Any(tap, mac) => ("bridge vmhook v6any", format!("\"{tap}\" . {mac}")),
            _ => return None,
        })
    }

    /// The place of what a port may advertise as a neighbour.
    fn advertised(&self) -> Option<(&'static str, String)> {
        Some(match self {
            Self::Na(tap, target) => {
                let target = u128::from(*target);
                ("bridge vmhook na", format!("\"{tap}\" . 0x{target:032x}"))
            }
            Self::NaNet(tap, net) => {
                let first = u128::from(net.network());
                let last = u128::from(net.broadcast());
                let key = format!("\"{tap}\" . 0x{first:032x}-0x{last:032x}");
                ("bridge vmhook nanets", key)
            }
            Self::NaAny(tap) => ("bridge vmhook naany", format!("\"{tap}\"")),
            _ => return None,
        })
    }

    /// The place of what else a port or a way out has.
    fn of_port(&self) -> Option<(&'static str, String)> {
        Some(match self {
            Self::Member(name) => ("bridge vmhook members", format!("\"{name}\"")),
            Self::Device(device) => ("inet vmhook carriers", format!("\"{device}\"")),
            Self::Untagged(device) => ("bridge vmhook untagged", format!("\"{device}\"")),
            Self::Port(tap) => ("bridge vmhook ports", format!("\"{tap}\"")),
            Self::Unhardened(tap) => ("bridge vmhook unhardened", format!("\"{tap}\"")),
            Self::Mac(tap, mac) => ("bridge vmhook macs", format!("\"{tap}\" . {mac}")),
            Self::Has6(tap) => ("bridge vmhook has6", format!("\"{tap}\"")),
            Self::Rarp(tap, mac) => ("bridge vmhook rarp", by_number(tap, *mac)),
            Self::Hardware(tap, mac) => ("bridge vmhook hardware", by_number(tap, *mac)),
            Self::DhcpLimited(tap) => ("bridge vmhook dhcp", format!("\"{tap}\"")),
            Self::DhcpServer(tap, server) => {
                let set = match Family::of(*server) {
                    Family::Ipv4 => "bridge vmhook dhcp4",
                    Family::Ipv6 => "bridge vmhook dhcp6",
                };
                (set, format!("\"{tap}\" . {server}"))
            }
            _ => return None,
        })
    }
}

/// The key of a MAC address where nft has no word for its place.
fn by_number(tap: &IfName, mac: MacAddr) -> String {
    let number = mac.to_string().replace(':', "");
    format!("\"{tap}\" . 0x{number}")
}

/// Where a network's largest TCP segments stand, and what of its MTU is headers: IP's without options
/// and TCP's (RFC 6691).
const MSS_MAPS: [(&str, u32); 2] = [("bridge vmhook mss4", 40), ("bridge vmhook mss6", 60)];

/// The element of a network whose largest segments are these, by what stands in one of the two maps.
pub(super) fn clamped(map: &str, class: &str, size: &str) -> Option<Element> {
    let (_, headers) = MSS_MAPS.iter().find(|(name, _)| *name == map)?;
    let mtu = size.parse::<u32>().ok()?.checked_add(*headers)?;
    Some(Element::Clamped(
        class.parse().ok()?,
        Mtu::try_from(mtu).ok()?,
    ))
}

/// Where it stands, as in an nft script: `bridge vmhook members { "tap7a8c0a54-75" }`.
impl fmt::Display for Element {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, (set, key)) in self.places().iter().enumerate() {
            let separator = if at == 0 { "" } else { ", " };
            write!(f, "{separator}{set} {{ {key} }}")?;
        }
        Ok(())
    }
}
