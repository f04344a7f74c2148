//! What a reload changes of the host's end of a network, for people.

use crate::model::{HostEnd, Network};

/// Addresses that come or go, and the tunnels' ports that are closed there.
pub(super) fn renewed(before: &Network, now: &Network) -> Vec<String> {
    let addresses = |end: &HostEnd| words(end.addresses.iter());
    let ports = |end: &HostEnd| words(end.tunnel_ports.iter());
    let (had, has) = (before.host_end.as_ref(), now.host_end.as_ref());
    let none = || "none".to_owned();
    let of_addresses = [had, has].map(|end| end.map_or_else(none, addresses));
    let mut whats = vec![("host_address", of_addresses)];
    if let (Some(had), Some(has)) = (had, has) {
        whats.push(("ports of tunnels", [had, has].map(ports)));
    }
    let other = whats.into_iter().filter(|(_, [had, has])| had != has);
    other
        .map(|(what, [had, has])| format!("{what} {had} -> {has}"))
        .collect()
}

fn words(values: impl Iterator<Item = impl ToString>) -> String {
    let values: Vec<String> = values.map(|value| value.to_string()).collect();
    super::rewritten::words(&values)
}
