//! Who sends and who gets frames, and where they are.

use std::net::IpAddr;

use serde::Deserialize;

use crate::frames::{End, mac};
use crate::{BRIDGE, Nic, OTHER_BRIDGE, STRANGER, TAP};

/// A machine, a port, a host: whatever frames leave from and arrive at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Station {
    /// A guest with IPv4 alone.
    Web1,
    /// A guest with both families.
    Web2,
    /// A guest with allowed address pairs.
    Router,
    /// A guest without fixed address.
    Any,
    /// A guest on the other network, with the addresses of `web1`.
    Other,
    /// A guest there that makes IPv6 addresses for itself.
    Slaac,
    /// A router's port, without port security.
    Gateway,
    /// A DHCP server's port, trusted.
    Dhcp,
    /// A port of the bridge that nobody knows.
    Stranger,
    /// The other host, through the tunnel.
    Peer,
    /// The same on the other network.
    PeerOther,
    /// The host under the guests: its own sockets.
    Host,
    /// The other host, beside the tunnel.
    Underlay,
}

/// A layer 2 segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Network {
    Selfservice,
    Other,
    Underlay,
}

impl Station {
    pub(crate) const ALL: [Self; 13] = [
        Self::Web1,
        Self::Web2,
        Self::Router,
        Self::Any,
        Self::Other,
        Self::Slaac,
        Self::Gateway,
        Self::Dhcp,
        Self::Stranger,
        Self::Peer,
        Self::PeerOther,
        Self::Host,
        Self::Underlay,
    ];

    /// The guests, whose taps vmhook or Neutron opens. Lines of those that are not filtered come behind
    /// the others', as the agent writes them.
    pub(crate) const GUESTS: [Self; 8] = [
        Self::Web1,
        Self::Web2,
        Self::Router,
        Self::Any,
        Self::Other,
        Self::Slaac,
        Self::Gateway,
        Self::Dhcp,
    ];

