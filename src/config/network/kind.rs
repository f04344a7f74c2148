//! `type = "…"`: what carries a network to other hosts.

use super::vxlan::{self, VxlanConfig};
use super::{Context, NetworkFacts, Table};

/// What carries a network to other hosts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NetworkKindConfig {
    /// `type = "vxlan"`
    Vxlan(VxlanConfig),
    /// `type = "local"`: nothing, it joins the VMs of one host.
    Local,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Type {
    Vxlan,
    Local,
}

const TYPES: [(&str, Option<Type>); 4] = [
    ("vxlan", Some(Type::Vxlan)),
    ("vlan", None),
    ("flat", None),
    ("local", Some(Type::Local)),
];

/// What carries it. The keys of a type are validated whatever the type is, and refused where it is
/// another one.
pub(super) fn read<'a>(
    context: &Context<'_>,
    facts: &mut NetworkFacts<'a>,
    table: &mut Table<'a>,
) -> Option<NetworkKindConfig> {
    let kind = table.choice("type", &TYPES);
    if !table.has("type") {
        table.complain("\"type\" is missing; write type = \"vxlan\"");
    }
    let vxlan = vxlan::Keys::read(context, facts, table);
    let kind = kind?;
    if kind != Type::Vxlan {
        foreign(table, &vxlan::KEYS, "vxlan");
    }
    match kind {
        Type::Vxlan => vxlan.finish(context, table).map(NetworkKindConfig::Vxlan),
        Type::Local => Some(NetworkKindConfig::Local),
    }
}

/// Complains of keys that only networks of another type have.
fn foreign(table: &mut Table<'_>, keys: &[&'static str], owner: &str) {
    for key in keys {
        if table.has(key) {
            table.complain_of(
                key,
                format!("only a network of type {owner:?} has this key"),
            );
        }
    }
}
