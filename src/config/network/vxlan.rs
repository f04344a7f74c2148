//! The keys of a network of type `vxlan`.

use std::num::NonZeroU8;

use super::hosts::hosts;
use super::{Checked, Context, HostVtep, NetworkFacts, Table, Value, sited};
use crate::model::{
    Family, Learning, MulticastRange, OuterHeader, PortRange, RemotePort, Tos, TunnelOptions, Vni,
    Vtep,
};

/// A VXLAN network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VxlanConfig {
    /// Its number on the wire.
    pub vni: Vni,
    /// Head-end replication: the other hosts, each once, all of the family of `local_ip`. This host,
    /// which one list for all hosts has too, is left out here if the file tells its address, else as
    /// the network is resolved. Empty where there is a group.
    pub flood: Vec<Vtep>,
    /// Where the network's multicast group is from, instead of a flood list.
    pub group: Option<MulticastRange>,
    /// UDP destination port; `None`: the host's `vxlan_port`.
    pub port: Option<u16>,
    /// UDP source ports; `None`: the kernel's.
    pub source_ports: Option<PortRange>,
    /// Outer packets bear a UDP checksum.
    pub udp_checksum: bool,
    /// What the outer IP header says.
    pub outer: OuterHeader,
    /// Ports that are known to be on other hosts.
    pub hosts: Vec<RemotePort>,
    /// Where MAC addresses are known from.
    pub learning: Learning,
}

impl VxlanConfig {
    /// What its tunnel has besides number, ends and port.
    pub fn options(&self) -> TunnelOptions {
        TunnelOptions {
            group: self.group.map(|range| range.group_of(self.vni)),
            source_ports: self.source_ports,
            udp_checksum: self.udp_checksum,
            learning: self.learning,
        }
    }
}

/// The keys that only such a network has.
pub(super) const KEYS: [&str; 10] = [
    "vni",
    "flood",
    "group",
    "hosts",
    "evpn",
    "port",
    "source_ports",
    "udp_checksum",
    "ttl",
    "tos",
];

/// What was read of them.
pub(super) struct Keys {
    vni: Option<Vni>,
    flood: Option<Vec<Vtep>>,
    group: Option<MulticastRange>,
    hosts: Option<Vec<RemotePort>>,
    evpn: bool,
    port: Option<u16>,
    source_ports: Option<PortRange>,
    udp_checksum: Option<bool>,
    outer: OuterHeader,
}

impl Keys {
    pub(super) fn read<'a>(
        context: &Context<'_>,
        facts: &mut NetworkFacts<'a>,
        table: &mut Table<'a>,
    ) -> Self {
        Self {
            vni: table.optional("vni", sited(&mut facts.vni, Value::number::<Vni>)),
            flood: table.optional("flood", |value| flood(context.vtep, value)),
            group: table.optional("group", |value| group(context.vtep, value)),
            hosts: table.optional("hosts", |value| hosts(context.vtep, value)),
            evpn: table.optional("evpn", Value::boolean) == Some(true),
            port: table.optional("port", |value| value.integer(1..=65535)),
            source_ports: table.optional("source_ports", source_ports),
            udp_checksum: table.optional("udp_checksum", Value::boolean),
            outer: OuterHeader {
                ttl: table
                    .optional("ttl", Value::number::<Hops>)
                    .map(|hops| hops.0),
                tos: table.optional("tos", tos).unwrap_or_default(),
            },
        }
    }

    /// The network that they make, where its type is this one.
    pub(super) fn finish(
        self,
        context: &Context<'_>,
        table: &mut Table<'_>,
    ) -> Option<VxlanConfig> {
        if context.vtep == HostVtep::Unset {
            table.complain_of(
                "type",
                "a vxlan network needs local_ip in [host], which is not given",
            );
        }
        if !table.has("vni") {
            table.complain("a vxlan network needs \"vni\", which is missing");
        }
        if table.has("flood") && table.has("group") {
            table.complain_of("group", "either flood or group, not both");
        }
        if table.has("hosts") && table.has("group") {
            table.complain_of("group", "either hosts or group, not both");
        }
        for key in ["flood", "group", "hosts"] {
            if self.evpn && table.has(key) {
                let message = "with evpn = true the routing daemon says where other ports are";
                table.complain_of(key, message);
            }
        }
        // Where others may be whom the list has not, what is unknown must get through.
        let learning = match (self.evpn, table.has("hosts") && !table.has("flood")) {
            (true, _) => Learning::Evpn,
            (false, true) => Learning::Inventory,
            (false, false) => Learning::Frames,
        };
        Some(VxlanConfig {
            vni: self.vni?,
            flood: self.flood.unwrap_or_default(),
            group: self.group,
            port: self.port,
            source_ports: self.source_ports,
            udp_checksum: self.udp_checksum.unwrap_or(true),
            outer: self.outer,
            learning,
            hosts: self.hosts.unwrap_or_default(),
        })
    }
}

