//! A link that is there already under a name of the network's.
//!
//! What bears the network's alias is the network's. What bears none is taken over if nobody uses it and
//! it is what the network needs in all that the kernel does not change on a link that lives: a bridge; the
//! same tunnel; the same VLAN. Neutron's agent leaves such links, and so does somebody who made them by
//! hand. From then on they are ours like any other, and go with the last machine. Anything else is
//! refused, with what it is and what is needed.

use std::fmt;

use super::is_ours;
use crate::facts::{HostFacts, LinkFact, LinkKind, VlanFact};
use crate::model::{IfName, Network, NetworkId, Tunnel, Vlan};
use crate::plan::link::alias;

/// What a network needs under a name.
#[derive(Debug, Clone, Copy)]
pub(super) enum Needed<'a> {
    Bridge(&'a Network),
    Tunnel(&'a Tunnel),
    Vlan(&'a Vlan),
}

/// Whether a link of that name can be the network's, whose bridge is or will be this one.
pub(super) fn check(
    link: &LinkFact,
    needed: Needed<'_>,
    (id, bridge): (&NetworkId, &IfName),
    facts: &HostFacts,
) -> Result<(), String> {
    let LinkFact { name, .. } = link;
    let is_it = needed.is(link, facts);
    if is_ours(link, id) && (is_it || !matches!(needed, Needed::Bridge(_))) {
        return Ok(());
    }
    let own = alias(id);
    if let Some(other) = link
        .alias
        .as_ref()
        .filter(|it| link.is_ours() && **it != own)
    {
        return Err(format!(
            "a device named {name} is there already and was made for another network (alias \
             {other:?}, not {own:?}); use another {}",
            needed.number()
        ));
    }
    let used = use_of(link, needed, bridge, facts);
    if is_it && used.is_none() {
        return Ok(());
    }
    Err(format!(
        "a device named {name} is there already and was not made by vmhook: it is {}, and this network \
         needs {needed}; {}",
        found(link, facts),
        advice(link, used)
    ))
}

impl Needed<'_> {
    /// Whether the link is this, but for what is set on it while it lives.
    fn is(self, link: &LinkFact, facts: &HostFacts) -> bool {
        let index = |name: &IfName| facts.link(name).map(|link| link.index);
        match (self, &link.kind) {
            (Self::Bridge(_), LinkKind::Bridge(_)) => true,
            (Self::Tunnel(tunnel), LinkKind::Vxlan(fact)) => {
                index(&tunnel.underlay).is_some_and(|underlay| fact.is_of(tunnel, underlay))
            }
            (Self::Vlan(vlan), LinkKind::Vlan(fact)) => {
                let parent = index(&vlan.parent);
                let id = Some(vlan.id);
                parent.is_some() && *fact == VlanFact { id, parent }
            }
            _ => false,
        }
    }

    /// What gives it its name.
    fn number(self) -> &'static str {
        match self {
            Self::Bridge(_) => "network id",
            Self::Tunnel(_) => "vni",
            Self::Vlan(_) => "vlan",
        }
    }
}

impl fmt::Display for Needed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bridge(_) => f.write_str("a bridge of its own"),
            Self::Tunnel(tunnel) => tunnel.fmt(f),
            Self::Vlan(vlan) => vlan.fmt(f),
        }
    }
}

/// By what it is somebody's: nothing of this is taken from him.
fn use_of(
    link: &LinkFact,
    needed: Needed<'_>,
    bridge: &IfName,
    facts: &HostFacts,
) -> Option<String> {
    if let Some(alias) = link.alias.as_ref().filter(|_| !link.is_ours()) {
        return Some(format!("it bears the alias {alias:?}"));
    }
    if let Some(address) = link.own_addresses(facts).next() {
        return Some(format!("it has address {address}"));
    }
    let master = link.master.map(|index| facts.link_by_index(index));
    let master = master.map(|link| link.map_or("another device", |link| link.name.as_str()));
    if let Some(master) = master.filter(|name| *name != bridge.as_str()) {
        return Some(format!("it is a port of {master}"));
    }
    let is_its_own =
        |name: &str| matches!(needed, Needed::Bridge(network) if network.has_port(name));
    let ports = facts.ports_of(link.index).map(|port| port.name.as_str());
    let ports: Vec<&str> = ports.filter(|name| !is_its_own(name)).collect();
    (!ports.is_empty()).then(|| format!("its ports are {}", ports.join(", ")))
}

fn advice(link: &LinkFact, used: Option<String>) -> String {
    let name = &link.name;
    let rename = format!("rename it (ip link set {name} name OTHER)");
    match used {
        Some(used) => format!("{used}, so somebody uses it: {rename}, or take that from it"),
        None if link.kind == LinkKind::Other(String::new()) => rename,
        None => format!("remove it (ip link delete {name})"),
    }
}

/// What a device is, in the words of [`Tunnel`] and [`Vlan`].
pub(super) fn found(link: &LinkFact, facts: &HostFacts) -> String {
    let on = |index: Option<u32>| {
        let link = index.and_then(|index| facts.link_by_index(index));
        link.map_or("another device", |link| link.name.as_str())
    };
    match &link.kind {
        LinkKind::Vxlan(fact) => {
            let made_by = || {
                let underlay = facts.link_by_index(fact.underlay?)?;
                fact.tunnel(&link.name.parse().ok()?, underlay)
            };
            if let Some((tunnel, _)) = made_by() {
                return tunnel.to_string();
            }
            let vni = fact
                .vni
                .map_or("no VNI".to_owned(), |vni| format!("VNI {vni}"));
            let local = fact
                .local
                .map_or("none".to_owned(), |local| local.to_string());
            let group = fact.group.map(|group| format!(", multicast group {group}"));
            format!(
                "{vni}, local address {local} on {}, UDP port {}{}",
                on(fact.underlay),
                fact.port,
                group.unwrap_or_default()
            )
        }
        LinkKind::Vlan(fact) => {
            let id = fact
                .id
                .map_or("of another tag".to_owned(), |id| id.to_string());
            format!("VLAN {id} of {}", on(fact.parent))
        }
        LinkKind::Bridge(_) => "a bridge".to_owned(),
        LinkKind::Tun => "a tap".to_owned(),
        LinkKind::Veth(_) => "a device of kind veth".to_owned(),
        LinkKind::Other(kind) if kind.is_empty() => "a physical device".to_owned(),
        LinkKind::Other(kind) => format!("a device of kind {kind}"),
    }
}
