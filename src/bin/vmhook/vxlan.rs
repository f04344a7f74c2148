//! What `check` says of VXLAN networks.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use vmhook::config::{Config, NetworkKindConfig, VxlanConfig};
use vmhook::model::{Learning, Vtep};

/// What carries a network, in short. This host itself is no peer.
pub(crate) fn words(vxlan: &VxlanConfig, mtu: &str, own: Option<Vtep>) -> String {
    let port = vxlan
        .port
        .map_or(String::new(), |port| format!(", UDP port {port}"));
    let peers = vxlan.flood.iter().filter(|peer| Some(**peer) != own);
    let peers: Vec<String> = peers.map(Vtep::to_string).collect();
    let listed = vxlan.hosts.iter().filter(|port| Some(port.vtep) != own);
    let listed = format!("{} listed ports on other hosts", listed.count());
    let to = match (vxlan.learning, vxlan.options().group) {
        (Learning::Evpn, _) => "whom EVPN tells".to_owned(),
        (_, Some(group)) => format!("multicast group {group}"),
        (Learning::Inventory, None) => listed,
        (Learning::Frames, None) if peers.is_empty() => "no other host".to_owned(),
        (Learning::Frames, None) if vxlan.hosts.is_empty() => peers.join(", "),
        (Learning::Frames, None) => format!("{}; {listed}", peers.join(", ")),
    };
    format!("VNI {}{port}, MTU {mtu}, to {to}", vxlan.vni)
}

/// A line for each UDP port on which more networks have IPv4 groups of their own than this host can
/// be in at once. No error: they need not all run here.
pub(crate) fn too_many_groups(config: &Config, limit: usize) -> Vec<String> {
    let Ok(host) = &config.host else {
        return Vec::new();
    };
    let mut groups: BTreeMap<u16, BTreeSet<IpAddr>> = BTreeMap::new();
    for network in config.networks.values().flatten() {
        if let NetworkKindConfig::Vxlan(vxlan) = &network.kind
            && let Some(group) = vxlan.options().group
            && group.address().is_ipv4()
        {
            let port = vxlan.port.unwrap_or(host.vxlan_port);
            groups.entry(port).or_default().insert(group.address());
        }
    }
    let over = groups.iter().filter(|(_, groups)| groups.len() > limit);
    over.map(|(port, groups)| {
        format!(
            "the networks of UDP port {port} have {} multicast groups, and this host joins at most \
             {limit} (net.ipv4.igmp_max_memberships): one more network is refused when it starts",
            groups.len()
        )
    })
    .collect()
}
