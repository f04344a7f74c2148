//! What the readers of networks and ports must know of the other tables.

use std::collections::{BTreeMap, BTreeSet};

use ipnet::IpNet;

use super::error::Checked;
use super::value::Value;
use crate::model::{Family, Vtep};

/// The names that tables may refer to, and the host's tunnel end point.
#[derive(Debug)]
pub(super) struct Context<'a> {
    pub(super) vtep: HostVtep,
    /// The names of `[host.physical_networks]`; `None` if `[host]` is broken, or may be in a part
    /// that cannot be read.
    pub(super) physical_networks: Option<BTreeSet<&'a str>>,
    /// The security groups; `None` if a part of the configuration cannot be read.
    pub(super) security_groups: Option<BTreeSet<&'a str>>,
    /// The prefixes of each address group; `None` of one that is broken.
    pub(super) address_groups: BTreeMap<&'a str, Option<Vec<IpNet>>>,
    /// The networks; `None` likewise.
    pub(super) networks: Option<BTreeSet<&'a str>>,
}

/// What `[host]` says of `local_ip`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum HostVtep {
    /// This.
    Is(Vtep),
    /// One of this family, which the host's links tell.
    Of(Family),
    /// Nothing.
    Unset,
    /// `[host]` is broken, or may be in a part that cannot be read.
    Unknown,
}

impl Context<'_> {
    /// The name of a security group that is defined.
    pub(super) fn security_group(&self, value: &Value<'_>) -> Checked<String> {
        defined(value, "security group", self.security_groups.as_ref())
    }

    /// The prefixes of an address group that is defined.
    pub(super) fn address_group(&self, value: &Value<'_>) -> Checked<Vec<IpNet>> {
        let names = self.address_groups.keys().copied().collect();
        let name = value.known("address group", &names)?;
        let prefixes = self.address_groups.get(name.as_str()).cloned().flatten();
        prefixes.ok_or_else(|| {
            value
                .error(format!("address group {name:?} is broken"))
                .into()
        })
    }

    /// The name of a physical network that this host has.
    pub(super) fn physical_network(&self, value: &Value<'_>) -> Checked<String> {
        let known = self.physical_networks.as_ref();
        if known.is_some_and(BTreeSet::is_empty) {
            let message = "[host] maps no physical network to a device; add \
                           physical_networks = { NAME = \"DEVICE\" }";
            return Err(value.error(message).into());
        }
        defined(value, "physical network of [host]", known)
    }

    /// The name of a network that is defined.
    pub(super) fn network(&self, value: &Value<'_>) -> Checked<String> {
        defined(value, "network", self.networks.as_ref())
    }
}

/// Where not all names are known, every name may be one of them.
fn defined(value: &Value<'_>, what: &str, known: Option<&BTreeSet<&str>>) -> Checked<String> {
    match known {
        Some(known) => value.known(what, known),
        None => value.string().map(str::to_owned),
    }
}
