//! Ethernet addresses.

use std::fmt;
use std::net::Ipv6Addr;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A unicast Ethernet (EUI-48) address, written `fa:16:3e:be:71:21`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct MacAddr([u8; 6]);

/// Why a text is not a [`MacAddr`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MacAddrError {
    /// Not six pairs of hex digits with colons between them.
    #[error("\"{0}\" is not a MAC address (six pairs of hex digits: fa:16:3e:be:71:21)")]
    Shape(String),
    /// The group bit is set, or all bits are zero: no interface can have this address.
    #[error("\"{0}\" is not the MAC address of one interface (multicast or zero)")]
    NotUnicast(String),
}

impl MacAddr {
    /// The address made of these octets.
    ///
    /// # Errors
    /// [`MacAddrError::NotUnicast`] for a group address and for all zeros.
    pub fn new(octets: [u8; 6]) -> Result<Self, MacAddrError> {
        let mac = Self(octets);
        if octets[0] & 1 == 1 || octets == [0; 6] {
            return Err(MacAddrError::NotUnicast(mac.to_string()));
        }
        Ok(mac)
    }

    /// A locally administered unicast address with these low 46 bits: for devices of our own.
    pub fn local(mut octets: [u8; 6]) -> Self {
        octets[0] = octets[0] & 0xfc | 0x02;
        Self(octets)
    }

    /// The six octets in transmission order.
    pub fn octets(self) -> [u8; 6] {
        self.0
    }

    /// The link-local IPv6 address that an EUI-64 host forms from this address (RFC 4291,
    /// appendix A): Neutron lets each port with an IPv6 address use it.
    pub fn eui64_link_local(self) -> Ipv6Addr {
        let [first, second, third, fourth, fifth, sixth] = self.0;
        let word = |high, low| u16::from_be_bytes([high, low]);
        Ipv6Addr::new(
            0xfe80,
            0,
            0,
            0,
            word(first ^ 2, second),
            word(third, 0xff),
            word(0xfe, fourth),
            word(fifth, sixth),
        )
    }
}

impl fmt::Display for MacAddr {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let pairs = self.0.map(|octet| format!("{octet:02x}"));
        out.write_str(&pairs.join(":"))
    }
}

impl FromStr for MacAddr {
    type Err = MacAddrError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let shape = || MacAddrError::Shape(text.to_owned());
        let mut octets = [0; 6];
        let mut pairs = text.split(':');
        for octet in &mut octets {
            let pair = pairs.next().ok_or_else(shape)?;
            if pair.len() != 2 || !pair.bytes().all(|byte| byte.is_ascii_hexdigit()) {
                return Err(shape());
            }
            *octet = u8::from_str_radix(pair, 16).map_err(|_| shape())?;
        }
        if pairs.next().is_some() {
            return Err(shape());
        }
        Self::new(octets)
    }
}

impl TryFrom<String> for MacAddr {
    type Error = MacAddrError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<MacAddr> for String {
    fn from(mac: MacAddr) -> Self {
        mac.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_it_writes() {
        let mac: MacAddr = "FA:16:3e:be:71:21".parse().unwrap();
        assert_eq!(mac.to_string(), "fa:16:3e:be:71:21");
    }

    #[test]
    fn refuses_groups_zero_and_other_shapes() {
        for text in [
            "01:00:5e:00:00:01",
            "00:00:00:00:00:00",
            "fa:16:3e:be:71",
            "fa163ebe7121",
            "",
            "+a:16:3e:be:71:21",
        ] {
            assert!(text.parse::<MacAddr>().is_err(), "{text}");
        }
    }

    #[test]
    fn link_local_is_the_one_neutron_allows() {
        let mac: MacAddr = "fa:16:3e:be:71:21".parse().unwrap();
        assert_eq!(
            mac.eui64_link_local().to_string(),
            "fe80::f816:3eff:febe:7121"
        );
    }
}
