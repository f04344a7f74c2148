//! What the pure stages must know of the host, as a value.
//!
//! `resolve` asks which device carries the tunnel end point and with what MTU; `transaction` asks who
//! else is on a bridge. Both get a [`HostFacts`] that the boundary read, so that they can be tested
//! on hosts that do not exist.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::num::NonZeroU8;

use ipnet::IpNet;

use crate::model::{
    BridgeSwitches, IfName, Learning, MacAddr, MulticastGroup, OuterHeader, PortRange, Tap, Tos,
    Tunnel, TunnelOptions, VlanId, Vni, Vtep,
};
use crate::plan::link::ALIAS_PREFIX;

/// The links and addresses of one network namespace at one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HostFacts {
    /// Every link, in the kernel's order.
    pub links: Vec<LinkFact>,
    /// Every address, with the index of its link.
    pub addresses: Vec<AddressFact>,
    /// The address from which the host speaks to another one, where somebody asked and there is a
    /// route.
    pub sources: BTreeMap<IpAddr, IpAddr>,
}

/// One link as the kernel has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkFact {
    /// Its index in the namespace.
    pub index: u32,
    /// Its name as the kernel has it: foreign links may have names that [`IfName`] refuses.
    pub name: String,
    /// What it is.
    pub kind: LinkKind,
    /// MTU in bytes.
    pub mtu: u32,
    /// Its Ethernet address, where it has one that is a unicast address.
    pub mac: Option<MacAddr>,
    /// The alias (`ip link set … alias`), which marks links made by us.
    pub alias: Option<String>,
    /// The index of the bridge (or bond) that it is a port of.
    pub master: Option<u32>,
    /// Administratively up.
    pub up: bool,
    /// As a port of a bridge it does not learn, and the bridge answers for neighbours behind it
    /// (`learning off neigh_suppress on`).
    pub suppresses: bool,
}

impl LinkFact {
    /// Whether its alias says that vmhook made it, for whatever network.
    pub fn is_ours(&self) -> bool {
        let alias = self.alias.as_deref();
        alias.is_some_and(|alias| alias.starts_with(ALIAS_PREFIX))
    }

    /// Whether it is a bridge that vmhook has not made.
    pub fn is_bridge_of_the_host(&self) -> bool {
        matches!(self.kind, LinkKind::Bridge(_)) && !self.is_ours()
    }

    /// The addresses that somebody gave it: an IPv6 link-local one the kernel makes by itself.
    pub fn own_addresses<'a>(&self, facts: &'a HostFacts) -> impl Iterator<Item = IpAddr> + 'a {
        let index = self.index;
        let given = |address: &IpAddr| match address {
            IpAddr::V4(_) => true,
            IpAddr::V6(address) => !address.is_unicast_link_local(),
        };
        let of_it = facts
            .addresses
            .iter()
            .filter(move |fact| fact.link == index);
        of_it.map(|fact| fact.address).filter(given)
    }
}

/// What kind of link it is, with what we compare.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LinkKind {
    /// A bridge.
    Bridge(BridgeFact),
    /// A VXLAN device.
    Vxlan(VxlanFact),
    /// One VLAN of another device.
    Vlan(VlanFact),
    /// One end of a pair; the index of the other one, where that is in this network namespace.
    Veth(Option<u32>),
    /// A tun or tap device.
    Tun,
    /// Anything else, by the kernel's name of the kind; empty for a physical device.
    Other(String),
}

/// The attributes of a bridge that we set.
#[expect(
    clippy::struct_excessive_bools,
    reason = "they are the kernel's switches"
)]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BridgeFact {
    /// Forward delay in centiseconds (the kernel's `USER_HZ`).
    pub forward_delay: u32,
    /// Spanning tree on.
    pub stp: bool,
    /// Multicast snooping on.
    pub mcast_snooping: bool,
    /// It goes by VLANs. Then it tags frames, and untags them, between the places where the security
    /// groups see them: they pass unfiltered.
    pub vlan_filtering: bool,
    /// The reserved group addresses that it forwards: bit X is 01:80:c2:00:00:0X.
    pub group_fwd_mask: u16,
    /// IPv4 frames of this bridge go through iptables.
    pub nf_call_iptables: bool,
    /// IPv6 frames of this bridge go through ip6tables.
    pub nf_call_ip6tables: bool,
}

