//! The transaction itself.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use ipnet::IpNet;

use super::judge::judged;
use super::{Records, Renewal, lending, membership, networks};
use crate::compile::{compile_announcement, compile_closed_port, compile_host_side, compile_port};
use crate::facts::{HostFacts, IptablesBackend};
use crate::firewall::guard::{Capabilities, Tables, base_id};
use crate::model::{BridgeSwitches, IfName, NetworkId, Port, PortKey, Tap};
use crate::plan::{Besides, Directions, Forget, Plan};
use crate::record::{HostRecord, Phase, Want};
use crate::state::{HostState, ReadBack};

/// What a transaction must know of the host.
#[derive(Debug, Clone, Copy)]
pub struct Surroundings<'a> {
    /// The links there are. Without them no network is dropped: somebody else may be on its
    /// bridge.
    pub facts: Option<&'a HostFacts>,
    /// `/etc/machine-id`.
    pub machine_id: &'a str,
    /// What the kernel can do, for tables that are not made yet.
    pub capabilities: Capabilities,
    /// What `iptables` speaks to, likewise.
    pub backend: IptablesBackend,
    /// What bridges of the host's have that the host's record does not tell of.
    pub switches: &'a BTreeMap<IfName, BridgeSwitches>,
    /// Everything of ours that the kernel has, where it was read back; then the records must hold
    /// *all* domains. Else they must hold those that the wants are of, and those that they
    /// [touch](super::touched).
    pub observed: Option<&'a ReadBack>,
    /// What a reload makes of what all domains share. With it the connections of ports that stay open
    /// are judged by what these may do now. Where only domains come and go they need not be: those of
    /// a domain that goes are forgotten. Where it says how rules are written, the records must hold
    /// all domains.
    pub renewal: Option<&'a Renewal>,
}

/// The records as they will be, and the plan that gets the kernel there.
#[derive(Debug, Clone)]
pub struct Transaction {
    /// What is run.
    pub plan: Plan,
    /// The records once it has run.
    pub after: Records,
}

/// Makes one transaction of these wants. They must have been [admitted](super::admit()), one after
/// the other. Their order decides nothing. With no want it is a repair: everything as the records
/// say.
///
/// What is compiled is what is concerned: the loaded domains, the networks that are new or begin to
/// serve, and the rules of those whose ports decide what is tracked. Where the kernel was read back
/// that is everything; so a later version of this program changes what stands only there, never on
/// the way of some domain's start.
pub fn settle(before: &Records, wants: &[Want], around: Surroundings<'_>) -> Transaction {
    let mut wants: Vec<&Want> = wants.iter().collect();
    wants.sort_by_key(|want| &want.uuid);
    let mut after = before.clone();
    for want in &wants {
        after.add(want);
    }
    let all = around.observed.is_some();
    if all {
        networks::add_lost(&mut after);
    }
    let mut renewed = BTreeSet::new();
    if let Some(renewal) = around.renewal {
        renewed.extend(renewal.note_networks(&mut after));
    }
    if let Some(facts) = around.facts {
        networks::drop_unused(&mut after, facts);
    }
    after.host = host_record(&after, &wants, around);
    lending::note(&mut after, around.switches);
    if let Some(renewal) = around.renewal {
        renewed.extend(renewal.note_options(&mut after));
    }
    let begun = networks::begin_serving(&mut after);
    networks::compile(&mut after, around.machine_id, |id| {
        all || begun.contains(id) || renewed.contains(id)
    });
    networks::retrack(before, &mut after);
    compile_domains(&mut after);

    let noted = || ReadBack::from(before.state());
    let have = around.observed.cloned().unwrap_or_else(noted);
    if let Some(host) = &mut after.host
        && have.state.guard.tables != Tables::Made
    {
        host.guard_chains.clear();
        host.guard_base = base_id(host.capabilities);
    }
    let opening = opened(before, &after);
    let besides = Besides {
        capabilities: after
            .host
            .as_ref()
            .map_or(around.capabilities, |host| host.capabilities),
        fenced: lending::fenced(&after, &opening, around.facts.filter(|_| all)),
        opening,
        forget: forgotten(before, &after, &begun),
        judge: match around.renewal {
            Some(_) => judged(before, &after),
            None => Vec::new(),
        },
    };
    Transaction {
        plan: Plan::between(&have, &after.state(), &besides),
        after,
    }
}

/// Whether anything comes by these wants. Where all of them only close ports and leave networks, a
/// failure is no reason to go back.
pub fn brings(before: &Records, wants: &[Want]) -> bool {
    wants.iter().any(|want| {
        let had = before.domains.get(&want.uuid).map(|record| &record.want);
        let ports = || had.into_iter().flat_map(|had| &had.ports);
        match want.phase {
            Phase::Gone => false,
            // All of what is open is wanted anew where the kernel lost it.
            Phase::Started => {
                let less = ports().count() > want.ports.len()
                    && want.ports.iter().all(|port| ports().any(|had| had == port));
                !less || had.is_none_or(|had| had.phase != Phase::Started)
            }
            Phase::Prepared => {
                let has = |port: &Port| ports().any(|had| had.key() == port.key());
                !want.ports.iter().all(has)
            }
        }
    })
}

/// Whether a domain leaves a network by these wants: somebody must look whether it was the last.
pub fn leaves(before: &Records, wants: &[Want]) -> bool {
    wants.iter().any(|want| {
        let lines = before.index.lines.iter();
        let mut had = lines.filter(|line| line.domain == want.uuid);
        had.any(|line| {
            let stays = |port: &Port| port.network == line.port.network;
            !want.ports.iter().any(stays)
        })
    })
}

