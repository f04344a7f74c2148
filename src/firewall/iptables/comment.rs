//! The comments of rules.

use std::borrow::Cow;

use crate::firewall::policy::Reason;
use crate::model::NetworkId;

/// The text of `-m comment`: at most 255 printable ASCII characters, the kernel's limit.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Comment(Cow<'static, str>);

impl Comment {
    /// The kernel keeps 256 bytes with the closing zero.
    pub const MAX: usize = 255;

    /// On the lines of `<prefix>-FORWARD`.
    pub(super) const TO_SG_CHAIN: Self =
        Self::fixed("Direct traffic from the VM interface to the security group chain.");
    /// On the lines of `<prefix>-INPUT`.
    pub(super) const TO_HOST: Self =
        Self::fixed("Direct incoming traffic from VM to the security group chain.");
    /// On the lines of `<prefix>-sg-chain`.
    pub(super) const TO_PORT: Self = Self::fixed("Jump to the VM specific chain.");
    /// On the lines of a port without port security.
    pub(super) const NO_PORT_SECURITY: Self =
        Self::fixed("Accept all packets when port security is disabled.");
    /// On the lines of a trusted port.
    pub(super) const TRUSTED: Self = Self::fixed("Accept all packets when port is trusted.");
    /// In `<prefix>-sg-fallback`.
    pub(super) const FALLBACK: Self = Self::fixed("Default drop rule for unmatched traffic.");
    /// On the sources that a port may use.
    pub(super) const SOURCE: Self = Self::fixed("Allow traffic from defined IP/MAC pairs.");
    /// At the end of them.
    pub(super) const NO_SOURCE: Self = Self::fixed("Drop traffic without an IP/MAC allow rule.");

    /// The text; `None` if the kernel or our texts cannot hold it.
    pub fn new(text: impl Into<Cow<'static, str>>) -> Option<Self> {
        let text = text.into();
        let printable = |byte: u8| (b' '..=b'~').contains(&byte);
        let fits = text.len() <= Self::MAX && text.bytes().all(printable);
        fits.then_some(Self(text))
    }

    /// The text, without the quotes of its written form.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Neutron's for a port's zone rules, with the network in the place of the device.
    pub(super) fn zone(network: &NetworkId) -> Self {
        Self(format!("Set zone for {network}").into())
    }

    /// What Neutron writes on a line that is there for this reason, if anything.
    pub(super) fn of(reason: Reason) -> Option<Self> {
        let text = match reason {
            Reason::NeighbourDiscovery
            | Reason::Configuration
            | Reason::Group
            | Reason::SourceCheck => return None,
            Reason::Established => {
                "Direct packets associated with a known session to the RETURN chain."
            }
            Reason::Invalid => {
                "Drop packets that appear related to an existing connection (e.g. TCP ACK/FIN) \
                 but do not have an entry in conntrack."
            }
            Reason::Unmatched => "Send unmatched traffic to the fallback chain.",
            Reason::DhcpClient => "Allow DHCP client traffic.",
            Reason::DhcpServer => "Prevent DHCP Spoofing by VM.",
            Reason::Icmpv6 => "Allow IPv6 ICMP traffic.",
            Reason::RouterAdvertisement => "Drop IPv6 Router Advts from VM Instance.",
        };
        Some(Self::fixed(text))
    }

    const fn fixed(text: &'static str) -> Self {
        Self(Cow::Borrowed(text))
    }
}
