//! Connection tracking: an answer to what was let through passes.

use std::collections::BTreeMap;
use std::net::IpAddr;

use super::filter::is_stateless;
use super::sources::sources;
use crate::configuration::{Checked, Configuration, Family, Port};
use crate::packet::{Carries, Ip, Station, answer_to};

/// Those that have begun, by network; whether they were answered.
#[derive(Debug, Default)]
pub(super) struct Connections(BTreeMap<(usize, Flow), bool>);

/// By what a packet is known to belong to a connection, in one of its two directions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Flow {
    protocol: u8,
    source: IpAddr,
    destination: IpAddr,
    /// Ports; of an echo or the like the type that asks with the code, and the id.
    ends: (u16, u16),
}

impl Flow {
    /// The flow of a packet that may begin or go on, in its own direction; `None`: tracking knows no
    /// connections of such packets.
    fn of(ip: &Ip) -> Option<Self> {
        let ends = match ip.carries {
            Carries::Udp(from, to)
            | Carries::Tcp {
                ports: (from, to), ..
            }
            | Carries::Ports(_, from, to) => (from, to),
            Carries::Icmp { kind, code, id, .. } => {
                answer_to(ip.family(), kind)?;
                (u16::from_be_bytes([kind, code]), id)
            }
            // "No next header": there is nothing to be known by.
            Carries::Other(59) if ip.family() == Family::V6 => return None,
            Carries::Other(_) => (0, 0),
        };
        Some(Self {
            protocol: ip.protocol(),
            source: ip.source,
            destination: ip.destination,
            ends,
        })
    }

    /// The flow that the packet would answer.
    fn answered_by(ip: &Ip) -> Option<Self> {
        let ends = if let Carries::Icmp { kind, code, id, .. } = ip.carries {
            let asks = |asked: &u8| answer_to(ip.family(), *asked) == Some(kind);
            (u16::from_be_bytes([(0..=255).find(asks)?, code]), id)
        } else {
            let (from, to) = Self::of(ip)?.ends;
            (to, from)
        };
        Some(Self {
            protocol: ip.protocol(),
            source: ip.destination,
            destination: ip.source,
            ends,
        })
    }
}

impl Connections {
    /// Whether a packet belongs to a connection that is established, now that it is here.
    pub(super) fn meet(&mut self, network: usize, ip: &Ip) -> bool {
        if let Carries::Icmp {
            about: Some(about), ..
        } = &ip.carries
        {
            let flows = [Flow::of(about), Flow::answered_by(about)];
            return flows
                .into_iter()
                .flatten()
                .any(|flow| self.0.contains_key(&(network, flow)));
        }
        // First of all it is an answer: from an address to itself, both directions are one.
        let key = Flow::answered_by(ip).map(|flow| (network, flow));
        if let Some(answered) = key.and_then(|key| self.0.get_mut(&key)) {
            *answered = true;
            return true;
        }
        let key = Flow::of(ip).map(|flow| (network, flow));
        key.and_then(|key| self.0.get(&key))
            .is_some_and(|answered| *answered)
    }

    /// A packet has passed.
    pub(super) fn begin(&mut self, network: usize, ip: &Ip) {
        let begins = !matches!(
            ip.carries,
            Carries::Tcp {
                is_answer: true,
                ..
            }
        );
        let answers = Flow::answered_by(ip).is_some_and(|it| self.0.contains_key(&(network, it)));
        if let Some(flow) = Flow::of(ip).filter(|_| begins && !answers) {
            self.0.entry((network, flow)).or_insert(false);
        }
    }
}

/// A stateless port's packets are not tracked, but where the other end is a stateful port of the host:
/// that one must know the answers to its own questions. A port that is not filtered needs nothing.
pub(super) fn is_tracked(
    configuration: &Configuration,
    from: Station,
    ip: &Ip,
    network: usize,
) -> bool {
    let goes_to = |port: &Port| {
        let sources = sources(configuration, port, ip.family());
        port.network == network && sources.iter().any(|it| it.net.contains(&ip.destination))
    };
    // One that may have any address is known by what it sends alone.
    let is_untracked = |port: &Port| !port.fixed_ips.is_empty() && goes_to(port);
    let stateless = |port: &Port| is_stateless(configuration, port);
    let filtered = |port: &&Port| configuration.checked(port) != Checked::Nothing;
    let sender = match from {
        Station::Machine(number) => Some(&configuration.ports[number]).filter(filtered),
        Station::Peer(_) => None,
    };
    let mut ports = configuration.ports.iter().filter(filtered);
    let is_asked = sender.is_some_and(|port| !stateless(port))
        || ports.clone().any(|port| !stateless(port) && goes_to(port));
    let is_left =
        sender.is_some_and(stateless) || ports.any(|port| stateless(port) && is_untracked(port));
    is_asked || !is_left
}
