//! What a changed configuration makes of a port, for people.

use std::collections::BTreeSet;
use std::fmt;
use std::net::IpAddr;

use crate::model::{MacAddr, Port};
use crate::record::Want;

/// A port that is otherwise than it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rewritten {
    /// The domain's name.
    pub domain: String,
    /// The interface.
    pub mac: MacAddr,
    /// What changed, in the order of a port's fields.
    pub what: Vec<String>,
}

impl Rewritten {
    /// What is other; `None` if nothing is.
    pub(super) fn of(want: &Want, before: &Port, now: &Port) -> Option<Self> {
        let mut what = Vec::new();
        if before.security != now.security {
            what.push(format!("{} -> {}", before.security, now.security));
        }
        let mut list = |name: &str, of: fn(&Port) -> Vec<String>| {
            let (had, has) = (of(before), of(now));
            if had != has {
                what.push(format!("{name} {} -> {}", words(&had), words(&has)));
            }
            had == has
        };
        list("addresses", |port| {
            port.fixed_ips.iter().map(ToString::to_string).collect()
        });
        list("address pairs", |port| {
            let pairs = port.allowed_address_pairs.iter();
            pairs.map(ToString::to_string).collect()
        });
        let same = list("groups", |port| {
            port.security_groups
                .iter()
                .map(|group| group.name.clone())
                .collect()
        });
        if before.ipv6_addresses != now.ipv6_addresses {
            what.push("the network's ipv6_addresses".to_owned());
        }
        if before.dhcp_servers != now.dhcp_servers {
            let [had, has] = [before, now].map(servers);
            what.push(format!("DHCP servers {had} -> {has}"));
        }
        let groups = (&before.security_groups, &before.remote_groups);
        if same && groups != (&now.security_groups, &now.remote_groups) {
            what.push(format!("rules of {}", words(&other_groups(before, now))));
        }
        (!what.is_empty()).then(|| Self {
            domain: want.name.clone(),
            mac: now.mac,
            what,
        })
    }
}

/// The groups that are otherwise than before, though they have the same names.
fn other_groups(before: &Port, now: &Port) -> Vec<String> {
    let own = before.security_groups.iter().zip(&now.security_groups);
    let own = own.filter(|(before, now)| before != now);
    let mut names: Vec<String> = own.map(|(_, now)| now.name.clone()).collect();
    let remote = now.remote_groups.iter();
    let remote = remote.filter(|group| !before.remote_groups.contains(group));
    names.extend(remote.map(|group| group.name.clone()));
    names
}

fn servers(port: &Port) -> String {
    let list = |servers: &BTreeSet<IpAddr>| {
        let servers = servers.iter().map(ToString::to_string);
        words(&servers.collect::<Vec<_>>())
    };
    port.dhcp_servers
        .as_ref()
        .map_or_else(|| "any".to_owned(), list)
}

pub(super) fn words(list: &[String]) -> String {
    if list.is_empty() {
        "none".to_owned()
    } else {
        list.join(", ")
    }
}

impl fmt::Display for Rewritten {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { domain, mac, what } = self;
        let printable = |c: char| if c.is_control() { '?' } else { c };
        let domain: String = domain.chars().map(printable).collect();
        write!(f, "domain {domain}, interface {mac}: {}", what.join("; "))
    }
}
