//! A configuration for a corpus that brings none.

use std::collections::BTreeSet;
use std::fmt::Write;

use vmhook::domain::parse_network_port;

use crate::corpus::Situation;

const HEAD: &str = "\
[host]
local_ip = \"172.16.0.31\"

[security_group.ssh]
ingress = [ { protocol = \"icmp\" }, { protocol = \"tcp\", port = 22 } ]
egress = [ { any = true } ]
";

/// Every bridge named `brq…` is a network, and every MAC address a port with an address.
pub(crate) fn for_corpus(situations: &[Situation]) -> String {
    let (mut bridges, mut macs) = (BTreeSet::new(), BTreeSet::new());
    for call in situations.iter().flat_map(|situation| &situation.calls) {
        for interface in call
            .domain()
            .into_iter()
            .flat_map(|domain| domain.interfaces)
        {
            bridges.extend(interface.bridge);
            macs.extend(interface.mac.ok());
        }
        if let Ok(port) = parse_network_port(&call.xml) {
            bridges.extend(port.bridge);
            macs.extend(port.mac.ok());
        }
    }
    let mut toml = HEAD.to_owned();
    let suffixes = bridges
        .iter()
        .filter_map(|bridge| bridge.strip_prefix("brq"));
    for (number, suffix) in (1..).zip(suffixes) {
        // Of a UUID the bridge has the first 11 characters.
        let id = format!(
            "{suffix}{}",
            &"00000000-0000-4000-8000-000000000000"[suffix.len()..]
        );
        write!(
            toml,
            "\n[network.net{number}]\nid = {id:?}\ntype = \"vxlan\"\nvni = {}\n\
             security_groups = [\"ssh\"]\n",
            1000 + number
        )
        .unwrap();
    }
    for (number, mac) in (1u16..).zip(&macs) {
        let [high, low] = number.to_be_bytes();
        write!(
            toml,
            "\n[port.port{number}]\nmac = \"{mac}\"\nfixed_ips = [\"10.9.{high}.{low}\"]\n"
        )
        .unwrap();
    }
    toml
}
