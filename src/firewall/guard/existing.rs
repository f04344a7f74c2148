//! Bridges of the host's: what of them is known besides machines, and what the host takes by them.
//!
//! ```text
//!   eth0, veth-… ──▶ prerouting ──▶ input: to_host ──▶ host        forward: as between any two members
//!   VM's tap ──────▶ from_vm     ──▶ no tunnel, nothing reserved ──▶ host
//! ```

use std::collections::BTreeSet;

use super::Element;
use crate::model::{ExistingBridge, Network, Zone};

/// Sets of `table bridge`: the bridges that the host is on itself, the networks of these, the ports that
/// are no machine's, and the UDP ports of tunnels.
pub(super) const BRIDGE_SETS: &str = "	set shared { type ifname; }
	set with_host { typeof meta priority; }
	set ways_out { type ifname; }
	set tunnel_ports { type inet_service; }
";

/// From a member to the host: nothing, but on a network that the host is on itself. What else it is told
/// there by a machine has passed that port's checks before; but no machine reaches the host's end of a
/// tunnel, whatever its groups allow, and what is sent to a reserved group address comes by way of no
/// filter. Behind a second tag nothing is seen here of what it is, and the host takes a tag of VLAN 0,
/// and another one behind it, for none: so a machine's frame has one tag at the most. `meta protocol` is
/// what stands behind the first.
///
/// Which network it is the priority tells, as in `from_member`. It is none again behind `table inet`, which
/// may ask for it once more: a bridge that does not ask iptables calls that only now.
pub(super) const TO_HOST: &str = "	chain to_host {
		meta priority set none
		meta priority set iifname map @networks
		meta priority != @with_host drop
		iifname @ways_out accept
		meta protocol { 8021q, 8021ad } drop
		ether daddr & ff:ff:ff:ff:ff:f0 == 01:80:c2:00:00:00 drop
		udp dport @tunnel_ports drop
	}
";

/// What keeps the host from a network's bridge; what it may take from it, where it is on it itself. Then
/// fragments are put together without a zone, for they may be the host's.
pub(super) fn bridge_elements(network: &Network, zone: Zone) -> BTreeSet<Element> {
    let name = network.bridge.clone();
    let existing = network.existing().into_iter();
    let ways_out = existing.flat_map(ExistingBridge::ways_out).cloned();
    let ways_out = ways_out.map(Element::WayOut);
    if network.has_host() {
        let with_host = [Element::SharedBridge(name), Element::WithHost(zone.into())];
        ways_out.chain(with_host).collect()
    } else {
        let closed = [Element::Bridge(name.clone()), Element::Zoned(name, zone)];
        ways_out.chain(closed).collect()
    }
}

/// Where an element about such a bridge stands; empty if it is about something else.
pub(super) fn places(element: &Element) -> Vec<(&'static str, String)> {
    match element {
        Element::SharedBridge(bridge) => ["bridge vmhook shared", "inet vmhook shared"]
            .map(|set| (set, format!("\"{bridge}\"")))
            .into(),
        Element::WithHost(class) => vec![("bridge vmhook with_host", class.to_string())],
        Element::WayOut(name) => vec![("bridge vmhook ways_out", format!("\"{name}\""))],
        _ => Vec::new(),
    }
}

/// The element about such a bridge that has this key in this set; `None` if we never write such a one.
pub(super) fn element(place: &str, key: &str) -> Option<Element> {
    let name = || key.trim_matches('"').parse().ok();
    match place {
        "bridge vmhook shared" | "inet vmhook shared" => name().map(Element::SharedBridge),
        "bridge vmhook with_host" => key.parse().ok().map(Element::WithHost),
        "bridge vmhook ways_out" => name().map(Element::WayOut),
        _ => None,
    }
}
