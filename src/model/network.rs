//! A network as it stands on this host: a bridge, and what carries it to other hosts.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{ExistingBridge, HostEnd, IfName, Learning, Vlan, Vni, Vxlan};

/// A network's id: Neutron's UUID, or any short name of the operator's.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct NetworkId(String);

/// A text that is not a [`NetworkId`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "network id \"{0}\" is not usable (1 to 64 of A-Z a-z 0-9 _ -, starting with a letter or digit)"
)]
pub struct NetworkIdError(pub String);

impl NetworkId {
    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The bridge that Neutron gives this network: `brq` and the first 11 characters of the id.
    pub fn bridge(&self) -> IfName {
        self.named("brq")
    }

    /// The name of a device of this network: a prefix of at most four characters, and the first 11 of
    /// the id.
    pub(super) fn named(&self, prefix: &str) -> IfName {
        let end = self.0.len().min(11);
        let name = format!("{prefix}{}", &self.0[..end]);
        name.parse()
            .expect("an id has only characters that a device name may have")
    }
}

impl FromStr for NetworkId {
    type Err = NetworkIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_-".contains(&byte);
        let first = text
            .bytes()
            .next()
            .is_some_and(|byte| byte.is_ascii_alphanumeric());
        if !first || text.len() > 64 || !text.bytes().all(allowed) {
            return Err(NetworkIdError(text.to_owned()));
        }
        Ok(Self(text.to_owned()))
    }
}

impl TryFrom<String> for NetworkId {
    type Error = NetworkIdError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<NetworkId> for String {
    fn from(id: NetworkId) -> Self {
        id.0
    }
}

impl fmt::Display for NetworkId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A link's MTU in bytes: 68 (RFC 791, the kernel's lower bound) to 65535.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u32", into = "u32")]
pub struct Mtu(u32);

impl Mtu {
    /// Ethernet's, and the kernel's of a new device.
    pub const ETHERNET: Self = Self(1500);
}

/// A number that is not an [`Mtu`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("MTU {0} is outside 68 to 65535")]
pub struct MtuError(pub u32);

impl TryFrom<u32> for Mtu {
    type Error = MtuError;

    fn try_from(bytes: u32) -> Result<Self, Self::Error> {
        if (68..=65535).contains(&bytes) {
            Ok(Self(bytes))
        } else {
            Err(MtuError(bytes))
        }
    }
}

impl From<Mtu> for u32 {
    fn from(mtu: Mtu) -> Self {
        mtu.0
    }
}

impl fmt::Display for Mtu {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A conntrack zone: one a network, so that equal addresses on two networks never meet.
///
/// Neutron counts from 4097 up; so do we.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u16", into = "u16")]
pub struct Zone(u16);

/// A number that is not a zone of ours.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("conntrack zone {0} is below 4097")]
pub struct ZoneError(pub u16);

impl Zone {
    /// The first zone that a network can get.
    pub const FIRST: Self = Self(4097);

    /// The zone after this one; `None` after 65535.
    pub fn next(self) -> Option<Self> {
        self.0.checked_add(1).map(Self)
    }
}

impl TryFrom<u16> for Zone {
    type Error = ZoneError;

    fn try_from(number: u16) -> Result<Self, Self::Error> {
        if number < Self::FIRST.0 {
            Err(ZoneError(number))
        } else {
            Ok(Self(number))
        }
    }
}

impl From<Zone> for u16 {
    fn from(zone: Zone) -> Self {
        zone.0
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A network, resolved: what its bridge and its way to other hosts must be on this host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Network {
    /// Neutron's id; names the bridge and the alias.
    pub id: NetworkId,
    /// The name in the configuration, for people.
    pub name: String,
    /// The bridge that VM interfaces name.
    pub bridge: IfName,
    /// MTU of the bridge and of the device behind it.
    pub mtu: Mtu,
    /// TCP connections of its ports agree on segments that fit the MTU, whatever the guests believe.
    #[serde(default)]
    pub clamp_mss: bool,
    /// What carries it to other hosts.
    pub kind: NetworkKind,
    /// It stays when nobody uses it any more.
    #[serde(default)]
    pub keep: bool,
    /// The host's own end of it, where it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host_end: Option<HostEnd>,
}

/// What carries a network to other hosts. A new kind is a new variant with its own type.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NetworkKind {
    /// A VXLAN tunnel.
    Vxlan(Vxlan),
    /// One VLAN of a device of the host.
    Vlan(Vlan),
    /// A device of the host, as it is. It is not ours: it joins the bridge and leaves it.
    Flat(IfName),
    /// Nothing: it joins the VMs of this host.
    Local,
    /// The ports of a bridge of the host's.
    Bridge(ExistingBridge),
}

impl NetworkKind {
    /// Whether both are made of the same links. What changes under them may differ: peers, outer header.
    fn has_links_of(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Vxlan(ours), Self::Vxlan(theirs)) => ours.tunnel == theirs.tunnel,
            (Self::Vlan(ours), Self::Vlan(theirs)) => ours == theirs,
            (Self::Flat(ours), Self::Flat(theirs)) => ours == theirs,
            (Self::Local, Self::Local) | (Self::Bridge(_), Self::Bridge(_)) => true,
            (Self::Vxlan(_) | Self::Vlan(_) | Self::Flat(_) | Self::Local | Self::Bridge(_), _) => {
                false
            }
        }
    }
}

