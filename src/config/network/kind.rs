//! `type = "…"`: what carries a network to other hosts.

use super::existing;
use super::physical::{self, FlatConfig, VlanConfig};
use super::vxlan::{self, VxlanConfig};
use super::{Context, NetworkFacts, Table};
use crate::model::ExistingBridge;

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
    /// `bridge = "br0"`: the ports of a bridge of the host's.
    Bridge(ExistingBridge),
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
/// another one. On a bridge of the host's there is no type.
pub(super) fn read<'a>(
    context: &Context<'_>,
    facts: &mut NetworkFacts<'a>,
    table: &mut Table<'a>,
) -> Option<NetworkKindConfig> {
    let kind = table.optional("type", |value| value.word(&TYPES));
    let vxlan = vxlan::Keys::read(context, facts, table);
    let physical = physical::Keys::read(context, table);
    let existing = existing::Keys::read(table);
    if table.has("bridge") {
        no_type(table);
        return Some(NetworkKindConfig::Bridge(existing.finish(table)));
    }
    let owner = "only a network on a bridge of the host's (bridge = \"br0\")";
    foreign(table, &existing::KEYS, owner);
    if !table.has("type") {
        let words: Vec<String> = TYPES.iter().map(|(word, _)| format!("{word:?}")).collect();
        let words = words.join(", ");
        table.complain(format!("\"type\" is missing; it is one of {words}"));
    }
    let kind = kind?;
    if kind != Type::Vxlan {
        foreign(table, &vxlan::KEYS, VXLAN);
    }
    if kind != Type::Vlan {
        foreign(table, &["vlan"], VLAN);
    }
    if matches!(kind, Type::Vxlan | Type::Local) {
        foreign(table, &["physical_network"], PHYSICAL);
    }
    match kind {
        Type::Vxlan => vxlan.finish(context, table).map(NetworkKindConfig::Vxlan),
        Type::Vlan => physical.vlan(facts, table).map(NetworkKindConfig::Vlan),
        Type::Flat => physical.flat(facts, table).map(NetworkKindConfig::Flat),
        Type::Local => Some(NetworkKindConfig::Local),
    }
}

const VXLAN: &str = "only a network of type \"vxlan\"";
const VLAN: &str = "only a network of type \"vlan\"";
const PHYSICAL: &str = "only a network of type \"vlan\" or \"flat\"";

/// What leads out of a bridge of the host's is on it already.
fn no_type(table: &mut Table<'_>) {
    if table.has("type") {
        let message = "a network on a bridge of the host's has no type: what leads out of it are its \
                       `uplinks`; leave out `type`, or `bridge`";
        table.complain_of("type", message);
    }
    foreign(table, &vxlan::KEYS, VXLAN);
    foreign(table, &["vlan"], VLAN);
    foreign(table, &["physical_network"], PHYSICAL);
    let owner = "the host's addresses are on its bridge itself (host_unfiltered): only a network on a \
                 bridge of vmhook's";
    foreign(table, &["host_address"], owner);
}

/// Complains of keys that only networks of another type have.
fn foreign(table: &mut Table<'_>, keys: &[&'static str], owner: &str) {
    for key in keys {
        if table.has(key) {
            table.complain_of(key, format!("{owner} has this key"));
        }
    }
}
