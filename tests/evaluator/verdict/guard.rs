//! What every machine may send and get, whatever its groups say: `docs/security.md`.

use std::net::IpAddr;

use super::sources::{has_mac, sources};
use crate::configuration::{Checked, Configuration, Family, Mac, Port};
use crate::packet::{Carries, Content, Ip, Packet};

const ROUTER_ADVERTISEMENT: u8 = 134;
const SOLICITATION: u8 = 135;
const ADVERTISEMENT: u8 = 136;
const REDIRECT: u8 = 137;
/// Of multicast listeners.
const QUERY: u8 = 130;
/// Of multicast routers (RFC 4286).
const MULTICAST_ROUTER_ADVERTISEMENT: u8 = 151;
/// What routers say.
const ROUTERS: [u8; 4] = [
    QUERY,
    ROUTER_ADVERTISEMENT,
    REDIRECT,
    MULTICAST_ROUTER_ADVERTISEMENT,
];
/// Of multicast listeners, both versions.
const REPORTS: [u8; 2] = [131, 143];

pub(super) fn may_send(configuration: &Configuration, number: usize, packet: &Packet) -> bool {
    let port = &configuration.ports[number];
    match configuration.checked(port) {
        Checked::Nothing => return true,
        Checked::AsNeutron => return may_send_unhardened(configuration, port, packet),
        Checked::All => {}
    }
    if packet.tag.is_some() || !has_mac(port, packet.source) {
        return false;
    }
    let is_own = |mac, address| is_own(configuration, port, mac, address);
    match &packet.content {
        Content::Arp { .. } => may_announce(configuration, port, &packet.content),
        Content::Rarp { subject } => *subject == port.mac,
        Content::Other(_) => false,
        Content::Ip(ip) => match ip.family() {
            Family::V4 => {
                let asks = ip.is_udp((68, 67)) && is_from_nobody_to_all(ip);
                let is_routers = ip.icmp().is_some_and(|(kind, _)| kind == 9);
                let may_be_said = !is_to_client(ip) && !is_routers;
                asks || may_be_said && is_own(packet.source, ip.source)
            }
            Family::V6 => may_send_ipv6(configuration, port, ip, is_own(packet.source, ip.source)),
        },
    }
}

/// Its Ethernet address, and who speaks in ARP and IP; of a tagged frame nobody looks into that.
fn may_send_unhardened(configuration: &Configuration, port: &Port, packet: &Packet) -> bool {
    let may_say = match &packet.content {
        _ if packet.tag.is_some() => true,
        Content::Arp { .. } => may_announce(configuration, port, &packet.content),
        Content::Ip(ip) => {
            is_unchecked(configuration, port, ip)
                || is_own(configuration, port, packet.source, ip.source)
        }
        _ => true,
    };
    has_mac(port, packet.source) && may_say
}

/// What a port that is not hardened says without an address; and IPv6, where it has none of that.
fn is_unchecked(configuration: &Configuration, port: &Port, ip: &Ip) -> bool {
    let kind = ip.icmp().map(|(kind, _)| kind);
    let without_address = |kind| kind == SOLICITATION || REPORTS.contains(&kind);
    match ip.family() {
        Family::V4 => ip.is_udp((68, 67)) && is_from_nobody_to_all(ip),
        Family::V6 => {
            sources(configuration, port, Family::V6).is_empty()
                || ip.source.is_unspecified() && kind.is_some_and(without_address)
        }
    }
}

/// Who looks whether an address is free says nothing of his own, and asks of his own alone.
fn may_announce(configuration: &Configuration, port: &Port, content: &Content) -> bool {
    let Content::Arp {
        sender,
        source,
        target,
        ..
    } = content
    else {
        return false;
    };
    let about = if source.is_unspecified() {
        target
    } else {
        source
    };
    has_mac(port, *sender) && is_own(configuration, port, *sender, *about)
}

fn is_own(configuration: &Configuration, port: &Port, mac: Mac, address: IpAddr) -> bool {
    let sources = sources(configuration, port, Family::of(address));
    sources.iter().any(|source| source.is(mac, address))
}

fn is_from_nobody_to_all(ip: &Ip) -> bool {
    ip.source.is_unspecified() && ip.destination == IpAddr::from([255; 4])
}

fn may_send_ipv6(configuration: &Configuration, port: &Port, ip: &Ip, is_own: bool) -> bool {
    let own = sources(configuration, port, Family::V6);
    let kind = ip.icmp().map(|(kind, _)| kind);
    let is_routers = kind.is_some_and(|kind| ROUTERS.contains(&kind));
    if own.is_empty() || is_routers || is_to_client(ip) {
        return false;
    }
    let about = match &ip.carries {
        Carries::Icmp { target, .. } => target.as_ref(),
        _ => None,
    };
    let has_target = || about.is_some_and(|it| own.iter().any(|source| source.net.contains(it)));
    match kind {
        Some(SOLICITATION) if ip.source.is_unspecified() => has_target(),
        Some(kind) if ip.source.is_unspecified() && REPORTS.contains(&kind) => true,
        Some(ADVERTISEMENT) => is_own && has_target(),
        _ => is_own,
    }
}

/// Whether it goes to the port that a client of DHCP or DHCPv6 listens to.
fn is_to_client(ip: &Ip) -> bool {
    let client = match ip.family() {
        Family::V4 => 68,
        Family::V6 => 546,
    };
    matches!(ip.carries, Carries::Udp(_, to) if to == client)
}

pub(super) fn may_get(configuration: &Configuration, number: usize, packet: &Packet) -> bool {
    let port = &configuration.ports[number];
    match configuration.checked(port) {
        Checked::Nothing => true,
        Checked::AsNeutron => is_from_its_servers(configuration, port, packet),
        Checked::All => {
            is_for_it(configuration, port, packet)
                && is_from_its_servers(configuration, port, packet)
        }
    }
}

/// What a hardened port is looked at for.
fn is_for_it(configuration: &Configuration, port: &Port, packet: &Packet) -> bool {
    let alone = !packet.destination.is_group();
    let has_address = |ip: &Ip| {
        is_to_many(ip.destination)
            || is_own(configuration, port, packet.destination, ip.destination)
    };
    let is_for_it = !alone || has_mac(port, packet.destination);
    let has_family = match &packet.content {
        Content::Arp { .. } | Content::Rarp { .. } => true,
        Content::Other(_) => false,
        Content::Ip(ip) => {
            let has_ipv6 = || !sources(configuration, port, Family::V6).is_empty();
            (ip.family() == Family::V4 || has_ipv6()) && (!alone || has_address(ip))
        }
    };
    packet.tag.is_none() && is_for_it && has_family
}

/// A group, or everybody.
fn is_to_many(address: IpAddr) -> bool {
    address.is_multicast() || address == IpAddr::from([255; 4])
}

/// Where its network names its DHCP servers, what goes to a client's port is theirs.
fn is_from_its_servers(configuration: &Configuration, port: &Port, packet: &Packet) -> bool {
    let servers = &configuration.networks[port.network].dhcp_servers;
    let (Content::Ip(ip), Some(servers)) = (&packet.content, servers) else {
        return true;
    };
    !is_to_client(ip) || servers.contains(&ip.source)
}
