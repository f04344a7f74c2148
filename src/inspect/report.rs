//! What `vmhook inspect` has to say. Its JSON is documented in `docs/inspect.md` and stable.

use std::net::IpAddr;

use serde::{Serialize, Serializer};

use super::check::{Check, Kind, Scope};
use crate::model::{AllowedAddressPair, DomainUuid, IfName, MacAddr, Mtu, PortSecurity, Vni};

/// The version of the JSON shape: grows when a field changes its meaning or goes.
pub const VERSION: u32 = 1;

/// What `vmhook inspect` has to say of a domain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// [`VERSION`].
    pub version: u32,
    /// The domain's name.
    pub domain: String,
    /// The domain's UUID.
    pub uuid: DomainUuid,
    /// Whether it runs, as far as the XML and its taps tell.
    pub running: bool,
    /// The judgement.
    pub verdict: Verdict,
    /// Its interfaces on managed bridges.
    pub interfaces: Vec<InterfaceReport>,
    /// Everything that was applied, and whether the kernel has it.
    pub checks: Vec<Check>,
    /// What is worth knowing and wrong with nothing.
    pub notes: Vec<String>,
}

/// The judgement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It runs, and the kernel has all that was applied.
    AsApplied,
    /// It runs, and something differs.
    Differs,
    /// It runs with an interface of ours, and nothing was applied for it.
    NoRecord,
    /// It does not run, but something of it is left.
    Left,
    /// It does not run, and nothing of it is left.
    NothingLeft,
    /// It has no interface on a managed bridge.
    NotOurs,
}

/// A value, and who says so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Sourced<T> {
    /// The value.
    pub value: T,
    /// Who says so: a table of the configuration, the domain's XML, Nova's metadata, the record.
    pub origin: String,
}

/// An interface on a managed bridge: what was applied for it, or what would be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct InterfaceReport {
    /// Its MAC address.
    pub mac: Sourced<MacAddr>,
    /// The network's name in the configuration.
    pub network: Sourced<String>,
    /// The bridge.
    pub bridge: Sourced<IfName>,
    /// The device by which it leaves the host, if it does.
    pub device: Option<Sourced<IfName>>,
    /// A VXLAN network's number on the wire.
    pub vni: Option<Sourced<Vni>>,
    /// The tap, if its name is known.
    pub tap: Option<Sourced<IfName>>,
    /// The MTU of bridge and device.
    pub mtu: Sourced<Mtu>,
    /// The addresses that it may use.
    pub addresses: Sourced<Vec<IpAddr>>,
    /// What it may use besides.
    pub address_pairs: Sourced<Vec<AllowedAddressPair>>,
    /// How much of what it sends and gets is checked; in JSON `hardened`, `not_hardened`,
    /// `not_filtered` or `trusted`, the words of the text.
    #[serde(serialize_with = "security")]
    pub security: Sourced<PortSecurity>,
    /// The names of its security groups.
    pub security_groups: Sourced<Vec<String>>,
    /// Whose DHCP replies reach it; `None`: anybody's.
    pub dhcp_servers: Option<Sourced<Vec<IpAddr>>>,
}

/// A record keeps Neutron's words; a reader of the report gets those of its text.
fn security<S: Serializer>(said: &Sourced<PortSecurity>, out: S) -> Result<S::Ok, S::Error> {
    let word = match said.value {
        PortSecurity::Hardened => "hardened",
        PortSecurity::Enabled => "not_hardened",
        PortSecurity::Disabled => "not_filtered",
        PortSecurity::Trusted => "trusted",
    };
    Sourced::new(word, &said.origin).serialize(out)
}

impl Report {
    /// Whether an interface came, went or moved since: only `vmhook sync DOMAIN` makes that right.
    pub fn has_changed_interfaces(&self) -> bool {
        let of_interface = |check: &&Check| matches!(check.kind, Kind::Port | Kind::Tap);
        let mut checks = self.checks.iter().filter(of_interface);
        checks.any(|check| !check.is_well())
    }

    /// Whether one came that the configuration does not serve, so that nothing is known of it but
    /// its MAC address: a note says why, and until that is mended `vmhook sync` does not open it.
    pub fn has_unserved_interfaces(&self) -> bool {
        let mut wrong = self.checks.iter().filter(|check| !check.is_well());
        wrong.any(|check| match check.scope {
            Scope::Interface(mac) => self.interfaces.iter().all(|known| known.mac.value != mac),
            Scope::Host | Scope::Network(_) => false,
        })
    }
}

impl Verdict {
    /// Nothing is to be done.
    pub fn is_well(self) -> bool {
        matches!(self, Self::AsApplied | Self::NothingLeft | Self::NotOurs)
    }
}

impl<T> Sourced<T> {
    pub(super) fn new(value: T, origin: &(impl ToString + ?Sized)) -> Self {
        let origin = origin.to_string();
        Self { value, origin }
    }
}
