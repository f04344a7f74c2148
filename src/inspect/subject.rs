//! A domain under inspection.

use std::collections::BTreeSet;

use super::check::{Check, Kind, Scope, Status};
use super::compare::{Scoped, compare};
use super::links::tap_differences;
use super::report::{Report, VERSION, Verdict};
use super::values::{Today, Values};
use crate::config::Config;
use crate::domain::{Domain, Interface};
use crate::facts::HostFacts;
use crate::firewall::iptables::chain_suffix;
use crate::model::{IfName, Network, Port};
use crate::record::{DomainRecord, NetworkRecord, Phase};
use crate::resolve::{self, Claimed};
use crate::state::{HostState, ReadBack};
use crate::transaction::Records;

/// A domain under inspection, and all there is to know of it.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// Its XML, live or inactive.
    pub domain: &'a Domain,
    /// The configuration as it is now.
    pub config: &'a Config,
    /// The host's links and addresses.
    pub facts: &'a HostFacts,
    /// All records, every domain's included.
    pub records: &'a Records,
    /// Everything of ours that the kernel has; may be missing only where there is no record.
    pub observed: Option<&'a ReadBack>,
}

/// Judges a domain.
pub fn inspect(subject: Subject<'_>) -> Report {
    let values = subject.values();
    let running = subject.is_running();
    let checks = match (subject.record(), subject.observed) {
        (Some(record), Some(observed)) if running => subject.checks(record, observed, &values),
        _ => Vec::new(),
    };
    let mut notes: Vec<String> = values.iter().flat_map(Values::notes).collect();
    notes.extend(subject.unknown_ports());
    notes.extend(subject.unknown_bridges());
    Report {
        version: VERSION,
        domain: subject.domain.name.clone(),
        uuid: subject.domain.uuid.clone(),
        running,
        verdict: subject.verdict(running, &values, &checks),
        interfaces: values.iter().filter_map(Values::report).collect(),
        checks,
        notes,
    }
}

