//! What every machine may send and get, whatever its groups say: `docs/security.md`.

use std::net::IpAddr;

use super::sources::{has_mac, sources};
use crate::configuration::{Configuration, Family, Mac, Port};
use crate::packet::{Carries, Content, Ip, Packet};

const ROUTER_ADVERTISEMENT: u8 = 134;
const SOLICITATION: u8 = 135;
const ADVERTISEMENT: u8 = 136;
const REDIRECT: u8 = 137;
/// Of multicast listeners, both versions.
const REPORTS: [u8; 2] = [131, 143];

pub(super) fn may_send(configuration: &Configuration, number: usize, packet: &Packet) -> bool {
    let port = &configuration.ports[number];
    if packet.tag.is_some() || !has_mac(port, packet.source) {
        return false;
    }
    let is_own = |mac: Mac, address: IpAddr| {
        let sources = sources(configuration, port, Family::of(address));
        sources.iter().any(|source| source.is(mac, address))
    };
    match &packet.content {
        Content::Arp { sender, source, .. } => {
            // Who looks whether an address is free says nothing of his own.
            has_mac(port, *sender) && (source.is_unspecified() || is_own(*sender, *source))
        }
        Content::Rarp { subject } => *subject == port.mac,
        Content::Other(_) => false,
        Content::Ip(ip) => match ip.family() {
            Family::V4 => {
                let asks = ip.is_udp((68, 67)) && is_from_nobody_to_all(ip);
                asks || !is_to_client(ip) && is_own(packet.source, ip.source)
            }
            Family::V6 => may_send_ipv6(configuration, port, ip, is_own(packet.source, ip.source)),
        },
    }
}

fn is_from_nobody_to_all(ip: &Ip) -> bool {
    ip.source.is_unspecified() && ip.destination == IpAddr::from([255; 4])
}

fn may_send_ipv6(configuration: &Configuration, port: &Port, ip: &Ip, is_own: bool) -> bool {
    let own = sources(configuration, port, Family::V6);
    let kind = ip.icmp().map(|(kind, _)| kind);
    let is_routers = kind.is_some_and(|kind| [ROUTER_ADVERTISEMENT, REDIRECT].contains(&kind));
    if own.is_empty() || is_routers || is_to_client(ip) {
        return false;
    }
    let without_address = |kind| kind == SOLICITATION || REPORTS.contains(&kind);
    if ip.source.is_unspecified() && kind.is_some_and(without_address) {
        return true;
    }
    let advertised = match &ip.carries {
        Carries::Icmp {
            kind: ADVERTISEMENT,
            target: Some(target),
            ..
        } => Some(target),
        _ => None,
    };
    let may_advertise = |target: &IpAddr| own.iter().any(|source| source.net.contains(target));
    is_own && advertised.is_none_or(may_advertise)
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
    let is_for_it = packet.destination.is_group() || has_mac(port, packet.destination);
    let may_get = match &packet.content {
        Content::Arp { .. } | Content::Rarp { .. } => true,
        Content::Other(_) => false,
        Content::Ip(ip) => {
            let servers = &configuration.networks[port.network].dhcp_servers;
            let is_server = || servers.as_ref().is_none_or(|it| it.contains(&ip.source));
            let has_family = || !sources(configuration, port, Family::V6).is_empty();
            let in_family = ip.family() == Family::V4 || has_family();
            in_family && (!is_to_client(ip) || is_server())
        }
    };
    packet.tag.is_none() && is_for_it && may_get
}
