//! The part of a chain's name that stands for a port.

use std::fmt;

use crate::model::{IfName, Port};

/// Ten characters that name a port's chains behind `i`, `o` or `s`.
///
/// Neutron's are the first ten after `tap`. It does so with any device name, so that all of
/// libvirt's own (`vnet0`) would make short names, and two taps could share chains. We do so
/// only where the tap has Neutron's shape; else the suffix is a hash of network and MAC address,
/// which are what a port is. The two never meet: only Neutron's has a `-`.
#[derive(
    Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
pub struct ChainSuffix(String);

impl ChainSuffix {
    /// Its length.
    pub(super) const LENGTH: usize = 10;
}

impl fmt::Display for ChainSuffix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The suffix of a port's chains: from the target that its domain names, if it has Neutron's
/// shape (`tap`, 8 hex digits, `-`, 2 hex digits), else from its network and MAC address.
pub fn chain_suffix(port: &Port) -> ChainSuffix {
    let neutrons = port.target.as_ref().and_then(neutron_suffix);
    ChainSuffix(neutrons.map_or_else(|| hash_suffix(port), str::to_owned))
}

fn neutron_suffix(target: &IfName) -> Option<&str> {
    let hex = |text: &str| {
        text.bytes()
            .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    };
    let id = target.as_str().strip_prefix("tap")?;
    let (first, second) = id.split_once('-')?;
    let shape = first.len() == 8 && second.len() == 2 && hex(first) && hex(second);
    shape.then(|| &id[..ChainSuffix::LENGTH])
}

/// FNV-1a, 64 bits, over the network's id, a zero byte and the MAC address's six octets, folded
/// to 40 bits by exclusive or of the upper 24 with the lower 40, as ten hex digits.
///
/// Part of what is on running hosts: it must never change.
fn hash_suffix(port: &Port) -> String {
    const OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
    const PRIME: u64 = 0x0000_0100_0000_01b3;
    let octets = port.mac.octets();
    let bytes = port.network.as_str().bytes().chain([0]).chain(octets);
    let hash = bytes.fold(OFFSET, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(PRIME)
    });
    let folded = (hash >> 40) ^ (hash & 0xff_ffff_ffff);
    format!("{folded:010x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn suffix(target: Option<&str>, network: &str, mac: &str) -> String {
        let port = Port {
            network: network.parse().unwrap(),
            mac: mac.parse().unwrap(),
            tap: None,
            target: target.map(|target| target.parse().unwrap()),
            fixed_ips: Vec::new(),
            allowed_address_pairs: Vec::new(),
            security_groups: Vec::new(),
            ipv6_addresses: crate::model::Ipv6Addresses::default(),
            dhcp_servers: None,
            remote_groups: Vec::new(),
            security: crate::model::PortSecurity::default(),
        };
        chain_suffix(&port).to_string()
    }

    #[test]
    fn is_neutrons_where_the_tap_has_neutrons_shape() {
        let mac = "fa:16:3e:be:71:21";
        assert_eq!(suffix(Some("tap7a8c0a54-75"), "lab", mac), "7a8c0a54-7");
    }

    #[test]
    fn is_the_same_hash_for_ever_for_every_other_tap() {
        let mac = "fa:16:3e:be:71:21";
        for target in [None, Some("vnet0"), Some("tap7a8c0a54-7g"), Some("tap0")] {
            assert_eq!(suffix(target, "lab", mac), "0834da2be5");
        }
    }

    #[test]
    fn differs_by_network_and_by_mac() {
        let one = suffix(None, "lab", "fa:16:3e:be:71:21");
        assert_ne!(one, suffix(None, "lab2", "fa:16:3e:be:71:21"));
        assert_ne!(one, suffix(None, "lab", "fa:16:3e:be:71:22"));
    }
}
