//! Packets at random for a configuration, near its edges: the ends of port ranges and prefixes and what
//! lies beside them, types and codes, everybody's addresses in everybody's mouth.

use std::collections::BTreeSet;
use std::net::IpAddr;

use ipnet::IpNet;
use proptest::collection::vec;
use proptest::prelude::Strategy;
use proptest::strategy::Just;
use serde::{Deserialize, Serialize};

use crate::configuration::{Configuration, Direction, Family, Mac, Port, Rule};
use crate::packet::{Carries, Content, Ip, Packet, Station};
use crate::random::{Dice, Size, configurations};

mod carries;
mod others;
mod pools;

use pools::{Pools, edges, own_nets, remote_nets};

/// A configuration, and what is sent under it, in order.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Case {
    pub(crate) configuration: Configuration,
    pub(crate) packets: Vec<Packet>,
}

pub(crate) fn cases(size: Size, exchanges: usize) -> impl Strategy<Value = Case> {
    configurations(size).prop_flat_map(move |configuration| {
        let pools = Pools::of(&configuration);
        let of = configuration.clone();
        let exchange = Just(()).prop_perturb(move |(), rng| {
            let mut maker = Maker {
                dice: Dice(rng),
                configuration: &of,
                pools: &pools,
            };
            maker.exchange()
        });
        let packets = vec(exchange, exchanges).prop_map(|exchanges| told_apart(exchanges.concat()));
        (Just(configuration), packets).prop_map(|(configuration, packets)| Case {
            configuration,
            packets,
        })
    })
}

/// Whether a kernel tells connections of these protocols by their ports or by their addresses alone
/// depends on how it was built: none is sent where the two would differ.
fn told_apart(packets: Vec<Packet>) -> Vec<Packet> {
    let mut seen = BTreeSet::new();
    let mut kept = packets;
    kept.retain(|packet| {
        let Content::Ip(Ip {
            source,
            destination,
            carries: Carries::Ports(protocol, ..),
            ..
        }) = &packet.content
        else {
            return true;
        };
        seen.insert((*protocol, *source, *destination));
        !seen.contains(&(*protocol, *destination, *source))
    });
    kept
}

const PEERS: [Mac; 2] = [
    Mac([0xfa, 0x16, 0x3e, 0, 1, 1]),
    Mac([0xfa, 0x16, 0x3e, 0, 1, 2]),
];
const NOBODY: Mac = Mac([0xfa, 0x16, 0x3e, 0x55, 0x55, 0x55]);
const EVERYBODY: Mac = Mac([0xff; 6]);
const ALL_NODES: Mac = Mac([0x33, 0x33, 0, 0, 0, 1]);

/// Makes packets.
struct Maker<'a> {
    dice: Dice,
    configuration: &'a Configuration,
    pools: &'a Pools,
}