impl fmt::Display for NetworkKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Vxlan(vxlan) => vxlan.tunnel.fmt(f),
            Self::Vlan(vlan) => vlan.fmt(f),
            Self::Flat(device) => write!(f, "device {device}"),
            Self::Local => f.write_str("no way to other hosts"),
            Self::Bridge(_) => f.write_str("a bridge of the host's"),
        }
    }
}

impl Network {
    /// The device that carries it to other hosts.
    pub fn way_out(&self) -> Option<&IfName> {
        match &self.kind {
            NetworkKind::Vxlan(vxlan) => Some(&vxlan.tunnel.device),
            NetworkKind::Vlan(vlan) => Some(&vlan.device),
            NetworkKind::Flat(device) => Some(device),
            NetworkKind::Local | NetworkKind::Bridge(_) => None,
        }
    }

    /// The ports of its bridge that are no machine's and lead out of it.
    pub fn ways_out(&self) -> impl Iterator<Item = &IfName> {
        let named = self.existing().into_iter();
        let named = named.flat_map(ExistingBridge::ways_out);
        self.way_out().into_iter().chain(named)
    }

    /// What it is where its bridge is the host's.
    pub fn existing(&self) -> Option<&ExistingBridge> {
        match &self.kind {
            NetworkKind::Bridge(existing) => Some(existing),
            _ => None,
        }
    }

    /// Whether the host itself is on its bridge, and is not kept from it.
    pub fn has_host(&self) -> bool {
        self.existing().is_some_and(|it| it.host_unfiltered)
    }

    /// Whether the link of this name is one of its ways out.
    pub fn has_way_out(&self, name: &str) -> bool {
        self.ways_out().any(|device| device.as_str() == name)
    }

    /// Whether the link of this name is a port of its bridge that vmhook puts there: its way out, or what
    /// leads to the host's end, which may be about to go.
    pub fn has_port(&self, name: &str) -> bool {
        self.has_way_out(name) || self.id.host_port().as_str() == name
    }

    /// Whether its ports' addresses are told to other hosts.
    pub fn tells_addresses(&self) -> bool {
        match &self.kind {
            NetworkKind::Vxlan(vxlan) => vxlan.tunnel.options.learning == Learning::Evpn,
            _ => false,
        }
    }

    /// Whether both can share the links that one of them made. Peers, outer header, `clamp_mss` and the
    /// host's end may differ; on a bridge of the host's also its other ports, and the MTU, which is the
    /// host's too.
    pub fn has_same_links(&self, other: &Self) -> bool {
        let made = self.mtu == other.mtu || self.existing().is_some();
        self.bridge == other.bridge && self.kind.has_links_of(&other.kind) && made
    }

    /// What its links are made with.
    pub fn links_in_words(&self) -> String {
        format!("{} and MTU {}", self.kind, self.mtu)
    }

    /// Its VXLAN identifier, where it has one.
    pub fn vni(&self) -> Option<Vni> {
        match &self.kind {
            NetworkKind::Vxlan(vxlan) => Some(vxlan.tunnel.vni),
            NetworkKind::Vlan(_)
            | NetworkKind::Flat(_)
            | NetworkKind::Local
            | NetworkKind::Bridge(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bridge_has_neutrons_name() {
        let id: NetworkId = "c08e7dcd-4acb-4cd0-ad08-ebd3b48467ee".parse().unwrap();
        assert_eq!(id.bridge().as_str(), "brqc08e7dcd-4a");
        let short: NetworkId = "lab".parse().unwrap();
        assert_eq!(short.bridge().as_str(), "brqlab");
    }

    #[test]
    fn an_id_is_never_a_path_an_option_or_a_quote() {
        for text in ["", "../x", "-x", "a b", "a\"", "a/b"] {
            assert!(text.parse::<NetworkId>().is_err(), "{text}");
        }
    }
}