impl<'a> Subject<'a> {
    fn record(&self) -> Option<&'a DomainRecord> {
        self.records.domains.get(&self.domain.uuid)
    }

    /// The XML says so, or a tap of its is there: inactive XML may be a running machine's.
    fn is_running(&self) -> bool {
        let ports = self
            .record()
            .into_iter()
            .flat_map(|record| &record.want.ports);
        let mut taps = ports.filter_map(|port| port.tap.as_ref());
        self.domain.active || taps.any(|tap| self.facts.has_tap(tap))
    }

    fn verdict(&self, running: bool, values: &[Values<'_>], checks: &[Check]) -> Verdict {
        match (running, self.record()) {
            (true, Some(_)) if checks.iter().all(Check::is_well) => Verdict::AsApplied,
            (true, Some(_)) => Verdict::Differs,
            (false, Some(_)) => Verdict::Left,
            (_, None) if values.is_empty() => Verdict::NotOurs,
            (true, None) => Verdict::NoRecord,
            (false, None) => Verdict::NothingLeft,
        }
    }

    /// Its interfaces that are ours, and the recorded ports that are no longer in the XML.
    fn values(&self) -> Vec<Values<'a>> {
        let want = self.record().map(|record| &record.want);
        let mut left: Vec<&Port> = want.map_or(Vec::new(), |want| want.ports.iter().collect());
        let mut values = Vec::new();
        for interface in &self.domain.interfaces {
            let at = left
                .iter()
                .position(|port| self.is_port_of(port, interface));
            // A libvirt network has given it a port, but nobody knew its tap yet: as one plugged in.
            let applied = at.map(|at| left.remove(at));
            let applied = applied.filter(|port| port.is_resolved());
            let applied = applied.and_then(|port| Some((port, self.network_of(port)?)));
            if applied.is_none() && !self.is_ours(interface) {
                continue;
            }
            let today = Today::of(interface, self.domain, self.config, self.facts);
            let today =
                today.map_err(|cause| format!("the configuration does not serve it: {cause}"));
            let interface = Some(interface);
            values.push(Values {
                interface,
                applied,
                today,
            });
        }
        values.extend(left.into_iter().map(|port| Values {
            interface: None,
            applied: self.network_of(port).map(|network| (port, network)),
            today: Err("it is not in the domain's XML any more".to_owned()),
        }));
        values
    }

    /// By MAC address, and by bridge where the XML names one.
    fn is_port_of(&self, port: &Port, interface: &Interface) -> bool {
        let bridge = self.network_of(port).map(|network| network.bridge.as_str());
        let elsewhere = interface.bridge.is_some() && interface.bridge.as_deref() != bridge;
        interface.mac == Ok(port.mac) && !elsewhere
    }

    fn network_of(&self, port: &Port) -> Option<&'a Network> {
        let networks = &self.record()?.want.networks;
        networks.iter().find(|network| network.id == port.network)
    }

    fn is_ours(&self, interface: &Interface) -> bool {
        let Some(bridge) = interface.bridge.as_deref() else {
            return false;
        };
        let mut links = self.facts.links.iter();
        let stands = || links.any(|link| link.name == bridge && link.is_ours());
        resolve::ours(bridge, self.config, stands) != Claimed::NotOurs
    }

    fn checks(
        &self,
        record: &DomainRecord,
        observed: &ReadBack,
        values: &[Values<'_>],
    ) -> Vec<Check> {
        let whole = self.records.state();
        let mut checks: Vec<Check> = values
            .iter()
            .flat_map(|it| self.port_checks(record, it))
            .collect();
        let mut add = |scope: &Scope, applied: &HostState, devices: &[IfName]| {
            let part = Scoped {
                scope,
                applied,
                devices,
            };
            checks.extend(compare(part, &whole, observed, self.facts));
        };
        add(&Scope::Host, &self.records.skeleton(), &[]);
        for network in self.networks(record) {
            let Network { id, bridge, .. } = &network.network;
            let own = [bridge.clone(), id.host_end(), id.host_port()].into_iter();
            let devices: Vec<IfName> = own.chain(network.network.ways_out().cloned()).collect();
            let scope = Scope::Network(network.network.name.clone());
            add(&scope, &network.applied, &devices);
        }
        let taps: Vec<IfName> = record
            .want
            .open_ports()
            .map(|(_, tap)| tap.name.clone())
            .collect();
        if !taps.is_empty() {
            add(&Scope::Host, &record.applied, &taps);
        }
        for check in checks.iter_mut().filter(|check| check.scope == Scope::Host) {
            if let Some(port) = record
                .want
                .ports
                .iter()
                .find(|port| names(&check.object, port))
            {
                check.scope = Scope::Interface(port.mac);
            }
        }
        checks
    }

    fn networks(&self, record: &DomainRecord) -> impl Iterator<Item = &'a NetworkRecord> {
        let ids: BTreeSet<_> = record
            .want
            .ports
            .iter()
            .map(|port| port.network.clone())
            .collect();
        let networks = self.records.networks.iter();
        networks
            .filter(move |(id, _)| ids.contains(*id))
            .map(|(_, network)| network)
    }

    /// The port itself: open while the machine runs, on the tap that it was opened for.
    fn port_checks(&self, record: &DomainRecord, values: &Values<'_>) -> Vec<Check> {
        let Some((port, network)) = values.applied else {
            let mac = values
                .interface
                .and_then(|interface| interface.mac.clone().ok());
            let unknown = mac.map(|mac| {
                let check = Check::new(&Scope::Interface(mac), Kind::Port, mac);
                let why = "it was plugged in without vmhook; it is closed".to_owned();
                Check {
                    detail: Some(why),
                    ..check.is(Status::Missing)
                }
            });
            return unknown.into_iter().collect();
        };
        let scope = Scope::Interface(port.mac);
        let check = Check::new(&scope, Kind::Port, port.key());
        let tap = port
            .tap
            .as_ref()
            .filter(|_| record.want.phase == Phase::Started);
        let Some(tap) = tap else {
            return vec![check.different(&["the machine runs, but the port is closed".to_owned()])];
        };
        let found = self.facts.tap(tap);
        let tap = Check::new(&scope, Kind::Tap, &tap.name);
        let tap = match found {
            None => tap.is(Status::Missing),
            Some(link) => tap.different(&tap_differences(link, &network.bridge, self.facts)),
        };
        vec![check, tap]
    }

    /// Bridges that are named as ours are and that no network has: most likely a slip.
    fn unknown_bridges(&self) -> Vec<String> {
        let networks = self.config.networks.values().flatten();
        let known: Vec<&str> = networks.map(|network| network.bridge.as_str()).collect();
        let bridges = self.domain.interfaces.iter().filter(|it| !self.is_ours(it));
        let bridges = bridges.filter_map(|interface| interface.bridge.as_deref());
        bridges
            .filter(|bridge| bridge.starts_with("brq"))
            .map(|bridge| {
                let known = known.join(", ");
                format!("no network has bridge {bridge}; the configuration's bridges: {known}")
            })
            .collect()
    }

    /// Ports of its bridges that are nobody's.
    fn unknown_ports(&self) -> Vec<String> {
        let Some(record) = self.record() else {
            return Vec::new();
        };
        let lines = self.records.index.lines.iter();
        let taps: BTreeSet<u32> = lines
            .filter_map(|line| Some(line.tap.as_ref()?.index))
            .collect();
        let mut notes = Vec::new();
        for NetworkRecord { network, .. } in self.networks(record) {
            let Some(bridge) = self.facts.link(&network.bridge) else {
                continue;
            };
            let ports = self.facts.ports_of(bridge.index);
            let unknown =
                ports.filter(|port| !taps.contains(&port.index) && !network.has_port(&port.name));
            notes.extend(unknown.map(|port| {
                format!(
                    "{} on {} is nobody's port: it is closed",
                    port.name, network.bridge
                )
            }));
            let uplinks = network.existing().into_iter().flat_map(|it| &it.uplinks);
            let is_on = |name: &IfName| {
                let link = self.facts.link(name);
                link.is_some_and(|link| link.master == Some(bridge.index))
            };
            let away = uplinks.filter(|uplink| !is_on(uplink));
            notes
                .extend(away.map(|uplink| format!("uplink {uplink} is not on {}", network.bridge)));
        }
        notes
    }
}

/// Whether an object is a port's: it names its tap, or is a chain of its.
fn names(object: &str, port: &Port) -> bool {
    let suffix = chain_suffix(port).to_string();
    let tap = port.tap.as_ref().map(|tap| tap.name.as_str());
    let mut words = object.split(' ').map(|word| word.trim_matches('"'));
    words.any(|word| Some(word) == tap || word.ends_with(&suffix))
}
