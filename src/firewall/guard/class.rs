//! The number by which the guard tells networks apart.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::model::Zone;

/// A network's number, which a frame's priority holds while it is forwarded: that of its conntrack
/// zone, which no other network of the host has.
///
/// It can be any number: a version before this one took the network's VNI, and what it noted of the
/// ports that it opened, and what is in its tables, must be read to be replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Class(u32);

impl From<Zone> for Class {
    fn from(zone: Zone) -> Self {
        Self(u16::from(zone).into())
    }
}

/// As nft writes a packet's priority: two halves of 16 bits, `0:1001`.
impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:x}:{:x}", self.0 >> 16, self.0 & 0xffff)
    }
}

/// A text that is not such a number.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a packet's priority like 0:1001")]
pub struct ClassError(String);

impl FromStr for Class {
    type Err = ClassError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let half = |half| u16::from_str_radix(half, 16).ok().map(u32::from);
        let halves = text.split_once(':');
        let halves = halves.and_then(|(high, low)| Some((half(high)?, half(low)?)));
        let (high, low) = halves.ok_or_else(|| ClassError(text.to_owned()))?;
        Ok(Self(high << 16 | low))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::firewall::guard::Element;

    #[test]
    fn what_an_earlier_version_noted_can_be_read() {
        let of_a_vni: Element = serde_json::from_str(r#"{"place":["tap1",267]}"#).unwrap();
        let tap = "tap1".parse().unwrap();
        assert_eq!(of_a_vni, Element::Place(tap, "0:10b".parse().unwrap()));
    }

    #[test]
    fn every_number_reads_back() {
        for number in [0, 267, 4097, 0xffff, 0x1_0000, 0xff_ffff, u32::MAX] {
            let class = Class(number);
            assert_eq!(class.to_string().parse(), Ok(class));
        }
    }
}
