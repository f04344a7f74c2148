//! Changes of links, each as a value that prints as the `ip`, `bridge` and `sysctl` commands that it
//! amounts to. What is there in the wanted form already stays as it is.

use super::host_end::HostEndPair;
use crate::model::{
    BridgeSwitches, FdbEntry, IfName, Learning, MacAddr, Mtu, Neighbour, NetworkId, OuterHeader,
    Tunnel, Vlan,
};

/// One change of a link or of a forwarding database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LinkChange {
    /// Make a bridge, complete, and bring it up.
    AddBridge(Bridge),
    /// Make a VXLAN device, without flood entries, on no bridge, down.
    AddVxlan(VxlanDevice),
    /// Make a VLAN device, on no bridge, down.
    AddVlan(VlanDevice),
    /// Make the host's end of a network, on no bridge, and bring it up; or bring one that is there to
    /// this form.
    AddHostEnd(HostEndPair),
    /// Change the outer header of a VXLAN device's packets while it lives.
    SetHeader(VxlanDevice),
    /// Append a permanent forwarding entry (`bridge fdb append … self permanent`). One for a MAC address
    /// takes the place of another one for it.
    AddFdb(FdbEntry),
    /// Delete a forwarding entry.
    RemoveFdb(FdbEntry),
    /// Say who has an address behind a link, in the place of what was said of it before.
    SetNeighbour(Neighbour),
    /// Delete a permanent neighbour entry.
    RemoveNeighbour(Neighbour),
    /// Have a bridge answer for who is behind this port, and learn nothing there.
    Suppress(IfName),
    /// Make a device a port of a bridge. One of the host's only if it is on no other bridge and
    /// carries no address.
    Enslave {
        /// The device.
        device: IfName,
        /// The bridge.
        bridge: IfName,
    },
    /// Bring a device of ours up, which is a port of its bridge: elsewhere it would be a link of the
    /// host's own, and the host would answer and take what comes by it.
    Raise(IfName),
    /// Take a device of the host out of the bridge, if it is on it.
    TakeOut {
        /// The device.
        device: IfName,
        /// The bridge.
        bridge: IfName,
    },
    /// Bring a link back to the MTU that it must have.
    SetMtu {
        /// The link.
        device: IfName,
        /// Its MTU.
        mtu: Mtu,
    },
    /// Switch IPv6 off on a tap, so that the host's own stack sends nothing into it.
    QuietTap(IfName),
    /// Take a tap down: nothing comes out of it and nothing goes in.
    ShutTap(IfName),
    /// Have a bridge of the host's take what this tap sends to reserved group addresses for frames like
    /// any other, whatever it does with those of its other ports.
    FenceTap(IfName),
    /// Have a bridge of the host's send what it forwards through iptables, or do as it did before.
    SetSwitches {
        /// The bridge.
        bridge: IfName,
        /// What it shall do.
        switches: BridgeSwitches,
    },
    /// Delete a link that bears our alias.
    Delete(IfName),
}

/// A bridge as we make it (design, section 6).
///
/// The explicit MAC address keeps it from falling to 00:00:00:00:00:00 with its last port. The MTU
/// must be set to something that differs from 1500 *before* the first port, or the bridge follows
/// its smallest port. Spanning tree off, forward delay 0 and snooping off are Nova's (os-vif).
/// IPv6 off, `arp_ignore` 1, `arp_announce` 2: the host has no end here. `nf_call_iptables` and
/// `nf_call_ip6tables` on the bridge itself: the host-wide switches are another's. It forwards what
/// comes to 01:80:c2:00:00:0e, which else passes by every filter into the host.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Bridge {
    /// Its name.
    pub name: IfName,
    /// Its own Ethernet address.
    pub mac: MacAddr,
    /// Its MTU.
    pub mtu: Mtu,
    /// The network, for the alias.
    pub network: NetworkId,
}

/// A VXLAN device as we make it: what its network says, no end of the host's
/// ([`settings`](Self::settings)), everything else the kernel's.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct VxlanDevice {
    /// What the kernel does not change while it lives: VNI, name, local address, underlay, port, …
    pub tunnel: Tunnel,
    /// What the kernel changes in place.
    #[serde(default)]
    pub outer: OuterHeader,
    /// Its MTU.
    pub mtu: Mtu,
    /// The network, for the alias.
    pub network: NetworkId,
}

/// A VLAN device as we make it: IEEE 802.1Q, no end of the host's ([`settings`](Self::settings)),
/// everything else the kernel's.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct VlanDevice {
    /// Number, name, the device below.
    pub vlan: Vlan,
    /// Its MTU.
    pub mtu: Mtu,
    /// The network, for the alias.
    pub network: NetworkId,
}

impl VxlanDevice {
    /// What it has below `net.<protocol>.conf`: no ARP (`arp_ignore` 8), and IPv6 is off. A device that
    /// answers neighbour solicitations is an exception: the kernel keeps IPv6 neighbours only where IPv6
    /// is on. Without an address the host has no end there, and what comes in the bridge takes.
    pub fn settings(&self) -> &'static [Setting] {
        match self.tunnel.options.learning {
            Learning::Frames | Learning::Evpn => &[ARP_IGNORED, IPV6_OFF],
            Learning::Inventory => &[
                ARP_IGNORED,
                ("ipv6", "addr_gen_mode", "1"),
                ("ipv6", "accept_ra", "0"),
                ("ipv6", "disable_ipv6", "0"),
            ],
        }
    }
}

/// All reserved group addresses (01:80:c2:00:00:0X) but that of pause frames, which every bridge drops.
///
/// What comes to the others by a port with these bits passes netfilter's hooks of the bridge as any other
/// frame does. Without them a machine's BPDUs, where the bridge speaks the spanning tree protocol, and its
/// LLDP frames reach the host past every hook (`br_handle_frame`).
pub const RESERVED: u16 = 0xfffd;

impl VlanDevice {
    /// What it has below `net.<protocol>.conf`.
    pub fn settings(&self) -> &'static [Setting] {
        &[ARP_IGNORED, IPV6_OFF]
    }
}

/// A setting of a link: protocol, name, value.
pub type Setting = (&'static str, &'static str, &'static str);

/// The host answers ARP on no such device, for none of its addresses, should the device ever be out of
/// its bridge: ARP passes by `table inet vmhook`.
const ARP_IGNORED: Setting = ("ipv4", "arp_ignore", "8");
const IPV6_OFF: Setting = ("ipv6", "disable_ipv6", "1");

/// How the alias of every link begins that we made: only links that bear it are ever deleted.
pub const ALIAS_PREFIX: &str = "vmhook:network=";

/// The name of a link of ours that is not finished: it has no alias yet. Only who holds the host lock
/// makes links, so to everybody else it is not there; one that a death left is nobody's.
pub const UNFINISHED: &str = "vmhook-new";

/// The other end of a pair that is not finished: it goes with the one.
pub const UNFINISHED_PORT: &str = "vmhook-new-port";

/// The alias of a link that we made for this network.
pub fn alias(network: &NetworkId) -> String {
    format!("{ALIAS_PREFIX}{network}")
}