impl Maker<'_> {
    /// A packet, and sometimes what would come back, and the packet again.
    fn exchange(&mut self) -> Vec<Packet> {
        let first = self.packet();
        let Content::Ip(ip) = &first.content else {
            return vec![first];
        };
        let back = match self.dice.below(10) {
            0..4 => ip.answer(),
            4 => ip.refusal(),
            _ => None,
        };
        let Some(back) = back else { return vec![first] };
        let back = Packet {
            from: self.station_of(first.destination, first.from),
            source: if first.destination.is_group() {
                PEERS[0]
            } else {
                first.destination
            },
            destination: first.source,
            tag: None,
            content: Content::Ip(back),
        };
        // A connection that was begun twice is another matter.
        let is_tcp = matches!(ip.carries, Carries::Tcp { .. });
        if self.dice.chance(30) && !is_tcp {
            vec![first.clone(), back, first]
        } else {
            vec![first, back]
        }
    }

    /// Whose Ethernet address it is, from where a packet came from.
    fn station_of(&self, mac: Mac, near: Station) -> Station {
        let network = self.network_of(near);
        let ports = self.configuration.ports.iter().enumerate();
        let mut on_it = ports.filter(|(_, port)| port.network == network);
        let has = |port: &Port| port.mac == mac || port.pairs.iter().any(|it| it.1 == Some(mac));
        let owner = on_it.find(|(at, port)| has(port) && near != Station::Machine(*at));
        owner.map_or(Station::Peer(network), |(number, _)| {
            Station::Machine(number)
        })
    }

    fn network_of(&self, station: Station) -> usize {
        match station {
            Station::Machine(number) => self.configuration.ports[number].network,
            Station::Peer(network) => network,
        }
    }

    fn packet(&mut self) -> Packet {
        let mut packet = match self.dice.below(20) {
            0 | 1 => self.arp(),
            2 => self.of_no_protocol(),
            3..7 => self.wild(),
            _ => self.by_a_rule(),
        };
        if self.dice.chance(2) {
            packet.tag = Some(self.dice.pick(&[0, 7]));
        }
        packet
    }

    /// What a rule of somebody's group is about, or nearly so.
    fn by_a_rule(&mut self) -> Packet {
        let number = self.dice.below(self.configuration.ports.len());
        let port = &self.configuration.ports[number];
        let direction = self.dice.pick(&[Direction::Ingress, Direction::Egress]);
        let names = self.configuration.groups_of(port);
        let groups = names.iter().map(|name| self.configuration.group(name));
        let rules: Vec<Rule> = groups
            .flat_map(|group| group.rules(direction).to_vec())
            .collect();
        if rules.is_empty() {
            return self.wild();
        }
        let rule = self.dice.pick(&rules);
        let family = self.dice.pick(&rule.families());
        let remotes = remote_nets(self.configuration, &rule);
        let of_family = |net: &&IpNet| Family::of(net.addr()) == family;
        let remotes: Vec<IpNet> = remotes.iter().filter(of_family).copied().collect();
        let near: Vec<IpAddr> = remotes.iter().flat_map(edges).collect();
        let all = self.pools.of_family(family);
        let other = self.dice.pick(if near.is_empty() { all } else { &near });
        let carries = self.carries_near(&rule, family);
        let (mac, own) = self.own(number, family);
        let holder = self.holder(other, Station::Machine(number));
        let (from, source, destination, ends) = match direction {
            Direction::Egress => (Station::Machine(number), mac, holder.1, (own, other)),
            Direction::Ingress => (holder.0, holder.1, mac, (other, own)),
        };
        self.ip(from, (source, destination), ends, carries)
    }

    /// Who would have an address, and the Ethernet address that goes with it.
    fn holder(&mut self, address: IpAddr, near: Station) -> (Station, Mac) {
        let network = self.network_of(near);
        let ports = self.configuration.ports.iter().enumerate();
        let mut on_it =
            ports.filter(|(at, it)| it.network == network && near != Station::Machine(*at));
        let has = |port: &Port| {
            let local = address == port.mac.link_local();
            local || own_nets(port).iter().any(|net| net.contains(&address))
        };
        let owner = on_it.find(|(_, port)| has(port));
        match owner {
            Some((number, port)) if self.dice.chance(80) => (Station::Machine(number), port.mac),
            _ => (Station::Peer(network), self.dice.pick(&PEERS)),
        }
    }

    /// An Ethernet and an IP address of a port, mostly.
    fn own(&mut self, number: usize, family: Family) -> (Mac, IpAddr) {
        let port = &self.configuration.ports[number];
        let fixed = port.fixed_ips.iter().map(|ip| (port.mac, *ip));
        let pairs = port.pairs.iter().flat_map(|(net, mac)| {
            let mac = mac.unwrap_or(port.mac);
            edges(net)[1..3]
                .iter()
                .map(move |ip| (mac, *ip))
                .collect::<Vec<_>>()
        });
        let local = (port.mac, IpAddr::from(port.mac.link_local()));
        let all = fixed.clone().chain(fixed).chain(pairs).chain([local]);
        let own: Vec<_> = all.filter(|(_, ip)| Family::of(*ip) == family).collect();
        if own.is_empty() || self.dice.chance(5) {
            (port.mac, self.dice.pick(self.pools.of_family(family)))
        } else {
            self.dice.pick(&own)
        }
    }

    fn station(&mut self) -> Station {
        let number = self.dice.below(self.configuration.ports.len());
        if self.dice.chance(65) {
            Station::Machine(number)
        } else {
            Station::Peer(self.configuration.ports[number].network)
        }
    }

    /// Anything from anybody to anybody.
    fn wild(&mut self) -> Packet {
        let from = self.station();
        let family = self.dice.pick(&Family::BOTH);
        let (mut source, mut ip) = match from {
            Station::Machine(number) => self.own(number, family),
            Station::Peer(_) => (
                self.dice.pick(&PEERS),
                self.dice.pick(self.pools.of_family(family)),
            ),
        };
        if self.dice.chance(20) && matches!(from, Station::Machine(_)) {
            source = self.dice.pick(&self.pools.macs);
        }
        if self.dice.chance(20) {
            ip = self.dice.pick(self.pools.of_family(family));
        }
        let to = self.dice.pick(self.pools.of_family(family));
        let destination = match self.dice.below(10) {
            0..6 => self.holder(to, from).1,
            6 => EVERYBODY,
            7 => ALL_NODES,
            _ => self.dice.pick(&self.pools.macs),
        };
        let carries = if self.dice.chance(35) {
            self.configuring(family)
        } else {
            self.carries_near(&Rule::default(), family)
        };
        self.ip(from, (source, destination), (ip, to), carries)
    }

    fn ip(
        &mut self,
        from: Station,
        macs: (Mac, Mac),
        ends: (IpAddr, IpAddr),
        carries: Carries,
    ) -> Packet {
        let is_ipv6 = ends.0.is_ipv6();
        let ip = Ip {
            source: ends.0,
            destination: ends.1,
            has_options: is_ipv6 && self.dice.chance(10),
            carries,
        };
        Packet {
            from,
            source: macs.0,
            destination: macs.1,
            tag: None,
            content: Content::Ip(ip),
        }
    }
}
