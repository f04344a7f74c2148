//! `type = "…"`: what carries a network to other hosts.

use super::physical::{self, FlatConfig, VlanConfig};
use super::vxlan::{self, VxlanConfig};
use super::{Context, NetworkFacts, Table};

/// What carries a network to other hosts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NetworkKindConfig {
    /// `type = "vxlan"`
    Vxlan(VxlanConfig),
    /// `type = "vlan"`
    Vlan(VlanConfig),
    /// `type = "flat"`
    Flat(FlatConfig),
    /// `type = "local"`: nothing, it joins the VMs of one host.
    Local,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Type {
    Vxlan,
    Vlan,
    Flat,
    Local,
}

const TYPES: [(&str, Type); 4] = [
    ("vxlan", Type::Vxlan),
    ("vlan", Type::Vlan),
    ("flat", Type::Flat),
    ("local", Type::Local),
];

/// What carries it. The keys of a type are validated whatever the type is, and refused where it is
/// another one.
pub(super) fn read<'a>(
    context: &Context<'_>,
    facts: &mut NetworkFacts<'a>,
    table: &mut Table<'a>,
) -> Option<NetworkKindConfig> {
    let kind = table.optional("type", |value| value.word(&TYPES));
    if !table.has("type") {
        table.complain("\"type\" is missing; write type = \"vxlan\"");
    }
    let vxlan = vxlan::Keys::read(context, facts, table);
    let physical = physical::Keys::read(context, table);
    let kind = kind?;
    if kind != Type::Vxlan {
        foreign(table, &vxlan::KEYS, "only a network of type \"vxlan\"");
    }
    if kind != Type::Vlan {
        foreign(table, &["vlan"], "only a network of type \"vlan\"");
    }
    if matches!(kind, Type::Vxlan | Type::Local) {
        let owner = "only a network of type \"vlan\" or \"flat\"";
        foreign(table, &["physical_network"], owner);
    }
    match kind {
        Type::Vxlan => vxlan.finish(context, table).map(NetworkKindConfig::Vxlan),
        Type::Vlan => physical.vlan(facts, table).map(NetworkKindConfig::Vlan),
        Type::Flat => physical.flat(facts, table).map(NetworkKindConfig::Flat),
        Type::Local => Some(NetworkKindConfig::Local),
    }
}

/// Complains of keys that only networks of another type have.
fn foreign(table: &mut Table<'_>, keys: &[&'static str], owner: &str) {
    for key in keys {
        if table.has(key) {
            table.complain_of(key, format!("{owner} has this key"));
        }
    }
}
