//! Who gets a packet: what the configuration means, told a second time.
//!
//! Nothing here is the program's. It is written from the documentation: what a rule means and who is in
//! a group from `docs/design.md` (sections 5 and 7), what every port may and may not do from
//! `docs/security.md`, and the order of it all from Neutron's Linux bridge agent, whose filter table
//! vmhook's is.
//!
//! ```text
//! frame ─ may its sender send it? ─ who is it for? ─ for each of them: may it get it?
//!          guard                     bridge            guard, then the groups of both ends
//! ```
//!
//! Three things are remembered from packet to packet, as a bridge and connection tracking do: where an
//! Ethernet address was seen last, which connections have begun, and which of them were answered.

use std::collections::{BTreeMap, BTreeSet};

use crate::configuration::{Configuration, Direction, Mac};
use crate::packet::{Content, Ip, Packet, Station};

mod connection;
mod filter;
mod groups;
mod guard;
mod sources;

use connection::Connections;
pub(crate) use groups::{addresses, members};

/// A host with all machines of a configuration running, as packets have left it.
#[derive(Debug)]
pub(crate) struct Host<'a> {
    configuration: &'a Configuration,
    learned: BTreeMap<(usize, Mac), Station>,
    connections: Connections,
}

impl<'a> Host<'a> {
    pub(crate) fn new(configuration: &'a Configuration) -> Self {
        Self {
            configuration,
            learned: BTreeMap::new(),
            connections: Connections::default(),
        }
    }

    /// Everybody on a network.
    pub(crate) fn stations(&self, network: usize) -> BTreeSet<Station> {
        let ports = self.configuration.ports.iter().enumerate();
        let on_it = ports.filter(|(_, port)| port.network == network);
        let machines = on_it.map(|(number, _)| Station::Machine(number));
        machines.chain([Station::Peer(network)]).collect()
    }

    pub(crate) fn network_of(&self, station: Station) -> usize {
        match station {
            Station::Machine(number) => self.configuration.ports[number].network,
            Station::Peer(network) => network,
        }
    }

    /// Who gets the packet.
    pub(crate) fn takes(&mut self, packet: &Packet) -> BTreeSet<Station> {
        let network = self.network_of(packet.from);
        if let Station::Machine(number) = packet.from
            && !guard::may_send(self.configuration, number, packet)
        {
            return BTreeSet::new();
        }
        self.learned.insert((network, packet.source), packet.from);
        let ip = match &packet.content {
            Content::Ip(ip) if packet.tag.is_none() => Some(ip),
            _ => None,
        };
        let tracked =
            ip.filter(|ip| connection::is_tracked(self.configuration, packet.from, ip, network));
        let established = tracked.is_some_and(|ip| self.connections.meet(network, ip));
        let mut receivers = self.receivers(network, packet);
        receivers.retain(|to| self.passes(packet, ip, *to, established));
        if let (Some(ip), false) = (tracked, receivers.is_empty()) {
            self.connections.begin(network, ip);
        }
        receivers
    }

    /// Whom the bridge forwards it to: where its destination was seen, or everybody; never back.
    fn receivers(&self, network: usize, packet: &Packet) -> BTreeSet<Station> {
        let known = self.learned.get(&(network, packet.destination));
        let mut receivers = match known {
            Some(station) if !packet.destination.is_group() => BTreeSet::from([*station]),
            _ => self.stations(network),
        };
        receivers.remove(&packet.from);
        receivers
    }

    fn passes(&self, packet: &Packet, ip: Option<&Ip>, to: Station, established: bool) -> bool {
        let configuration = self.configuration;
        let guarded = |number| guard::may_get(configuration, number, packet);
        if let Station::Machine(number) = to
            && !guarded(number)
        {
            return false;
        }
        let Some(ip) = ip else { return true };
        let passes = |station, direction| match station {
            Station::Peer(_) => true,
            Station::Machine(number) => {
                let end = filter::End {
                    configuration,
                    number,
                    established,
                };
                match direction {
                    Direction::Egress => end.may_send(packet.source, ip),
                    Direction::Ingress => end.may_get(ip),
                }
            }
        };
        passes(packet.from, Direction::Egress) && passes(to, Direction::Ingress)
    }
}
