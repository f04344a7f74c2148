//! `case.json`: what a case starts with, and its steps.
//!
//! A word that is not known here fails the case: a rule that is half understood would compare as
//! equal to half of what Neutron made of it.

use std::collections::BTreeMap;

use ipnet::IpNet;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

/// A case of security groups.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Case {
    #[serde(rename = "description")]
    _description: Option<String>,
    #[serde(rename = "kind")]
    _kind: Option<String>,
    /// The agent's options.
    pub(crate) config: BTreeMap<String, Value>,
    pub(crate) security_groups: BTreeMap<String, SecurityGroup>,
    #[serde(default)]
    pub(crate) address_groups: BTreeMap<String, AddressGroup>,
    pub(crate) ports: Vec<Port>,
    pub(crate) steps: Vec<Step>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SecurityGroup {
    pub(crate) stateful: bool,
    pub(crate) rules: Vec<Rule>,
    /// Every address that the server counts to the group, of this host's ports too.
    pub(crate) members: Vec<String>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AddressGroup {
    pub(crate) members: Vec<String>,
}

/// A rule in the form of Neutron's API.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Rule {
    #[serde(rename = "description")]
    _description: Option<String>,
    pub(crate) direction: String,
    pub(crate) ethertype: String,
    #[serde(default, deserialize_with = "name_or_number")]
    pub(crate) protocol: Option<String>,
    /// ICMP: the type.
    pub(crate) port_range_min: Option<u16>,
    /// ICMP: the code.
    pub(crate) port_range_max: Option<u16>,
    pub(crate) remote_ip_prefix: Option<String>,
    pub(crate) normalized_cidr: Option<String>,
    pub(crate) remote_group_id: Option<String>,
    pub(crate) remote_address_group_id: Option<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Port {
    pub(crate) device: String,
    pub(crate) mac_address: String,
    pub(crate) fixed_ips: Vec<String>,
    pub(crate) allowed_address_pairs: Vec<Pair>,
    #[serde(rename = "port_security_enabled")]
    pub(crate) filtered: bool,
    pub(crate) device_owner: String,
    pub(crate) network_id: String,
    pub(crate) security_groups: Vec<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Pair {
    pub(crate) ip_address: String,
    /// The port's own, if there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) mac_address: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(tag = "op", rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Step {
    Add {
        devices: Vec<String>,
    },
    UpdatePort {
        device: String,
        changes: Map<String, Value>,
    },
    SetRules {
        security_group: String,
        rules: Vec<Rule>,
    },
    SetMembers {
        group: String,
        members: Vec<String>,
    },
    Remove {
        devices: Vec<String>,
    },
    /// The devices are those that are still there.
    RestartAgent {
        devices: Vec<String>,
    },
    Shell {
        command: String,
    },
    Snapshot {
        dir: String,
    },
}

impl Case {
    /// The port with this device.
    pub(crate) fn port(&self, device: &str) -> &Port {
        let port = self.ports.iter().find(|port| port.device == device);
        port.unwrap_or_else(|| panic!("no port has the device {device}"))
    }

    /// Whether a port has this device. Neutron trusts a device of which its server knows nothing.
    pub(crate) fn knows(&self, device: &str) -> bool {
        self.ports.iter().any(|port| port.device == device)
    }

    /// Another definition of a port, a group's rules or its members.
    pub(crate) fn change(&mut self, step: &Step) {
        match step {
            Step::UpdatePort { device, changes } => {
                let port = self.ports.iter_mut().find(|port| port.device == *device);
                let port = port.unwrap_or_else(|| panic!("no port has the device {device}"));
                let mut fields = serde_json::to_value(&*port).unwrap();
                fields.as_object_mut().unwrap().extend(changes.clone());
                *port = serde_json::from_value(fields).unwrap();
            }
            Step::SetRules {
                security_group,
                rules,
            } => {
                let group = self.security_groups.get_mut(security_group).unwrap();
                group.rules.clone_from(rules);
            }
            Step::SetMembers { group, members } => {
                let there = match self.security_groups.get_mut(group) {
                    Some(group) => &mut group.members,
                    None => &mut self.address_groups.get_mut(group).unwrap().members,
                };
                there.clone_from(members);
            }
            _ => panic!("{step:?} changes no definition"),
        }
    }

    /// Two groups whose sets would have one name: Neutron cuts a group's id after 24 characters.
    pub(crate) fn has_groups_of_one_set(&self) -> bool {
        let sets = self.security_groups.keys().map(|id| id.get(..24));
        let mut sets: Vec<_> = sets.flatten().collect();
        let groups = sets.len();
        sets.dedup();
        sets.len() < groups
    }

    /// A switch of the agent's, on unless the case says otherwise.
    pub(crate) fn has(&self, option: &str) -> bool {
        self.config
            .get(option)
            .is_none_or(|value| value.as_bool().unwrap())
    }
}

/// Neutron's name of a port's chains, less their first letter: what is left of the tap's name is cut after
/// ten characters.
pub(crate) fn cut(device: &str) -> &str {
    let rest = device.get(3..).unwrap_or_default();
    rest.get(..10).unwrap_or(rest)
}

/// A protocol, as a text.
fn name_or_number<'de, D: Deserializer<'de>>(protocol: D) -> Result<Option<String>, D::Error> {
    Ok(match Value::deserialize(protocol)? {
        Value::Null => None,
        Value::String(name) => Some(name),
        number => Some(number.to_string()),
    })
}

/// An address or a prefix.
pub(crate) fn prefix(text: &str) -> IpNet {
    let address = || text.parse::<std::net::IpAddr>().map(IpNet::from);
    let prefix = text.parse().or_else(|_| address());
    prefix.unwrap_or_else(|_| panic!("{text} is neither an address nor a prefix"))
}