/// The host's record stands while any network does.
fn host_record(records: &Records, wants: &[&Want], around: Surroundings<'_>) -> Option<HostRecord> {
    if records.networks.is_empty() {
        return None;
    }
    let fresh = || {
        let comes = |want: &&&Want| want.phase != Phase::Gone;
        let first = wants.iter().find(comes);
        let options = first.map(|want| want.options.clone()).unwrap_or_default();
        let epoch = records.epoch.clone();
        let Surroundings {
            capabilities,
            backend,
            ..
        } = around;
        let (generation, guard_chains) = (None, Vec::new());
        HostRecord {
            epoch,
            generation,
            backend,
            capabilities,
            options,
            besides: Vec::new(),
            lent: BTreeMap::new(),
            guard_chains,
            guard_base: base_id(capabilities),
        }
    };
    Some(records.host.clone().unwrap_or_else(fresh))
}

/// What each loaded domain has. How its rules are written and what its networks are is noted as it
/// stands: its hook may have read another configuration.
fn compile_domains(records: &mut Records) {
    let Some(options) = records.host.as_ref().map(|host| host.options.clone()) else {
        return;
    };
    let here = membership::on_this_host(&records.index);
    for record in records.domains.values_mut() {
        record.want.options = options.clone();
        for network in &mut record.want.networks {
            if let Some(stands) = records.networks.get(&network.id) {
                *network = stands.network.clone();
            }
        }
        let open = record.want.open_ports();
        let members = membership::seen_by(&record.want, &here);
        let open = open.filter_map(|open| {
            let network = records.networks.get(&open.0.network)?;
            let mut state = compile_port(&options, network.zone, open, &members);
            state.merge(&compile_announcement(&network.network, open.0));
            state.merge(&compile_host_side(&options, &network.network, open));
            Some(state)
        });
        let closed = record.want.closed_ports().map(compile_closed_port);
        let parts: Vec<HostState> = open.chain(closed).collect();
        record.applied = HostState::of(&parts);
    }
}

/// The open ports of the loaded domains.
fn open_ports(records: &Records) -> BTreeMap<PortKey, (Tap, Vec<IpAddr>)> {
    let open = records
        .domains
        .values()
        .flat_map(|record| record.want.open_ports());
    open.map(|(port, tap)| (port.key(), (tap.clone(), port.single_addresses().collect())))
        .collect()
}

/// The taps that open. A tap that another port had is one of them.
fn opened(before: &Records, after: &Records) -> Vec<IfName> {
    let had = open_ports(before);
    let is_new = |(key, (tap, _)): &(PortKey, (Tap, _))| {
        let before = had.get(key).map(|(tap, _)| tap);
        before != Some(tap)
    };
    let new = open_ports(after).into_iter().filter(is_new);
    new.map(|(_, (tap, _))| tap.name).collect()
}

/// The ports of domains that come from another host while they run.
fn arriving(before: &Records, after: &Records) -> BTreeSet<PortKey> {
    let ran = |want: &Want| {
        let record = before.domains.get(&want.uuid);
        record.is_some_and(|record| record.want.phase == Phase::Started)
    };
    let wants = after.domains.values().map(|record| &record.want);
    let arriving = wants.filter(|want| want.incoming && !ran(want));
    let ports = arriving.flat_map(Want::open_ports);
    ports.map(|(port, _)| port.key()).collect()
}

/// The connections to forget: all of a zone that comes into use, and those of the addresses of ports
/// that open or close, but for an address that another open port of the network has. A port that stays
/// open changes owner only of the addresses that it gets or gives up. Those of a port that arrives with
/// its running domain are of nobody else: they go on, unless one closes just now that had its address.
fn forgotten(before: &Records, after: &Records, begun: &[NetworkId]) -> Vec<Forget> {
    let (had, has) = (open_ports(before), open_ports(after));
    let arriving = arriving(before, after);
    let changed = |(key, port): &(&PortKey, &(Tap, Vec<IpAddr>))| {
        let arrives = !had.contains_key(*key) && arriving.contains(*key);
        !arrives && (had.get(*key) != Some(*port) || has.get(*key) != Some(*port))
    };
    let mut by_network: BTreeMap<&NetworkId, BTreeSet<IpAddr>> = BTreeMap::new();
    for (key, (_, addresses)) in had.iter().chain(&has).filter(changed) {
        let kept = |ip: &IpAddr| match (had.get(key), has.get(key)) {
            (Some((tap, before)), Some((now, after))) => {
                tap == now && before.contains(ip) && after.contains(ip)
            }
            _ => false,
        };
        let held = |ip: &IpAddr| held_by_another(after, key, *ip, &arriving);
        let free = addresses.iter().filter(|ip| !kept(ip) && !held(ip));
        by_network.entry(&key.network).or_default().extend(free);
    }
    let forget = |id: &NetworkId, addresses: Vec<IpAddr>| {
        let record = after.networks.get(id).or_else(|| before.networks.get(id))?;
        Some(Forget {
            zone: record.zone,
            of: Directions::of(&record.network),
            addresses,
        })
    };
    let all = begun.iter().filter_map(|id| forget(id, Vec::new()));
    let some = by_network
        .into_iter()
        .filter(|(id, addresses)| !begun.contains(id) && !addresses.is_empty())
        .filter_map(|(id, addresses)| forget(id, addresses.into_iter().collect()));
    all.chain(some).collect()
}

/// By one that does not arrive: who has it now is not who closes.
fn held_by_another(
    records: &Records,
    port: &PortKey,
    address: IpAddr,
    arriving: &BTreeSet<PortKey>,
) -> bool {
    records.index.lines.iter().any(|line| {
        line.phase == Phase::Started
            && line.port.network == port.network
            && line.port != *port
            && !arriving.contains(&line.port)
            && line.addresses().any(|net| net == IpNet::from(address))
    })
}
