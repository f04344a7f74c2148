//! What the kernel has of networks, a line a fact: `vxlan-267 info_data.id 267`.

use std::fs;
use std::path::Path;

use serde_json::Value;

use super::super::support::netns::run;
use super::read;

/// Of a link, what somebody chose. Not here: counters, timers, carriers, identities that are drawn.
const OF_A_LINK: [&str; 3] = ["mtu", "master", "ifalias"];
/// Of a bridge or a device, what changes by itself.
const BY_ITSELF: [&str; 7] = [
    "_timer",
    "bridge_id",
    "root_id",
    "root_port",
    "root_path_cost",
    "topology_change",
    "designated",
];
/// Of a bridge's port.
const OF_A_PORT: [&str; 10] = [
    "hairpin",
    "guard",
    "learning",
    "flood",
    "mcast_flood",
    "bcast_flood",
    "neigh_suppress",
    "proxy_arp",
    "isolated",
    "group_fwd_mask",
];
const SETTINGS: [(&str, &str); 3] = [
    ("ipv6", "disable_ipv6"),
    ("ipv4", "arp_ignore"),
    ("ipv4", "arp_announce"),
];

/// What this thread's network namespace has.
pub(super) fn lines() -> String {
    let json = |line: &str| serde_json::from_str(&run(line)).expect("JSON");
    let setting = |family: &str, link: &str, name: &str| {
        let path = format!("/proc/sys/net/{family}/conf/{link}/{name}");
        let text = fs::read_to_string(path).expect("the kernel shows it");
        text.trim().to_owned()
    };
    facts_of(&json("ip -d -j link"), &json("bridge -j fdb"), setting)
}

/// What a snapshot of the corpus has.
pub(super) fn of_files(folder: &Path) -> String {
    let file = |name: &str| read(&folder.join(name));
    let settings = file("sysctl.json");
    let setting = |family: &str, link: &str, name: &str| {
        let key = format!("net.{family}.conf.{link}.{name}");
        settings[key].as_str().unwrap_or_default().to_owned()
    };
    facts_of(&file("link.json"), &file("fdb.json"), setting)
}

fn facts_of(links: &Value, fdb: &Value, setting: impl Fn(&str, &str, &str) -> String) -> String {
    let mut told = Vec::new();
    for link in links.as_array().into_iter().flatten() {
        let name = link["ifname"].as_str().unwrap_or_default();
        let facts = facts(link).into_iter();
        told.extend(facts.map(|fact| format!("{name} {fact}")));
        for (family, key) in SETTINGS {
            told.push(format!("{name} {key} {}", setting(family, name, key)));
        }
    }
    for entry in fdb.as_array().into_iter().flatten() {
        if let (Some(device), Some(mac), Some(to)) = (
            entry["ifname"].as_str(),
            entry["mac"].as_str(),
            entry["dst"].as_str(),
        ) {
            let state = entry["state"].as_str().unwrap_or_default();
            told.push(format!("{device} fdb {mac} {to} {state}"));
        }
    }
    told.sort();
    told.join("\n")
}

fn facts(link: &Value) -> Vec<String> {
    let up = link["flags"]
        .as_array()
        .is_some_and(|flags| flags.contains(&"UP".into()));
    let mut facts = vec![format!("up {up}")];
    for key in OF_A_LINK {
        facts.extend(link.get(key).map(|value| format!("{key} {value}")));
    }
    let info = &link["linkinfo"];
    facts.extend(info.get("info_kind").map(|kind| format!("kind {kind}")));
    for (key, value) in info["info_data"].as_object().into_iter().flatten() {
        if !BY_ITSELF.iter().any(|part| key.contains(part)) {
            facts.push(format!("info_data.{key} {value}"));
        }
    }
    let port = &info["info_slave_data"];
    for key in OF_A_PORT {
        facts.extend(port.get(key).map(|value| format!("port.{key} {value}")));
    }
    facts
}
