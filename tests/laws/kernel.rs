//! A kernel to run plans on: links, forwarding entries, iptables and nft. It panics where the real
//! one refuses, and where a plan does what needs no doing.

use std::collections::{BTreeMap, BTreeSet};

use vmhook::firewall::ipset::parse_sets;
use vmhook::firewall::iptables::{ChainPrefix, parse_save_of};
use vmhook::model::{BridgeSwitches, FdbEntry, IfName, Lent, Neighbour};
use vmhook::plan::host_end::HostEndPair;
use vmhook::plan::{LinkChange, Plan, Step};
use vmhook::record::HostRecord;
use vmhook::state::{HostState, OwnLink, ReadBack};

use crate::firewall_model;
use crate::hosts::SWITCHES;
use crate::ipset::Ipset;
use crate::nft::Nft;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Kernel {
    links: BTreeMap<IfName, OwnLink>,
    enslaved: BTreeMap<IfName, IfName>,
    fdb: BTreeSet<FdbEntry>,
    neighbours: BTreeSet<Neighbour>,
    suppressed: BTreeSet<IfName>,
    /// Devices of ours that have not come up yet.
    down: BTreeSet<IfName>,
    switches: BTreeMap<IfName, BridgeSwitches>,
    sets: Ipset,
    v4: firewall_model::Kernel,
    v6: firewall_model::Kernel,
    nft: Nft,
}

impl Kernel {
    /// A host with nothing of ours.
    pub(crate) fn new() -> Self {
        Self {
            links: BTreeMap::new(),
            enslaved: BTreeMap::new(),
            fdb: BTreeSet::new(),
            neighbours: BTreeSet::new(),
            suppressed: BTreeSet::new(),
            down: BTreeSet::new(),
            switches: SWITCHES.clone(),
            sets: Ipset::default(),
            v4: firewall_model::Kernel::new(),
            v6: firewall_model::Kernel::new(),
            nft: Nft::default(),
        }
    }

    /// Runs a plan to its end.
    pub(crate) fn run(&mut self, plan: &Plan) {
        for act in acts(plan) {
            self.act(&act);
        }
    }

    /// Does one act of a plan.
    pub(crate) fn act(&mut self, act: &Act) {
        match act {
            Act::Nft(script) => self.nft.run(script),
            Act::Link(change) => self.change(change),
            Act::Sets(text) => self.sets.restore(text, &self.set_names()),
            Act::V4(text) => self.v4.restore(text),
            Act::V6(text) => self.v6.restore(text),
        }
        let named = self.set_names();
        assert!(named.iter().all(|name| self.sets.has(name)), "{named:?}");
    }

    /// The sets that rules name.
    fn set_names(&self) -> BTreeSet<String> {
        let text = self.v4.save() + &self.v6.save();
        let words: Vec<&str> = text.split_whitespace().collect();
        let named = words.windows(2).filter(|pair| pair[0] == "--match-set");
        named.map(|pair| pair[1].to_owned()).collect()
    }

    fn links_read_back(&self) -> BTreeMap<IfName, OwnLink> {
        let read = |(name, link): (&IfName, &OwnLink)| {
            let altered = self.down.contains(name).then_some(OwnLink::Altered);
            (name.clone(), altered.unwrap_or_else(|| link.clone()))
        };
        self.links.iter().map(read).collect()
    }

    /// Everything of ours, read back.
    pub(crate) fn observed(&self) -> ReadBack {
        let prefixes = [ChainPrefix::default(), "mine".parse().expect("a prefix")];
        ReadBack {
            state: HostState {
                links: self.links_read_back(),
                enslaved: self.enslaved.clone(),
                fdb: self.fdb.clone(),
                neighbours: self.neighbours.clone(),
                suppressed: self.suppressed.clone(),
                lent: self.lent(),
                sets: parse_sets(&self.sets.save()),
                guard: self.nft.listing().guard,
                ..HostState::default()
            },
            v4: parse_save_of(&self.v4.save(), &prefixes),
            v6: parse_save_of(&self.v6.save(), &prefixes),
        }
    }

