//! Networks on bridges of the host's, in words.

use std::collections::BTreeSet;

use vmhook::config::Config;
use vmhook::facts::HostFacts;
use vmhook::model::{ExistingBridge, IfName};
use vmhook::resolve;
use vmhook::transaction::Records;

/// What is on such a bridge besides machines.
pub(crate) fn words(existing: &ExistingBridge) -> String {
    let named = |what: &str, ports: &BTreeSet<IfName>| {
        let names: Vec<&str> = ports.iter().map(IfName::as_str).collect();
        match names.as_slice() {
            [] => String::new(),
            names => format!(", {what} {}", names.join(", ")),
        }
    };
    let uplinks = named("uplinks", &existing.uplinks);
    let trusted = named("trusted ports", &existing.trusted_ports);
    let host = if existing.host_unfiltered {
        ", the host itself"
    } else {
        ""
    };
    format!("the host's own{uplinks}{trusted}{host}")
}

/// Bridges with ports that nobody named, to which the first machine would not be let.
pub(crate) fn unnamed_ports(config: &Config, records: &Records, facts: &HostFacts) -> Vec<String> {
    let networks = config.networks.values().flatten();
    let new = networks.filter(|network| !records.networks.contains_key(&network.id));
    let resolved = new.filter_map(|network| resolve::network(config, network, facts).ok());
    let causes = resolved.filter_map(|network| resolve::check_ports(&network, &[], facts).err());
    causes.map(|cause| format!(" {cause}")).collect()
}
