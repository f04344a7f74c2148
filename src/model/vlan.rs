//! A network's way out by a device of the host: the device itself, or one VLAN of it.

use std::fmt;

use serde::{Deserialize, Serialize};
use sha1::{Digest, Sha1};

use super::IfName;

/// A VLAN identifier (IEEE 802.1Q): 1 to 4094. 0 means no VLAN, 4095 is reserved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u32", into = "u32")]
pub struct VlanId(u16);

/// A number that is not a [`VlanId`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("VLAN {0} is outside 1 to 4094")]
pub struct VlanIdError(pub u32);

impl TryFrom<u32> for VlanId {
    type Error = VlanIdError;

    fn try_from(number: u32) -> Result<Self, Self::Error> {
        match u16::try_from(number) {
            Ok(id @ 1..=4094) => Ok(Self(id)),
            _ => Err(VlanIdError(number)),
        }
    }
}

impl From<VlanId> for u32 {
    fn from(id: VlanId) -> Self {
        id.0.into()
    }
}

impl From<VlanId> for u16 {
    fn from(id: VlanId) -> Self {
        id.0
    }
}

impl fmt::Display for VlanId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// One VLAN of a device of the host. The device that gives it is ours, the one below is not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Vlan {
    /// Its number on the wire.
    pub id: VlanId,
    /// The device that tags and untags.
    pub device: IfName,
    /// The device of the host that carries the tagged frames.
    pub parent: IfName,
}

impl Vlan {
    /// The VLAN of this number on this device, by Neutron's name.
    pub fn of(parent: &IfName, id: VlanId) -> Self {
        Self {
            id,
            device: device(parent, id),
            parent: parent.clone(),
        }
    }
}

impl fmt::Display for Vlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { id, device, parent } = self;
        write!(f, "VLAN {id} of {parent} (device {device})")
    }
}

/// `<parent>.<VLAN>`. Where that is too long for the kernel, the end of the parent's name gives way
/// to the first six hexadecimal digits of the SHA-1 sum of all of it (Neutron's
/// `get_interface_name`).
fn device(parent: &IfName, id: VlanId) -> IfName {
    let parent = parent.as_str();
    let ending = format!(".{id}");
    let room = IfName::MAX - ending.len();
    let name = if parent.len() <= room {
        format!("{parent}{ending}")
    } else {
        let sum = Sha1::digest(parent);
        let digits = format!("{:02x}{:02x}{:02x}", sum[0], sum[1], sum[2]);
        format!("{}{digits}{ending}", &parent[..room - digits.len()])
    };
    name.parse()
        .expect("a device's name, digits and a dot are a device's name of at most 15 characters")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(parent: &str, id: u32) -> String {
        let id = VlanId::try_from(id).unwrap();
        Vlan::of(&parent.parse().unwrap(), id).device.to_string()
    }

    #[test]
    fn a_vlans_device_has_neutrons_name() {
        assert_eq!(named("eth1", 1011), "eth1.1011");
        assert_eq!(named("enp129s0f0", 1011), "enp129s0f0.1011");
        assert_eq!(named("enp129s0f0np0", 1), "enp129s0f0np0.1");
    }

    #[test]
    fn a_name_too_long_for_the_kernel_is_cut_as_neutron_cuts_it() {
        assert_eq!(named("enp129s0f0np0", 1011), "enp197e4a1.1011");
    }

    #[test]
    fn a_vlan_has_twelve_bits_without_the_first_and_the_last() {
        for number in [0, 4095, 65536 + 7] {
            assert!(VlanId::try_from(number).is_err(), "{number}");
        }
    }
}
