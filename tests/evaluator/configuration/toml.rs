//! The text of a configuration, and of the machines that it is for.

use std::fmt::Write;

use super::{Configuration, Family, Group, Ipv6Addresses, Network, Port, Protocol, Remote, Rule};

/// The VNI of the first network; the others follow.
const FIRST_VNI: usize = 300;

impl Configuration {
    /// `vmhook.toml`.
    pub(crate) fn toml(&self) -> String {
        let Self {
            ipset, comments, ..
        } = self;
        let mut text = format!(
            "[host]\nlocal_ip = \"172.16.0.31\"\n\n\
             [firewall]\nipset = {ipset}\ncomments = {comments}\n"
        );
        switch(&mut text, "hardened", self.hardened);
        line(&mut text, "");
        for (number, network) in self.networks.iter().enumerate() {
            network_table(&mut text, number, network);
        }
        for group in &self.address_groups {
            let addresses = list(group.addresses.iter().map(quoted));
            line(&mut text, &format!("[address_group.{}]", group.name));
            line(&mut text, &format!("addresses = {addresses}\n"));
        }
        for group in &self.groups {
            group_table(&mut text, group);
        }
        for (number, port) in self.ports.iter().enumerate() {
            port_table(&mut text, number, port);
        }
        text
    }
}

/// The bridge of a network, by its place in the configuration.
pub(crate) fn bridge(network: usize) -> String {
    format!("brqevaluated-{network}")
}

/// The number of a network on the wire.
pub(crate) fn vni(network: usize) -> u32 {
    u32::try_from(FIRST_VNI + network).expect("few networks")
}

impl Port {
    /// What libvirt hands over of the machine with this port.
    pub(crate) fn xml(&self, number: usize) -> String {
        let interface = self.interface();
        format!(
            "<domain type='qemu'><name>vm{number}</name>\
             <uuid>00000000-0000-4000-8000-0000000000{number:02x}</uuid>\
             <devices>{interface}</devices></domain>"
        )
    }

    /// Its element in a machine's `<devices>`.
    pub(crate) fn interface(&self) -> String {
        let Self {
            mac, tap, network, ..
        } = self;
        let bridge = bridge(*network);
        format!(
            "<interface type='bridge'><mac address='{mac}'/><source bridge='{bridge}'/>\
             <target dev='{tap}'/><mtu size='1450'/></interface>"
        )
    }
}

fn network_table(text: &mut String, number: usize, network: &Network) {
    let mode = match network.ipv6_addresses {
        Ipv6Addresses::Listed => "listed",
        Ipv6Addresses::LinkLocal => "link-local",
        Ipv6Addresses::Prefix => "prefix",
    };
    let vni = vni(number);
    line(text, &format!("[network.net{number}]"));
    line(text, &format!("id = \"evaluated-{number}\""));
    line(text, &format!("type = \"vxlan\"\nvni = {vni}\nmtu = 1450"));
    line(text, "flood = [\"172.16.0.32\"]");
    line(text, &format!("ipv6_addresses = \"{mode}\""));
    if let Some(groups) = &network.groups {
        let groups = list(groups.iter().map(quoted));
        line(text, &format!("security_groups = {groups}"));
    }
    if let Some(servers) = &network.dhcp_servers {
        let servers = list(servers.iter().map(quoted));
        line(text, &format!("dhcp_servers = {servers}"));
    }
    switch(text, "hardened", network.hardened);
    line(text, "");
}

fn group_table(text: &mut String, group: &Group) {
    line(text, &format!("[security_group.{}]", group.name));
    if let Some(id) = &group.id {
        line(text, &format!("id = {}", quoted(id)));
    }
    if !group.members.is_empty() {
        let members = list(group.members.iter().map(quoted));
        line(text, &format!("members = {members}"));
    }
    if !group.stateful {
        line(text, "stateful = false");
    }
    for (key, rules) in [("ingress", &group.ingress), ("egress", &group.egress)] {
        line(text, &format!("{key} = ["));
        for it in rules {
            line(text, &format!("  {},", rule(it)));
        }
        line(text, "]");
    }
    line(text, "");
}

fn rule(rule: &Rule) -> String {
    let mut keys = Vec::new();
    keys.extend(rule.ethertype.map(|family| match family {
        Family::V4 => "ethertype = \"ipv4\"".to_owned(),
        Family::V6 => "ethertype = \"ipv6\"".to_owned(),
    }));
    keys.extend(rule.protocol.as_ref().map(|protocol| match protocol {
        Protocol::Name(name) => format!("protocol = \"{name}\""),
        Protocol::Number(number) => format!("protocol = {number}"),
        Protocol::Quoted(number) => format!("protocol = \"{number}\""),
    }));
    keys.extend(rule.ports.map(|(first, last)| {
        if first == last {
            format!("port = {first}")
        } else {
            format!("ports = \"{first}-{last}\"")
        }
    }));
    if let Some((kind, code)) = rule.icmp {
        keys.push(format!("icmp_type = {kind}"));
        keys.extend(code.map(|code| format!("icmp_code = {code}")));
    }
    keys.extend(rule.remote.as_ref().map(|remote| match remote {
        Remote::Prefix(prefix) => format!("remote = \"{prefix}\""),
        Remote::Group(name) => format!("remote_group = \"{name}\""),
        Remote::AddressGroup(name) => format!("remote_address_group = \"{name}\""),
    }));
    if keys.is_empty() {
        keys.push("any = true".to_owned());
    }
    let description = rule.description.as_ref();
    keys.extend(description.map(|text| format!("description = {text:?}")));
    format!("{{ {} }}", keys.join(", "))
}

fn port_table(text: &mut String, number: usize, port: &Port) {
    line(text, &format!("[port.port{number}]"));
    line(text, &format!("network = \"net{}\"", port.network));
    line(text, &format!("mac = \"{}\"", port.mac));
    let fixed_ips = list(port.fixed_ips.iter().map(quoted));
    line(text, &format!("fixed_ips = {fixed_ips}"));
    let pairs = port.pairs.iter().map(|(ip, mac)| match mac {
        Some(mac) => format!("{{ ip = \"{ip}\", mac = \"{mac}\" }}"),
        None => format!("{{ ip = \"{ip}\" }}"),
    });
    line(text, &format!("allowed_address_pairs = {}", list(pairs)));
    switch(text, "hardened", port.hardened);
    switch(text, "port_security", port.security);
    switch(text, "trusted", port.trusted);
    if let Some(owner) = &port.device_owner {
        line(text, &format!("device_owner = \"{owner}\""));
    }
    if let Some(groups) = &port.groups {
        let groups = list(groups.iter().map(quoted));
        line(text, &format!("security_groups = {groups}"));
    }
    line(text, "");
}

fn switch(text: &mut String, key: &str, value: Option<bool>) {
    if let Some(value) = value {
        line(text, &format!("{key} = {value}"));
    }
}

fn quoted(value: impl std::fmt::Display) -> String {
    format!("\"{value}\"")
}

fn list(elements: impl Iterator<Item = String>) -> String {
    format!("[{}]", elements.collect::<Vec<_>>().join(", "))
}

fn line(text: &mut String, line: &str) {
    writeln!(text, "{line}").expect("a String takes any text");
}
