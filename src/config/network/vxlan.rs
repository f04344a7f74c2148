//! The keys of a network of type `vxlan`.

use super::{Checked, Context, HostVtep, NetworkFacts, Table, Value, sited};
use crate::model::{Family, Vni, Vtep};

/// A VXLAN network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VxlanConfig {
    /// Its number on the wire.
    pub vni: Vni,
    /// Head-end replication: the other hosts, each once, all of the family of `local_ip`, without
    /// this host, so that one list serves all hosts.
    pub flood: Vec<Vtep>,
}

/// The keys that only such a network has.
pub(super) const KEYS: [&str; 2] = ["vni", "flood"];

/// What was read of them.
pub(super) struct Keys {
    vni: Option<Vni>,
    flood: Option<Vec<Vtep>>,
}

impl Keys {
    pub(super) fn read<'a>(
        context: &Context<'_>,
        facts: &mut NetworkFacts<'a>,
        table: &mut Table<'a>,
    ) -> Self {
        Self {
            vni: table.optional("vni", sited(&mut facts.vni, Value::number::<Vni>)),
            flood: table.optional("flood", |value| flood(context.vtep, value)),
        }
    }

    /// The network that they make, where its type is this one.
    pub(super) fn finish(
        self,
        context: &Context<'_>,
        table: &mut Table<'_>,
    ) -> Option<VxlanConfig> {
        if context.vtep == HostVtep::Unset {
            table.complain_of(
                "type",
                "a vxlan network needs local_ip in [host], which is not given",
            );
        }
        if !table.has("vni") {
            table.complain("a vxlan network needs \"vni\", which is missing");
        }
        Some(VxlanConfig {
            vni: self.vni?,
            flood: self.flood.unwrap_or_default(),
        })
    }
}

/// The other hosts: this one is left out, as the same list is used on all.
fn flood(local: HostVtep, value: &Value<'_>) -> Checked<Vec<Vtep>> {
    let listed = value.list(|element| peer(local, element))?;
    let mut peers = Vec::new();
    for vtep in listed {
        if local != HostVtep::Is(vtep) && !peers.contains(&vtep) {
            peers.push(vtep);
        }
    }
    Ok(peers)
}

/// A VXLAN device has one family on the outside: a peer of the other one can never be reached.
fn peer(local: HostVtep, value: &Value<'_>) -> Checked<Vtep> {
    let vtep: Vtep = value.address()?;
    match local {
        HostVtep::Is(own) if Family::of(own.address()) != Family::of(vtep.address()) => {
            let family = Family::of(own.address());
            let message =
                format!("{vtep} is not an {family} address, as this host's local_ip {own} is");
            Err(value.error(message).into())
        }
        _ => Ok(vtep),
    }
}
