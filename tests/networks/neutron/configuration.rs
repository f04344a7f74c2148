//! A case as vmhook's configuration, and its taps as machines.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde_json::Value;

use super::super::support::Vm;

fn steps<'a>(case: &'a Value, op: &'a str) -> impl Iterator<Item = &'a Value> {
    let steps = case["steps"].as_array().expect("steps").iter();
    steps.filter(move |step| step["op"] == op)
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_default()
}

/// The machine of each tap that is plugged.
pub(super) fn machines(case: &Value) -> BTreeMap<String, Vm> {
    let mut machines = BTreeMap::new();
    for plug in steps(case, "plug") {
        let tap = text(plug, "device").to_owned();
        let number = u8::try_from(machines.len() + 1).expect("few machines");
        let vm = Vm::new(number).with(|nic| {
            nic.bridge = format!("brq{}", &text(plug, "network_id")[..11]);
            nic.mac = mac(case, &tap).unwrap_or_else(|| nic.mac.clone());
            nic.mtu = mtu(plug);
            nic.tap.clone_from(&tap);
        });
        machines.entry(tap).or_insert(vm);
    }
    machines
}

fn mtu(plug: &Value) -> u32 {
    let mtu = plug["mtu"].as_u64().expect("an MTU");
    u32::try_from(mtu).expect("an MTU")
}

/// The guest's address: libvirt gives the tap the same with another first octet.
fn mac(case: &Value, tap: &str) -> Option<String> {
    let mut commands = steps(case, "shell").map(|step| text(step, "command"));
    let made = commands.find(|command| command.contains(&format!("tuntap add {tap}")))?;
    let address = made.split(" address ").nth(1)?.split(' ').next()?;
    Some(address.replacen("fe:", "fa:", 1))
}

/// The configuration under which these VNIs flood to these peers.
pub(super) fn toml(case: &Value, peers: &BTreeMap<u64, Vec<String>>) -> String {
    let mut toml = "[host]\n".to_owned();
    let config = &case["config"];
    if let Some(local) = config["VXLAN.local_ip"].as_str() {
        let _ = writeln!(toml, "local_ip = \"{local}\"");
    }
    for manager in steps(case, "start_manager") {
        for (name, device) in manager["interface_mappings"]
            .as_object()
            .into_iter()
            .flatten()
        {
            let _ = writeln!(toml, "physical_networks = {{ {name} = {device} }}");
        }
    }
    let mut told = Vec::new();
    for plug in steps(case, "plug") {
        let id = text(plug, "network_id");
        if !told.contains(&id) {
            told.push(id);
            toml += &network(config, plug, peers);
        }
    }
    toml
}

fn network(config: &Value, plug: &Value, peers: &BTreeMap<u64, Vec<String>>) -> String {
    let (id, kind) = (text(plug, "network_id"), text(plug, "network_type"));
    let mtu = mtu(plug);
    let mut table = format!("\n[network.n{id}]\nid = \"{id}\"\ntype = \"{kind}\"\nmtu = {mtu}\n");
    if let Some(name) = plug["physical_network"].as_str() {
        let _ = writeln!(table, "physical_network = \"{name}\"");
    }
    let Some(vni) = plug["segmentation_id"].as_u64() else {
        return table;
    };
    let _ = writeln!(table, "vni = {vni}");
    if config["VXLAN.l2_population"] == true {
        let peers = peers.get(&vni).cloned().unwrap_or_default();
        let _ = writeln!(table, "flood = {peers:?}");
    } else {
        // Neutron's default.
        let group = config["VXLAN.vxlan_group"].as_str().unwrap_or("224.0.0.1");
        let _ = writeln!(table, "group = \"{group}\"");
    }
    table
}
