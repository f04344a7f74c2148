//! Whose packets are tracked on a network, from the index.

use crate::firewall::tracking::{End, Tracking};
use crate::model::Network;
use crate::record::{Index, IndexLine, Phase};

/// The open and filtered ports of a network, by tap; nobody where none of them is stateless, and the
/// host is not on the network's bridge.
pub(super) fn of(index: &Index, network: &Network) -> Tracking {
    let is_open = |line: &&IndexLine| {
        let here = line.port.network == network.id && line.phase == Phase::Started;
        here && line.security.is_filtered()
    };
    let lines = || index.lines.iter().filter(is_open);
    if !network.has_host() && !lines().any(|line| line.stateless) {
        return Tracking::default();
    }
    let mut tracking = Tracking::default();
    for line in lines() {
        let Some(end) = end(line) else { continue };
        let ends = if line.stateless {
            &mut tracking.stateless
        } else {
            &mut tracking.stateful
        };
        ends.push(end);
    }
    let by_tap = |one: &End, other: &End| one.tap.cmp(&other.tap);
    tracking.stateful.sort_by(by_tap);
    tracking.stateless.sort_by(by_tap);
    tracking
}

fn end(line: &IndexLine) -> Option<End> {
    Some(End {
        tap: line.tap.as_ref()?.name.clone(),
        addresses: if line.fixed_ips.is_empty() {
            Vec::new()
        } else {
            let made = line.made_addresses.iter().copied();
            line.addresses().chain(made).collect()
        },
    })
}
