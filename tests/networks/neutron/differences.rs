//! What differs from Neutron on purpose (`docs/design.md`, section 6), done to what Neutron left.

use super::super::support::Vm;

/// What must be there, of what Neutron left, while these machines run. `there` is asked for nothing but
/// who is there still.
pub(super) fn expected(theirs: &str, there: &str, running: &[&Vm], case: &str) -> String {
    let bridges: Vec<&str> = running
        .iter()
        .map(|vm| vm.nics[0].bridge.as_str())
        .collect();
    if case == "net-23-delete-while-tap-in-use" {
        // Nothing of a machine that runs is deleted, whoever deletes its network somewhere.
        let kept = bridges.iter().all(|bridge| there.contains(bridge));
        assert!(kept && !bridges.is_empty() && !theirs.contains(bridges[0]));
        return comparable(there);
    }
    let mut lines: Vec<String> = Vec::new();
    for line in theirs.lines() {
        let (link, fact) = line.split_once(' ').expect("a link and a fact");
        let is_of_a_network = link.starts_with("brq") || link.starts_with("vxlan-");
        // With its last machine a network goes.
        if is_of_a_network && !stands(theirs, link, &bridges) {
            continue;
        }
        lines.extend(changed(link, fact).map(|fact| format!("{link} {fact}")));
    }
    for link in ["brq", "vxlan-"] {
        lines.extend(aliases(there, link, &bridges));
    }
    lines.sort();
    comparable(&lines.join("\n"))
}

/// Whether a link is of a network of which a machine runs.
fn stands(theirs: &str, link: &str, bridges: &[&str]) -> bool {
    let master = |bridge: &&&str| theirs.contains(&format!("{link} master \"{bridge}\""));
    bridges.contains(&link) || bridges.iter().any(|bridge| master(&bridge))
}

/// Links that we made say so.
fn aliases<'a>(
    there: &'a str,
    link: &'a str,
    bridges: &'a [&str],
) -> impl Iterator<Item = String> + 'a {
    let lines = there.lines();
    let aliases = lines.filter(move |line| line.starts_with(link) && line.contains(" ifalias "));
    let own = |line: &&str| {
        let mut ids = bridges.iter().map(|bridge| &bridge[3..]);
        ids.any(|id| line.contains(&format!("\"vmhook:network={id}")))
    };
    aliases.filter(own).map(str::to_owned)
}

/// By the beginning of a link's name and the key.
const OURS: [(&str, &str, &str); 9] = [
    // Iptables on the bridge itself, whatever the host-wide switches say.
    ("brq", "info_data.nf_call_iptables", "1"),
    ("brq", "info_data.nf_call_ip6tables", "1"),
    // What comes to the address of LLDP is forwarded, and so passes by the guard.
    ("brq", "info_data.group_fwd_mask", "\"0x4000\""),
    // As os-vif makes a bridge, also where Neutron's agent makes it.
    ("brq", "info_data.mcast_snooping", "0"),
    ("brq", "disable_ipv6", "1"),
    ("brq", "arp_ignore", "1"),
    ("brq", "arp_announce", "2"),
    // The host answers no ARP on a tunnel, should it be out of its bridge.
    ("vxlan-", "arp_ignore", "8"),
    // The host says nothing on a machine's tap.
    ("tap", "disable_ipv6", "1"),
];

/// A fact of Neutron's as it is here; `None` where there is none.
fn changed(link: &str, fact: &str) -> Option<String> {
    let (key, _) = fact.split_once(' ').expect("a key and a value");
    // Where a machine is on other hosts is learned, not told.
    if key == "fdb" && !fact.contains("00:00:00:00:00:00") {
        return None;
    }
    // A device that floods answers no ARP for others: one with an inventory does, and does not flood.
    if key == "info_data.proxy" {
        return None;
    }
    let mut ours = OURS.iter();
    let ours = ours.find(|(name, of, _)| link.starts_with(name) && *of == key);
    Some(match ours {
        Some((_, _, value)) => format!("{key} {value}"),
        None => fact.to_owned(),
    })
}

/// Without what is libvirt's: whether a tap is up. And a multicast network's device has its local
/// address here, and none there.
pub(super) fn comparable(lines: &str) -> String {
    let multicast: Vec<&str> = lines
        .lines()
        .filter(|line| line.contains(" info_data.group \""))
        .filter_map(|line| line.split(' ').next())
        .collect();
    let is_theirs = |line: &&str| {
        let tap = line.starts_with("tap") && line.contains(" up ");
        let local = line.split_once(" info_data.local ");
        tap || local.is_some_and(|(link, _)| multicast.contains(&link))
    };
    let rest = lines.lines().filter(|line| !is_theirs(line));
    rest.collect::<Vec<_>>().join("\n")
}
