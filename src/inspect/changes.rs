//! What the configuration would do otherwise today, in the words of notes.

use super::values::{Today, same_addresses, same_groups, same_pairs};
use crate::model::{Network, NetworkKind, Port, Vxlan};

/// What is not any more as it was applied.
pub(super) fn since(port: &Port, network: &Network, today: &Today<'_>) -> Vec<String> {
    let changes = of_port(port, today);
    let mut notes: Vec<String> = changes.iter().map(|change| brought(change)).collect();
    notes.extend(of_network(network, &today.network));
    notes
}

fn brought(change: &str) -> String {
    format!("configuration changed since: {change}; `vmhook reload` brings it")
}

fn of_port(port: &Port, today: &Today<'_>) -> Vec<String> {
    let now = &today.resolved.port;
    let mut changes = Vec::new();
    if !same_addresses(port, today) {
        let addresses = now.fixed_ips.iter().map(ToString::to_string);
        changes.push(format!("addresses are now {}", join(addresses)));
    }
    if !same_groups(port, today) {
        let groups = now.security_groups.iter().map(|group| group.name.clone());
        let groups = join(groups);
        let before = port.security_groups.iter().map(|group| group.name.clone());
        changes.push(if join(before) == groups {
            "the rules or members of its security groups are others now".to_owned()
        } else {
            format!("security groups are now {groups}")
        });
    }
    if now.security != port.security {
        changes.push(format!("it is now {}", now.security));
    }
    if !same_pairs(port, today) {
        changes.push("it has other address pairs now".to_owned());
    }
    if now.dhcp_servers != port.dhcp_servers {
        changes.push("its network has other DHCP servers now".to_owned());
    }
    changes
}

fn of_network(network: &Network, now: &Network) -> Option<String> {
    if !now.has_same_links(network) {
        let note = "configuration changed since: its network has another type, tunnel or MTU; it stays as it \
                    is while a machine is on it";
        return Some(note.to_owned());
    }
    let keys = changed_keys(network, now);
    (!keys.is_empty()).then(|| brought(&format!("of its network {}", keys.join(", "))))
}

/// The keys of a network that a reload brings, and that say something else now.
fn changed_keys(network: &Network, now: &Network) -> Vec<&'static str> {
    let kinds = match (&network.kind, &now.kind) {
        (NetworkKind::Vxlan(before), NetworkKind::Vxlan(now)) => Some((before, now)),
        _ => None,
    };
    let differs = |of: fn(&Vxlan, &Vxlan) -> bool| kinds.is_some_and(|(had, has)| of(had, has));
    let keys = [
        ("its name", network.name != now.name),
        ("flood", differs(|had, has| had.flood != has.flood)),
        ("hosts", differs(|had, has| had.hosts != has.hosts)),
        ("ttl or tos", differs(|had, has| had.outer != has.outer)),
        ("clamp_mss", network.clamp_mss != now.clamp_mss),
        ("keep", network.keep != now.keep),
        ("host_address", network.host_end != now.host_end),
    ];
    let changed = keys.into_iter().filter(|(_, differs)| *differs);
    changed.map(|(key, _)| key).collect()
}

fn join(words: impl Iterator<Item = String>) -> String {
    words.collect::<Vec<_>>().join(", ")
}
