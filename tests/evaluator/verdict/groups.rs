//! What a port's security groups allow.

use std::net::IpAddr;

use ipnet::IpNet;

use crate::configuration::{Configuration, Direction, Family, Port, Protocol, Remote, Rule};
use crate::packet::{Carries, Ip};

/// Whether a rule of any of its groups fits.
pub(super) fn allow(
    configuration: &Configuration,
    port: &Port,
    direction: Direction,
    ip: &Ip,
) -> bool {
    let other = match direction {
        Direction::Ingress => ip.source,
        Direction::Egress => ip.destination,
    };
    let names = configuration.groups_of(port);
    names.iter().any(|name| {
        let group = configuration.group(name);
        group.rules(direction).iter().any(|rule| {
            rule.families().contains(&ip.family())
                && carries(rule, ip)
                && is_remote(configuration, port, rule, other)
        })
    })
}

fn carries(rule: &Rule, ip: &Ip) -> bool {
    let number = rule.protocol.as_ref().map_or(0, Protocol::number);
    match number {
        0 => true,
        // Either name is the ICMP of the rule's family.
        1 | 58 => ip
            .icmp()
            .is_some_and(|it| is_of_type(rule, it, ip.family())),
        _ => ip.protocol() == number && is_to_port(rule, ip),
    }
}

/// iptables takes IPv4's type 255 for every type: such a rule is not written (listed difference 13).
fn is_of_type(rule: &Rule, (kind, code): (u8, u8), family: Family) -> bool {
    rule.icmp.is_none_or(|(wanted, wanted_code)| {
        let is_written = family == Family::V6 || wanted != 255;
        is_written && wanted == kind && wanted_code.is_none_or(|wanted| wanted == code)
    })
}

fn is_to_port(rule: &Rule, ip: &Ip) -> bool {
    let to = match ip.carries {
        Carries::Udp(_, to) | Carries::Tcp { ports: (_, to), .. } | Carries::Ports(_, _, to) => to,
        Carries::Icmp { .. } | Carries::Other(_) => return rule.ports.is_none(),
    };
    rule.ports
        .is_none_or(|(first, last)| (first..=last).contains(&to))
}

fn is_remote(configuration: &Configuration, port: &Port, rule: &Rule, other: IpAddr) -> bool {
    match &rule.remote {
        None => true,
        Some(Remote::Prefix(prefix)) => prefix.contains(&other),
        Some(Remote::AddressGroup(name)) => {
            let prefixes = addresses(configuration, name);
            prefixes.iter().any(|prefix| prefix.contains(&other))
        }
        Some(Remote::Group(name)) => {
            let mut members = members(configuration, name);
            if !configuration.ipset {
                // A rule for each member, and Neutron writes none for the port itself.
                let is_own = |net: &IpNet| port.fixed_ips.iter().any(|ip| IpNet::from(*ip) == *net);
                members.retain(|member| !is_own(member));
            }
            members.iter().any(|member| member.contains(&other))
        }
    }
}

/// The machines that name the group, on whatever network, with their pairs; and whom it has elsewhere.
pub(crate) fn members(configuration: &Configuration, name: &str) -> Vec<IpNet> {
    let mut members = configuration.group(name).members;
    for port in &configuration.ports {
        if configuration
            .groups_of(port)
            .iter()
            .any(|group| group == name)
        {
            members.extend(port.fixed_ips.iter().copied().map(IpNet::from));
            members.extend(port.pairs.iter().map(|(net, _)| *net));
        }
    }
    members
}

pub(crate) fn addresses(configuration: &Configuration, name: &str) -> Vec<IpNet> {
    let mut groups = configuration.address_groups.iter();
    let group = groups.find(|group| group.name == name);
    group.expect("it is defined").addresses.clone()
}

/// What a rule comes to: its families, for an address group those of which there is a prefix.
pub(super) fn remotes(configuration: &Configuration, rule: &Rule) -> Vec<Family> {
    let mut families = rule.families();
    if let Some(Remote::AddressGroup(name)) = &rule.remote {
        let prefixes = addresses(configuration, name);
        families.retain(|family| prefixes.iter().any(|net| Family::of(net.addr()) == *family));
    }
    families
}
