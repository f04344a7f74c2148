//! What the readers of networks and ports must know of the other tables.

use std::collections::BTreeSet;

use super::error::Checked;
use super::value::Value;
use crate::model::Vtep;

/// The names that tables may refer to, and the host's tunnel end point.
#[derive(Debug)]
pub(super) struct Context<'a> {
    pub(super) vtep: HostVtep,
    /// The security groups; `None` if a part of the configuration cannot be read.
    pub(super) security_groups: Option<BTreeSet<&'a str>>,
    /// The networks; `None` likewise.
    pub(super) networks: Option<BTreeSet<&'a str>>,
}

/// What `[host]` says of `local_ip`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum HostVtep {
    /// This.
    Is(Vtep),
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
