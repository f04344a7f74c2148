//! What an operator lives through: a real libvirtd, real guests, and vmhook's hook installed.
//!
//! Each story has a host of its own. "As before" is [`support::Lab::dump`]: links, addresses,
//! routes, rules, sets, sysctls and state are compared as a whole, other people's among them.

#[path = "../support/mod.rs"]
mod support;

mod endings;
mod endpoints;
mod failed_starts;
mod hotplug;
mod interfaces;
mod interrupted;
mod link_details;
mod lives;
mod log;
mod migration;
mod names;
mod neighbours;
mod packets;
mod patience;
mod reconnections;
mod reference;
mod refusals;
mod reload;
mod restarts;
mod slaac;
mod strangers;
mod taken_names;
mod tenants;

use std::time::Duration;

use support::{DomainSpec, Lab, Nic};

const BRIDGE: &str = "brqc08e7dcd-4a";
const DEVICE: &str = "vxlan-267";
const TAP: &str = "tap7a8c0a54-75";
const MAC: &str = "fa:16:3e:be:71:21";
const ADDRESS: &str = "192.168.101.88";
/// The other host, on the guests' network.
const OTHER: &str = "192.168.101.1";
const OTHER_MAC: &str = "fa:16:3e:00:01:01";

const SOON: Duration = Duration::from_secs(5);

/// The reference's network, security group and port.
const CONFIG: &str = include_str!("../../docs/example.toml");

/// A host with vmhook, its configuration, and libvirt.
fn host(config: &str) -> Lab {
    let lab = Lab::new();
    lab.join_peer();
    lab.install_hook();
    lab.configure(config);
    lab.start_libvirtd();
    lab
}

/// A libvirt network whose interfaces sit on our bridge.
const FORWARDED: &str = "<forward mode='bridge'/><bridge name='brqc08e7dcd-4a'/>";

/// One more port of the reference's security group, to be added to the [`CONFIG`].
fn port(name: &str, mac: &str, address: &str) -> String {
    format!(
        "\n[port.{name}]\nmac = \"{mac}\"\nfixed_ips = [\"{address}\"]\n\
         security_groups = [\"mysecurity\"]\n"
    )
}

/// What a guest runs to put an interface into a network namespace of its own, with this address:
/// among neighbouring addresses it answers from whichever interface it likes.
fn part(interface: &str, address: &str) -> String {
    format!(
        "unshare -n sleep 9999 >/dev/null 2>&1 & \
         until [ $(readlink /proc/$!/ns/net) != $(readlink /proc/self/ns/net) ]; do :; done; \
         ip link set {interface} netns $! && nsenter -t $! -n \
         sh -c 'ip address add {address}/24 dev {interface}; ip link set {interface} up'"
    )
}

/// The reference's guest.
fn web1() -> DomainSpec {
    let nic = Nic::on_bridge(BRIDGE, MAC).target(TAP).mtu(1450);
    DomainSpec::new("web1").nic(nic.address("192.168.101.88/24"))
}

/// What others have on the host: rules in every table that we write to, a table and a set of
/// their own, a bridge, and host-wide settings.
const OTHER_PEOPLES: &str = "set -e
    for tables in iptables ip6tables; do
        $tables -A INPUT -p tcp --dport 179 -j ACCEPT -m comment --comment 'a routing daemon'
        $tables -N DOCKER-USER
        $tables -A FORWARD -j DOCKER-USER
        $tables -A DOCKER-USER -j RETURN
        $tables -t nat -N DOCKER
        $tables -t nat -A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER
        $tables -t raw -A PREROUTING -p udp --dport 53 -j CT --notrack
        $tables -t mangle -A FORWARD -p tcp --tcp-flags SYN,RST SYN -j TCPMSS --clamp-mss-to-pmtu
    done
    iptables -t nat -A POSTROUTING -s 172.17.0.0/16 ! -o docker0 -j MASQUERADE
    nft 'table inet fw { set bad { type ipv4_addr; elements = { 203.0.113.7 }; };
        chain input { type filter hook input priority 10; ip saddr @bad drop; }; }'
    nft 'table bridge other { chain forward { type filter hook forward priority 0; }; }'
    ipset create trusted hash:net; ipset add trusted 198.51.100.0/24
    ip link add docker0 type bridge; ip address add 172.17.0.1/16 dev docker0
    ip link set docker0 up
    echo 0 >/proc/sys/net/bridge/bridge-nf-call-iptables
    echo 1 >/proc/sys/net/ipv4/conf/docker0/proxy_arp";

/// The lines of `iptables-save` or `ip6tables-save` without counters and dates.
fn rules(lab: &Lab, family_save: &str) -> Vec<String> {
    let save = lab.ok(family_save);
    let lines = save.lines().filter(|line| !line.starts_with('#'));
    lines.map(without_counters).collect()
}

/// `:INPUT ACCEPT [5:420]` → `:INPUT ACCEPT`.
fn without_counters(line: &str) -> String {
    let end = line.find(" [").filter(|_| line.starts_with(':'));
    line[..end.unwrap_or(line.len())].to_owned()
}

/// The filter table's lines of such a dump.
fn filter(lines: &[String]) -> Vec<String> {
    let table = lines.iter().skip_while(|line| *line != "*filter");
    table
        .take_while(|line| *line != "COMMIT")
        .cloned()
        .collect()
}