impl BridgeFact {
    /// The bit of 01:80:c2:00:00:0e. What comes to that address, a bridge hands to the host, and learns
    /// its source, past every netfilter hook (`br_handle_frame`), unless it forwards it: then the guard
    /// sees it as any other frame.
    const LLDP: u16 = 1 << 0xe;

    /// Whether it sends what it forwards through iptables and ip6tables.
    pub fn switches(&self) -> BridgeSwitches {
        BridgeSwitches {
            iptables: self.nf_call_iptables,
            ip6tables: self.nf_call_ip6tables,
        }
    }

    /// A bridge as we make it.
    pub const OURS: Self = Self {
        forward_delay: 0,
        stp: false,
        mcast_snooping: false,
        vlan_filtering: false,
        group_fwd_mask: Self::LLDP,
        nf_call_iptables: true,
        nf_call_ip6tables: true,
    };
}

/// The attributes of a VXLAN device that we set or that make it somebody else's.
#[expect(
    clippy::struct_excessive_bools,
    reason = "they are the kernel's switches"
)]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VxlanFact {
    /// Its identifier; `None` for a device in external (metadata) mode, with VNI 0, or whose header has
    /// more than RFC 7348 (group policy, generic protocol extension).
    pub vni: Option<Vni>,
    /// The local tunnel address.
    pub local: Option<IpAddr>,
    /// The multicast group or default remote.
    pub group: Option<IpAddr>,
    /// The index of the underlay device.
    pub underlay: Option<u32>,
    /// UDP destination port.
    pub port: u16,
    /// UDP source ports, first and last; 0 and 0 are the kernel's.
    pub source_ports: (u16, u16),
    /// Its outer packets bear a UDP checksum.
    pub udp_checksum: bool,
    /// Over IPv6, it takes packets without one. Devices on one UDP port must agree in this.
    pub takes_no_checksum6: bool,
    /// Time to live of outer packets; 0 is the kernel's.
    pub ttl: u8,
    /// Type of service of outer packets; 1 is that of the packet inside.
    pub tos: u8,
    /// Learns remote MAC addresses.
    pub learning: bool,
    /// Answers for the neighbours that it knows, and forwards nobody's question.
    pub proxy: bool,
}

impl VxlanFact {
    /// The device that a tunnel makes, over the underlay device with this index.
    pub fn of(tunnel: &Tunnel, outer: &OuterHeader, underlay: Option<u32>) -> Self {
        let TunnelOptions {
            group,
            source_ports,
            udp_checksum,
            learning,
        } = &tunnel.options;
        let local = tunnel.local.address();
        Self {
            vni: Some(tunnel.vni),
            local: Some(local),
            group: group.map(MulticastGroup::address),
            underlay,
            port: tunnel.port,
            source_ports: source_ports.map_or((0, 0), <(u16, u16)>::from),
            udp_checksum: *udp_checksum,
            takes_no_checksum6: local.is_ipv6() && !udp_checksum,
            ttl: outer.ttl.map_or(0, NonZeroU8::get),
            tos: outer.tos.into(),
            learning: *learning == Learning::Frames,
            proxy: *learning == Learning::Inventory,
        }
    }

    /// Whether it is the tunnel's device over the underlay device with this index, but for what the
    /// kernel changes while it lives.
    pub fn is_of(&self, tunnel: &Tunnel, underlay: u32) -> bool {
        let made = Self::of(tunnel, &OuterHeader::default(), Some(underlay));
        let found = Self {
            ttl: made.ttl,
            tos: made.tos,
            ..self.clone()
        };
        found == made
    }

    /// Where it knows MAC addresses from, as far as it can tell.
    pub fn learns_from(&self) -> Learning {
        match (self.learning, self.proxy) {
            (true, _) => Learning::Frames,
            (false, true) => Learning::Inventory,
            (false, false) => Learning::Evpn,
        }
    }