    /// As the rows call it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Web1 => "web1",
            Self::Web2 => "web2",
            Self::Router => "router",
            Self::Any => "any",
            Self::Other => "other",
            Self::Slaac => "slaac",
            Self::Gateway => "gateway",
            Self::Dhcp => "dhcp",
            Self::Stranger => "stranger",
            Self::Peer => "peer",
            Self::PeerOther => "peer-other",
            Self::Host => "host",
            Self::Underlay => "underlay",
        }
    }

    /// Who it is, for a reader.
    pub(crate) fn description(self) -> &'static str {
        match self {
            Self::Web1 => "a VM with an IPv4 address; ping and ssh are let in",
            Self::Web2 => "a VM with an address of either family; the same is let in over both",
            Self::Router => "a VM with allowed address pairs; ping is let in",
            Self::Any => "a VM without fixed address; ping is let in",
            Self::Other => "a VM on another network of this host, with web1's addresses",
            Self::Slaac => "a VM there that may make IPv6 addresses for itself (`prefix`)",
            Self::Gateway => "a VM on the first network that routes: `port_security = false`",
            Self::Dhcp => {
                "a DHCP server there: `device_owner = \"network:dhcp\"`, which is trusted"
            }
            Self::Stranger => "a port that somebody put on the bridge by hand",
            Self::Peer => "another host, through the tunnel of the first network",
            Self::PeerOther => "the same, through the tunnel of the other network",
            Self::Host => "the host itself: a socket that is open on all its addresses",
            Self::Underlay => "the other host, without any tunnel",
        }
    }

    pub(crate) fn network(self) -> Network {
        match self {
            Self::Other | Self::Slaac | Self::PeerOther => Network::Other,
            Self::Host | Self::Underlay => Network::Underlay,
            _ => Network::Selfservice,
        }
    }

    /// Its Ethernet address; of the hosts only [`Links`] knows.
    pub(crate) fn mac(self) -> Option<&'static str> {
        match self {
            Self::Web1 | Self::Other => Some("fa:16:3e:be:71:21"),
            Self::Web2 => Some("fa:16:3e:be:71:22"),
            Self::Router => Some("fa:16:3e:be:71:26"),
            Self::Any => Some("fa:16:3e:be:71:27"),
            Self::Slaac => Some("fa:16:3e:be:71:28"),
            Self::Gateway => Some("fa:16:3e:be:71:31"),
            Self::Dhcp => Some("fa:16:3e:be:71:32"),
            Self::Stranger => Some(STRANGER),
            Self::Peer => Some("fa:16:3e:00:01:01"),
            Self::PeerOther => Some("fa:16:3e:00:02:01"),
            Self::Host | Self::Underlay => None,
        }
    }

    /// The addresses that it has for itself.
    pub(crate) fn addresses(self) -> &'static [&'static str] {
        match self {
            Self::Web1 | Self::Other => &["192.168.101.88"],
            Self::Web2 => &[
                "192.168.101.89",
                "2001:db8:101::89",
                "fe80::f816:3eff:febe:7122",
            ],
            Self::Router => &["192.168.101.93", "2001:db8:101::93"],
            Self::Any => &[],
            Self::Slaac => &["192.168.101.95", "2001:db8:102::95"],
            Self::Gateway => &[
                "192.168.101.96",
                "2001:db8:101::96",
                "fe80::f816:3eff:febe:7131",
            ],
            Self::Dhcp => &["192.168.101.97", "fe80::f816:3eff:febe:7132"],
            Self::Stranger => &["192.168.101.55", "2001:db8:101::55"],
            Self::Peer => &[
                "192.168.101.1",
                "2001:db8:101::1",
                "fe80::f816:3eff:fe00:101",
            ],
            Self::PeerOther => &["192.168.101.1", "2001:db8:102::1"],
            Self::Host => &["172.16.0.31", "192.168.101.254"],
            Self::Underlay => &["172.16.0.32"],
        }
    }

    /// The interface that libvirt would give it.
    pub(crate) fn nic(self) -> Nic {
        let bridge = match self.network() {
            Network::Other => OTHER_BRIDGE,
            _ => BRIDGE,
        };
        let tap = match self {
            Self::Web2 => "tap5c1d2e3f-89",
            Self::Router => "tapa1a1a1a1-26",
            Self::Any => "tapb2b2b2b2-27",
            Self::Other => "tap9f8e7d6c-5b",
            Self::Slaac => "tapc3c3c3c3-28",
            Self::Gateway => "tapd4d4d4d4-31",
            Self::Dhcp => "tape5e5e5e5-32",
            _ => TAP,
        };
        Nic::new(bridge, tap, self.mac().expect("a guest has one"))
    }

    /// Whose Ethernet address a station of this network finds behind an address.
    pub(crate) fn behind(ip: IpAddr, network: Network) -> Option<[u8; 6]> {
        let here = Self::ALL
            .into_iter()
            .filter(|station| station.network() == network);
        here.filter(|station| station.has(ip))
            .find_map(Self::mac)
            .map(mac)
    }

    fn has(self, ip: IpAddr) -> bool {
        let mut own = self.addresses().iter();
        own.any(|text| text.parse() == Ok(ip))
    }

    /// The end that speaks for it over IPv4.
    pub(crate) fn end(self) -> Option<End> {
        let ip = self.addresses().first()?.parse().ok()?;
        let mac = mac(self.mac()?);
        Some(End { mac, ip })
    }
}

/// The hosts' own Ethernet addresses, which nobody gives them.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Links {
    /// Of the bridge of the first network.
    pub(crate) bridge: [u8; 6],
    /// Of the host on the underlay.
    pub(crate) vtep: [u8; 6],
    /// Of the other host there.
    pub(crate) underlay: [u8; 6],
}

impl Links {
    /// An Ethernet address as a row names it: written out, a station's, or one of the hosts'.
    pub(crate) fn mac(&self, word: &str) -> Option<[u8; 6]> {
        let hosts = match word {
            "bridge" => Some(self.bridge),
            "vtep" => Some(self.vtep),
            "underlay" => Some(self.underlay),
            "broadcast" => Some([0xff; 6]),
            _ => None,
        };
        let named = Station::ALL
            .into_iter()
            .find(|station| station.name() == word);
        hosts
            .or_else(|| named.and_then(Station::mac).map(mac))
            .or_else(|| written_out(word))
    }
}

fn written_out(word: &str) -> Option<[u8; 6]> {
    let octets = word.split(':').map(|octet| match octet.len() {
        2 => u8::from_str_radix(octet, 16).ok(),
        _ => None,
    });
    octets.collect::<Option<Vec<u8>>>()?.try_into().ok()
}
