//! A case in vmhook's words: a configuration, and a domain for each port.
//!
//! A port that no step changes, and of which a domain's metadata can tell everything, is in its
//! domain's metadata; any other has a `[port]` table.

use std::collections::BTreeSet;
use std::fmt::Write;

use serde_json::{Map, Value, json};

use super::case::{Case, Port, Rule, Step};

/// `vmhook.toml`.
pub(crate) fn configuration(case: &Case) -> String {
    let mut networks: Vec<_> = case.ports.iter().map(|port| &port.network_id).collect();
    networks.sort();
    networks.dedup();
    let networks = (267..).zip(networks).map(|(vni, id)| {
        let network = json!({ "id": id, "type": "vxlan", "vni": vni, "flood": ["172.16.0.32"] });
        (id.clone(), network)
    });
    let groups = case.security_groups.iter().map(|(id, group)| {
        let rules = |direction| -> Vec<Value> {
            let rules = group.rules.iter();
            let own = rules.filter(|rule| rule.direction == direction);
            own.map(rule).collect()
        };
        let (ingress, egress) = (rules("ingress"), rules("egress"));
        assert_eq!(ingress.len() + egress.len(), group.rules.len(), "{group:?}");
        let group = json!({
            "id": id, "stateful": group.stateful, "members": group.members,
            "ingress": ingress, "egress": egress,
        });
        (name_of(id), group)
    });
    let groups = groups.chain(named_alone(case).into_iter().map(|id| {
        let group = json!({ "id": id, "ingress": [], "egress": [] });
        (name_of(id), group)
    }));
    let address_groups = case.address_groups.iter().map(|(id, group)| {
        let group = json!({ "id": id, "addresses": group.members });
        (id.clone(), group)
    });
    let in_tables = case.ports.iter().filter(|port| !is_in_metadata(case, port));
    let ports = in_tables.map(|port| (port.device.clone(), table(port)));
    let configuration = json!({
        "host": { "local_ip": "172.16.0.31" },
        "firewall": firewall(case),
        "network": networks.collect::<Map<_, _>>(),
        "security_group": groups.collect::<Map<_, _>>(),
        "address_group": address_groups.collect::<Map<_, _>>(),
        "port": ports.collect::<Map<_, _>>(),
    });
    toml::to_string(&configuration).unwrap()
}

/// Remote groups that a rule names and nothing defines: nobody is in them.
fn named_alone(case: &Case) -> BTreeSet<&String> {
    let steps = case.steps.iter().filter_map(|step| match step {
        Step::SetRules { rules, .. } => Some(rules),
        _ => None,
    });
    let rules = case.security_groups.values().map(|group| &group.rules);
    let rules = rules.chain(steps).flatten();
    let named = rules.filter_map(|rule| rule.remote_group_id.as_ref());
    named
        .filter(|id| !case.security_groups.contains_key(*id))
        .collect()
}

/// Another name than the id, after which the sets are named.
fn name_of(group: &str) -> String {
    format!("group-{group}")
}

fn firewall(case: &Case) -> Value {
    for option in case.config.keys() {
        let known = [
            "enable_ipset",
            "comment_iptables_rules",
            // These change no rule.
            "AGENT.debug_iptables_rules",
            "AGENT.polling_interval",
            "AGENT.report_interval",
        ];
        assert!(
            known.contains(&option.as_str()),
            "vmhook has no word for {option}"
        );
    }
    json!({ "ipset": case.has("enable_ipset"), "comments": case.has("comment_iptables_rules") })
}

/// The protocols that have ports.
const WITH_PORTS: [&str; 10] = [
    "tcp", "udp", "sctp", "dccp", "udplite", "6", "17", "132", "33", "136",
];