    /// The tunnel that made the device of this name over this underlay, and what its packets say;
    /// `None` if no tunnel of ours makes such a device.
    pub fn tunnel(&self, device: &IfName, underlay: &LinkFact) -> Option<(Tunnel, OuterHeader)> {
        let tunnel = Tunnel {
            vni: self.vni?,
            device: device.clone(),
            local: Vtep::try_from(self.local?).ok()?,
            underlay: underlay.name.parse().ok()?,
            port: self.port,
            options: TunnelOptions {
                group: self.group.map(MulticastGroup::try_from).transpose().ok()?,
                source_ports: match self.source_ports {
                    (0, 0) => None,
                    ports => Some(PortRange::try_from(ports).ok()?),
                },
                udp_checksum: self.udp_checksum,
                learning: self.learns_from(),
            },
        };
        let outer = OuterHeader {
            ttl: NonZeroU8::new(self.ttl),
            tos: Tos::try_from(self.tos).ok()?,
        };
        (Self::of(&tunnel, &outer, Some(underlay.index)) == *self).then_some((tunnel, outer))
    }
}

/// What makes a VLAN device the one that it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VlanFact {
    /// Its identifier; `None` for one with another tag than IEEE 802.1Q's.
    pub id: Option<VlanId>,
    /// The index of the device that carries the tagged frames.
    pub parent: Option<u32>,
}

/// One address of the host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddressFact {
    /// The index of the link that has it.
    pub link: u32,
    /// The address.
    pub address: IpAddr,
    /// It is good beyond its link and meant to stay: neither temporary nor deprecated, neither a second
    /// one beside the subnet's first nor in doubt (tentative, or found to be another's).
    pub lasting: bool,
    /// The prefix that is behind the link by it. On a point-to-point link that of the other end.
    pub on_link: IpNet,
}

impl HostFacts {
    /// The link of this name.
    pub fn link(&self, name: &IfName) -> Option<&LinkFact> {
        self.links.iter().find(|link| link.name == name.as_str())
    }

    /// The link with this index.
    pub fn link_by_index(&self, index: u32) -> Option<&LinkFact> {
        self.links.iter().find(|link| link.index == index)
    }

    /// This very tap, if it is there: a later one of the same name has another index.
    pub fn tap(&self, tap: &Tap) -> Option<&LinkFact> {
        let link = self.link_by_index(tap.index);
        link.filter(|link| link.name == tap.name.as_str())
    }

    /// Whether this very tap is there.
    pub fn has_tap(&self, tap: &Tap) -> bool {
        self.tap(tap).is_some()
    }

    /// The link that carries this address.
    pub fn carrier(&self, address: IpAddr) -> Option<&LinkFact> {
        let fact = self.addresses.iter().find(|fact| fact.address == address)?;
        self.link_by_index(fact.link)
    }

    /// The ports of the bridge with this index.
    pub fn ports_of(&self, bridge: u32) -> impl Iterator<Item = &LinkFact> {
        self.links
            .iter()
            .filter(move |link| link.master == Some(bridge))
    }
}

impl AddressFact {
    /// The address with the length of its prefix.
    pub fn with_prefix(&self) -> IpNet {
        IpNet::new(self.address, self.on_link.prefix_len()).unwrap_or(self.address.into())
    }
}

/// The boot and the network namespace that a record belongs to.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Epoch {
    /// `/proc/sys/kernel/random/boot_id`.
    pub boot: String,
    /// The inode of `/proc/self/ns/net`.
    pub netns: u64,
}

/// A process that cannot be mistaken for a later one with the same pid.
#[derive(Debug, Clone, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub struct Process {
    /// Its pid.
    pub pid: u32,
    /// Field 22 of `/proc/<pid>/stat`: clock ticks from boot to its start.
    pub start: u64,
}

impl Process {
    /// No process: never runs.
    pub const NOBODY: Self = Self { pid: 0, start: 0 };
}

/// Which kernel interface `iptables` speaks to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum IptablesBackend {
    /// nftables: has a generation id.
    Nft,
    /// The old interface: has none, so the rules are always read back.
    Legacy,
}