/// The other hosts: this one is left out, as the same list is used on all.
fn flood(local: HostVtep, value: &Value<'_>) -> Checked<Vec<Vtep>> {
    let listed = value.list(|element| peer(local, element))?;
    let mut peers = Vec::new();
    for vtep in listed {
        if local != HostVtep::Is(vtep) && !peers.contains(&vtep) {
            peers.push(vtep);
        }
    }
    Ok(peers)
}

/// A VXLAN device has one family on the outside: a peer of the other one can never be reached.
pub(super) fn peer(local: HostVtep, value: &Value<'_>) -> Checked<Vtep> {
    let vtep: Vtep = value.address()?;
    match local.mismatch(vtep.address()) {
        Some(mismatch) => Err(value.error(mismatch).into()),
        None => Ok(vtep),
    }
}

/// A multicast group, or a range from which the group follows from the VNI.
fn group(local: HostVtep, value: &Value<'_>) -> Checked<MulticastRange> {
    let range = value.prefix()?;
    let range = MulticastRange::try_from(range).map_err(|error| value.error(error))?;
    match local.mismatch(range.address()) {
        Some(mismatch) => Err(value.error(mismatch).into()),
        None => Ok(range),
    }
}

/// The kernel takes a range of one port for none.
fn source_ports(value: &Value<'_>) -> Checked<PortRange> {
    let ports = value.port_range()?;
    if ports.first() == ports.last() {
        let message = "one port is no range: a flow is told from others by its source port";
        return Err(value.error(message).into());
    }
    Ok(ports)
}

/// Hops that a packet may take.
struct Hops(NonZeroU8);

impl TryFrom<u32> for Hops {
    type Error = String;

    fn try_from(number: u32) -> Result<Self, Self::Error> {
        let hops = u8::try_from(number).ok().and_then(NonZeroU8::new);
        hops.map(Self)
            .ok_or_else(|| format!("{number} is outside 1 to 255"))
    }
}

/// `"inherit"`, or the octet.
fn tos(value: &Value<'_>) -> Checked<Tos> {
    if let Ok(word) = value.string() {
        return match word {
            "inherit" => Ok(Tos::Inherit),
            _ => Err(value
                .error(format!("{word:?} is neither \"inherit\" nor a number"))
                .into()),
        };
    }
    match value.integer(0..=255)? {
        1 => Err(value
            .error("1 is no type of service; write \"inherit\" for that of the packet inside")
            .into()),
        octet => Tos::try_from(octet).map_err(|error| value.error(error).into()),
    }
}

impl HostVtep {
    /// Why this address cannot be on the other side of this host's.
    fn mismatch(self, other: std::net::IpAddr) -> Option<String> {
        let (family, own) = match self {
            Self::Is(own) => (Family::of(own.address()), format!("local_ip {own}")),
            Self::Of(family) => (family, "local_ip".to_owned()),
            Self::Unset | Self::Unknown => return None,
        };
        (family != Family::of(other))
            .then(|| format!("{other} is not an {family} address, as this host's {own} is"))
    }
}