fn rule(rule: &Rule) -> Value {
    let mut ours = Map::new();
    let mut set = |key: &str, value: Value| ours.insert(key.to_owned(), value);
    set("ethertype", json!(rule.ethertype));
    if let Some(protocol) = &rule.protocol {
        set("protocol", json!(protocol));
    }
    let is_icmp = |name: &String| ["icmp", "icmpv6", "ipv6-icmp", "1", "58"].contains(&&**name);
    let has_ports = |name: &String| WITH_PORTS.contains(&&**name);
    match (rule.port_range_min, rule.port_range_max) {
        (Some(kind), code) if rule.protocol.as_ref().is_some_and(is_icmp) => {
            set("icmp_type", json!(kind));
            if let Some(code) = code {
                set("icmp_code", json!(code));
            }
        }
        // As Neutron does; in a configuration this is an error.
        _ if !rule.protocol.as_ref().is_some_and(has_ports) => {}
        (Some(min), Some(max)) if min != max => {
            set("ports", json!(format!("{min}-{max}")));
        }
        (Some(port), _) => {
            set("port", json!(port));
        }
        (None, None) => {}
        (None, Some(_)) => panic!("{rule:?} has an end and no beginning"),
    }
    if let Some(prefix) = rule
        .normalized_cidr
        .as_ref()
        .or(rule.remote_ip_prefix.as_ref())
    {
        set("remote", json!(prefix));
    }
    if let Some(group) = &rule.remote_group_id {
        set("remote_group", json!(name_of(group)));
    }
    if let Some(group) = &rule.remote_address_group_id {
        set("remote_address_group", json!(group));
    }
    if ours.len() == 1 {
        ours.insert("any".to_owned(), json!(true));
    }
    Value::Object(ours)
}

/// A `[port]` table.
fn table(port: &Port) -> Value {
    let pairs = port.allowed_address_pairs.iter();
    let pairs = pairs.map(|pair| match &pair.mac_address {
        Some(mac) => json!({ "ip": pair.ip_address, "mac": mac }),
        None => json!({ "ip": pair.ip_address }),
    });
    let groups = port.security_groups.iter().map(|id| name_of(id));
    let mut table = json!({
        "mac": port.mac_address,
        "network": port.network_id,
        "fixed_ips": port.fixed_ips,
        "security_groups": groups.collect::<Vec<_>>(),
        "allowed_address_pairs": pairs.collect::<Vec<_>>(),
    });
    if !port.filtered {
        table["port_security"] = json!(false);
    }
    if !port.filtered || port.device_owner.starts_with("network:") {
        // Neutron's agent is told of neither, and its API takes none; what a case has are old ones.
        table["security_groups"] = json!([]);
        table["allowed_address_pairs"] = json!([]);
    }
    table["device_owner"] = json!(port.device_owner);
    table
}

fn is_in_metadata(case: &Case, port: &Port) -> bool {
    let updated =
        |step: &Step| matches!(step, Step::UpdatePort { device, .. } if *device == port.device);
    port.filtered
        && port.device_owner.starts_with("compute:")
        && !port.fixed_ips.is_empty()
        && !port.security_groups.is_empty()
        && !case.steps.iter().any(updated)
}

/// Neutron's and vmhook's name of a network's bridge.
pub(crate) fn bridge(network: &str) -> String {
    format!("brq{}", network.get(..11).unwrap_or(network))
}

/// The domain of a port, as libvirt hands it to a hook.
pub(crate) fn domain(case: &Case, device: &str) -> (String, String) {
    let at = case.ports.iter().position(|port| port.device == device);
    let number = at.expect("the port is the case's");
    let port = &case.ports[number];
    let metadata = if is_in_metadata(case, port) {
        metadata(port)
    } else {
        String::new()
    };
    let (mac, bridge) = (&port.mac_address, bridge(&port.network_id));
    let name = format!("vm{number}");
    let xml = format!(
        "<domain type='qemu'><name>{name}</name>\
         <uuid>00000000-0000-4000-8000-0000000000{number:02x}</uuid>{metadata}<devices>\
         <interface type='bridge'><mac address='{mac}'/><source bridge='{bridge}'/>\
         <target dev='{device}'/><mtu size='1450'/></interface></devices></domain>\n"
    );
    (name, xml)
}

fn metadata(port: &Port) -> String {
    let mut text = format!(
        "<metadata><vmhook:ports xmlns:vmhook='urn:vmhook:ports:1'>\
         <vmhook:port mac='{}' network='{}'>",
        port.mac_address, port.network_id
    );
    // Writing to a String cannot fail.
    for ip in &port.fixed_ips {
        let _ = write!(text, "<vmhook:fixed-ip address='{ip}'/>");
    }
    for group in &port.security_groups {
        let name = name_of(group);
        let _ = write!(text, "<vmhook:security-group name='{name}'/>");
    }
    for pair in &port.allowed_address_pairs {
        let mac = pair.mac_address.as_ref();
        let mac = mac.map_or(String::new(), |mac| format!(" mac='{mac}'"));
        let ip = &pair.ip_address;
        let _ = write!(text, "<vmhook:allowed-address-pair ip='{ip}'{mac}/>");
    }
    text + "</vmhook:port></vmhook:ports></metadata>"
}