    /// The same by this host's record, which knows what our chains look like.
    pub(crate) fn observed_by(&self, record: Option<&HostRecord>) -> ReadBack {
        let mut observed = self.observed();
        if let Some(record) = record {
            observed.state.guard = record.guard(self.nft.listing());
        }
        observed
    }

    /// The bridges of the host's that are not as they were.
    fn lent(&self) -> BTreeMap<IfName, Lent> {
        let changed = self.switches.iter().filter(|it| SWITCHES[it.0] != *it.1);
        let lent = |(bridge, has): (&IfName, &BridgeSwitches)| {
            let lent = Lent {
                before: SWITCHES[bridge],
                filters: *has == BridgeSwitches::ON,
            };
            (bridge.clone(), lent)
        };
        changed.map(lent).collect()
    }

    /// While a bridge of the host's goes through iptables, what passes between its ports is accepted there.
    fn switch(&mut self, bridge: &IfName, switches: BridgeSwitches) {
        for rules in [self.v4.save(), self.v6.save()] {
            assert!(
                rules.contains("--physdev-in eth2 --physdev-is-bridged"),
                "{rules}"
            );
        }
        let had = self.switches.insert(bridge.clone(), switches);
        assert!(had.is_some_and(|had| had != switches), "{bridge}");
    }

    /// What nft prints for our fixed chains.
    pub(crate) fn guard_chains(&self) -> Vec<String> {
        self.nft.listing().chains
    }

    fn change(&mut self, change: &LinkChange) {
        match change {
            LinkChange::AddBridge(bridge) => {
                let had = self.links.get(&bridge.name);
                let ours = |link: &OwnLink| match link {
                    OwnLink::Bridge(had) => had.network == bridge.network && had != bridge,
                    _ => false,
                };
                assert!(had.is_none_or(ours), "{change}");
                self.links
                    .insert(bridge.name.clone(), OwnLink::Bridge(bridge.clone()));
            }
            LinkChange::AddVxlan(device) => {
                let name = &device.tunnel.device;
                let had = self.links.get(name);
                let ours = |link: &OwnLink| match link {
                    OwnLink::Vxlan(had) => {
                        (&had.network, &had.tunnel) == (&device.network, &device.tunnel)
                    }
                    _ => false,
                };
                assert!(had.is_none_or(ours), "{change}");
                if had.is_none() {
                    self.down.insert(name.clone());
                }
                self.links
                    .insert(name.clone(), OwnLink::Vxlan(device.clone()));
            }
            LinkChange::AddHostEnd(pair) => self.add_host_end(pair),
            LinkChange::SetHeader(device) => {
                let link = OwnLink::Vxlan(device.clone());
                let had = self.links.insert(device.tunnel.device.clone(), link);
                assert!(matches!(had, Some(OwnLink::Vxlan(_))), "{change}");
            }
            LinkChange::AddFdb(_)
            | LinkChange::RemoveFdb(_)
            | LinkChange::SetNeighbour(_)
            | LinkChange::RemoveNeighbour(_) => self.change_entry(change),
            LinkChange::Suppress(_)
            | LinkChange::Enslave { .. }
            | LinkChange::Raise(_)
            | LinkChange::TakeOut { .. } => self.change_port(change),
            LinkChange::Delete(name) => self.delete(name),
            LinkChange::SetSwitches { bridge, switches } => self.switch(bridge, *switches),
            LinkChange::QuietTap(_) | LinkChange::ShutTap(_) | LinkChange::FenceTap(_) => {}
            LinkChange::AddVlan(_) | LinkChange::SetMtu { .. } => panic!("{change}"),
        }
    }

    /// With a link goes all that is its.
    fn delete(&mut self, name: &IfName) {
        let link = self.links.remove(name).expect("a link that is there");
        self.down.remove(name);
        let mut gone = vec![name.clone()];
        if let OwnLink::HostEnd(pair) = link {
            self.links.remove(&pair.port).expect("a pair goes at once");
            gone.push(pair.port);
        }
        self.enslaved
            .retain(|device, bridge| !gone.contains(device) && !gone.contains(bridge));
        self.fdb.retain(|entry| entry.device != *name);
        self.neighbours.retain(|entry| entry.device != *name);
        let enslaved = &self.enslaved;
        self.suppressed.retain(|port| enslaved.contains_key(port));
    }

    /// A pair comes at once, or has other addresses than it had.
    fn add_host_end(&mut self, pair: &HostEndPair) {
        let (name, port) = (pair.name.clone(), pair.port.clone());
        let is_same = |link: &OwnLink| matches!(link, OwnLink::HostEnd(had) if had.is_same(pair) && had != pair);
        assert!(self.links.get(&name).is_none_or(is_same), "{pair}");
        self.links.insert(port, OwnLink::HostPort(name.clone()));
        self.links.insert(name, OwnLink::HostEnd(pair.clone()));
    }

    fn change_port(&mut self, change: &LinkChange) {
        match change {
            LinkChange::Suppress(port) => {
                assert!(self.enslaved.contains_key(port), "{change}");
                assert!(self.suppressed.insert(port.clone()), "{change}");
            }
            LinkChange::Enslave { device, bridge } => {
                let there = self.links.contains_key(device) || is_the_hosts(device);
                assert!(there && self.links.contains_key(bridge), "{change}");
                self.enslaved.insert(device.clone(), bridge.clone());
            }
            LinkChange::Raise(device) => {
                assert!(self.enslaved.contains_key(device), "{change}");
                self.down.remove(device);
            }
            LinkChange::TakeOut { device, bridge } => {
                assert!(is_the_hosts(device), "{change}");
                let on = self.enslaved.remove(device);
                assert_eq!(on.as_ref(), Some(bridge), "{change}");
            }
            _ => panic!("{change}"),
        }
    }

    /// An entry for a MAC address or an IP address takes the place of the one before.
    fn change_entry(&mut self, change: &LinkChange) {
        match change {
            LinkChange::AddFdb(entry) => {
                assert!(self.links.contains_key(&entry.device), "{change}");
                let place = entry.place();
                self.fdb
                    .retain(|it| it == entry || place.is_none() || it.place() != place);
                assert!(self.fdb.insert(entry.clone()), "{change}");
            }
            LinkChange::RemoveFdb(entry) => assert!(self.fdb.remove(entry), "{change}"),
            LinkChange::SetNeighbour(neighbour) => {
                assert!(self.links.contains_key(&neighbour.device), "{change}");
                self.neighbours
                    .retain(|it| it == neighbour || it.key() != neighbour.key());
                assert!(self.neighbours.insert(neighbour.clone()), "{change}");
            }
            LinkChange::RemoveNeighbour(neighbour) => {
                assert!(self.neighbours.remove(neighbour), "{change}");
            }
            _ => panic!("{change}"),
        }
    }
}

/// The device that a flat network of the laws is on.
fn is_the_hosts(device: &IfName) -> bool {
    device.as_str() == "eth1"
}

/// What the kernel does at once: nobody sees less of it.
#[derive(Debug, Clone)]
pub(crate) enum Act {
    Nft(String),
    Link(LinkChange),
    Sets(String),
    V4(String),
    V6(String),
}

/// The acts of a plan. Connections are no part of the model.
pub(crate) fn acts(plan: &Plan) -> Vec<Act> {
    let acts = |step: &Step| match step {
        Step::Nft(script) => vec![Act::Nft(script.clone())],
        Step::Links(changes) => changes.iter().cloned().map(Act::Link).collect(),
        Step::Sets(text) | Step::UnusedSets(text) => text
            .lines()
            .map(|line| Act::Sets(line.to_owned()))
            .collect(),
        Step::Rules(input) => vec![Act::V4(input.v4.clone()), Act::V6(input.v6.clone())],
        Step::Connections(_) | Step::Judge(_) => Vec::new(),
    };
    plan.steps.iter().flat_map(acts).collect()
}
