//! The calls of a domain's life, on values.

use std::collections::BTreeMap;
use std::fmt;

use super::World;
use crate::config::Config;
use crate::domain::{Domain, Interface};
use crate::event::Call;
use crate::facts::Process;
use crate::hook::asking::{Asking, Stamp};
use crate::hook::domain::{Against, Claims, Requested, claims, network as of_network, refusal};
use crate::model::{IfName, MacAddr, Port, PortSecurity};
use crate::plan::Plan;
use crate::record::{DomainRecord, Phase, Want};
use crate::refusal::Refusal;
use crate::resolve::{self, ResolvedPort, Sources};
use crate::transaction::{Surroundings, admit, settle};

/// A call that changes something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Act {
    /// Before anything exists.
    Prepare,
    /// The taps exist and are up; QEMU does not run.
    Start,
    /// QEMU is gone, and its taps: undoes `start`.
    Stopped,
    /// Everything of it is gone: undoes `prepare`, and what the first `start` gave the network.
    Release,
}

impl fmt::Display for Act {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Prepare => "prepare",
            Self::Start => "start",
            Self::Stopped => "stopped",
            Self::Release => "release",
        })
    }
}

/// A domain on its way through a [`World`].
#[derive(Debug)]
pub struct Rehearsal<'a> {
    config: &'a Config,
    domain: Domain,
    taps: BTreeMap<MacAddr, IfName>,
    world: World,
}

impl<'a> Rehearsal<'a> {
    /// A domain before its first call. `taps` names the taps whose name libvirt would choose.
    ///
    /// # Errors
    /// If `taps` names an interface that is not there, or one that has a name already.
    pub fn new(
        config: &'a Config,
        mut domain: Domain,
        taps: BTreeMap<MacAddr, IfName>,
        world: World,
    ) -> Result<Self, Refusal> {
        for interface in &mut domain.interfaces {
            forget_chosen_name(interface, &world);
        }
        for (mac, tap) in &taps {
            let mut with_it = domain.interfaces.iter().filter(|it| it.mac == Ok(*mac));
            let cause = match with_it.next().map(|it| it.target.as_deref()) {
                None => "the domain has no interface with this MAC address".to_owned(),
                Some(Some(named)) if named != tap.as_str() => {
                    format!("its tap is named {named} in the XML, not {tap}")
                }
                Some(_) => continue,
            };
            return Err(Refusal::of_interface(&domain.name, *mac, cause));
        }
        Ok(Self {
            config,
            domain,
            taps,
            world,
        })
    }

    /// Whether the domain has an interface of ours, or something is recorded for it.
    ///
    /// # Errors
    /// An interface on a managed bridge of which nobody can tell how it is managed.
    pub fn concerns_us(&self) -> Result<bool, Refusal> {
        Ok(self.record().is_some() || !self.claims()?.is_empty())
    }

    /// The calls by which the domain comes to run. Of one that was started only what its next call
    /// would repair.
    pub fn until_it_runs(&self) -> &'static [Act] {
        match self.record().map(|record| record.want.phase) {
            Some(Phase::Started) => &[Act::Start],
            _ => &[Act::Prepare, Act::Start],
        }
    }

    /// What the world is like now.
    pub fn world(&self) -> &World {
        &self.world
    }

    /// What the configuration checks less of than of others, and whose guest may send more than its
    /// network carries: each such interface, in words.
    ///
    /// # Errors
    /// The refusal of an interface.
    pub fn remarks(&self) -> Result<Vec<String>, Refusal> {
        let mut words = Vec::new();
        for (interface, network) in self.claims()? {
            let from = Sources {
                config: self.config,
                network,
                domain: Some(&self.domain),
            };
            let refuse = |cause| refusal(&self.domain.name, interface, cause);
            let mac = interface.mac.clone();
            let mac = mac.map_err(|error| refuse(error.to_string()))?;
            let ResolvedPort { port, origins } = resolve::port(mac, None, from).map_err(refuse)?;
            if port.security != PortSecurity::Hardened {
                let said = origins.security;
                words.push(format!("interface {mac} is {} ({said})", port.security));
            }
            let against = Against {
                config: self.config,
                facts: &self.world.facts,
                standing: &self.world.records.networks,
            };
            // Where it cannot be had, the acts say so.
            let Ok(network) = of_network(network, against) else {
                continue;
            };
            let untold = resolve::untold_mtu(interface, &network).map_err(refuse)?;
            words.extend(untold.map(|untold| format!("interface {mac}: {untold}")));
        }
        Ok(words)
    }

    /// Plays what comes before a call in the domain's life.
    ///
    /// # Errors
    /// The refusal of one of those calls.
    pub fn advance_to(&mut self, act: Act) -> Result<(), Refusal> {
        let phase = self.record().map(|record| record.want.phase);
        let before: &[Act] = match (act, phase) {
            (Act::Start, None) => &[Act::Prepare],
            (Act::Stopped, None) => &[Act::Prepare, Act::Start],
            (Act::Stopped, Some(Phase::Prepared)) => &[Act::Start],
            (Act::Release, None) => &[Act::Prepare, Act::Start, Act::Stopped],
            (Act::Release, Some(Phase::Started)) => &[Act::Stopped],
            _ => &[],
        };
        before.iter().try_for_each(|act| self.play(*act).map(drop))
    }

    /// Plays one call: what it would run.
    ///
    /// # Errors
    /// Why it would be refused.
    pub fn play(&mut self, act: Act) -> Result<Plan, Refusal> {
        let want = match act {
            Act::Prepare => {
                let requested = self.request()?;
                self.want(Phase::Prepared, requested)?
            }
            Act::Start => {
                self.make_taps()?;
                let requested = self.asking().with_taps(|new| {
                    let claims = self.claims_of(new.iter().copied())?;
                    self.asking()
                        .by_configuration(claims, &self.world.records.networks)
                })?;
                self.want(Phase::Started, requested)?
            }
            Act::Stopped | Act::Release => match self.leave(act) {
                Some(want) => want,
                None => return Ok(Plan::default()),
            },
        };
        self.settle(want)
    }

    fn record(&self) -> Option<&DomainRecord> {
        self.world.records.domains.get(&self.domain.uuid)
    }

    fn claims(&self) -> Result<Claims<'_>, Refusal> {
        self.claims_of(&self.domain.interfaces)
    }

    fn claims_of<'b>(
        &'b self,
        interfaces: impl IntoIterator<Item = &'b Interface>,
    ) -> Result<Claims<'b>, Refusal> {
        claims(&self.domain, interfaces, self.config, |bridge| {
            self.world.stands(bridge)
        })
    }

    fn asking(&self) -> Asking<'_> {
        Asking {
            domain: &self.domain,
            config: self.config,
            facts: &self.world.facts,
            record: self.record(),
        }
    }

    fn request(&self) -> Result<Requested, Refusal> {
        let standing = &self.world.records.networks;
        self.asking().by_configuration(self.claims()?, standing)
    }

    /// The tap's name: the domain's, or the one that was given for it.
    fn tap_of(&self, interface: &Interface) -> Option<IfName> {
        let named = interface
            .target
            .as_deref()
            .and_then(|name| name.parse().ok());
        let given = interface
            .mac
            .as_ref()
            .ok()
            .and_then(|mac| self.taps.get(mac));
        named.or_else(|| given.cloned())
    }

    /// What libvirt does between `prepare` and `start`: each interface has a tap now, and the XML
    /// its name.
    fn make_taps(&mut self) -> Result<(), Refusal> {
        let mut taps = Vec::new();
        for (interface, network) in self.claims()? {
            let refuse = |cause| refusal(&self.domain.name, interface, cause);
            let tap = self.tap_of(interface).ok_or_else(|| {
                let mac = interface
                    .mac
                    .as_ref()
                    .map_or("MAC".to_owned(), MacAddr::to_string);
                refuse(format!(
                    "libvirt chooses the name of its tap at each start, also where the XML of a machine \
                     that ran says vnet0; give one with --tap {mac}=NAME"
                ))
            })?;
            let records = &self.world.records.networks;
            let made = records.get(&network.id).map(|record| record.network.mtu);
            let own = interface
                .mtu
                .clone()
                .map_err(|error| refuse(error.to_string()))?;
            let mtu = own
                .or(made)
                .ok_or_else(|| refuse("its network is not there".to_owned()))?;
            taps.push((tap, network.bridge.clone(), mtu));
        }
        for (tap, bridge, mtu) in &taps {
            self.world.add_tap(tap, bridge, *mtu);
        }
        let named = |interface: &Interface| self.tap_of(interface).map(String::from);
        let targets: Vec<_> = self.domain.interfaces.iter().map(named).collect();
        for (interface, target) in self.domain.interfaces.iter_mut().zip(targets) {
            interface.target = target.or_else(|| interface.target.take());
        }
        Ok(())
    }

    fn want(&self, phase: Phase, requested: Requested) -> Result<Want, Refusal> {
        let stamp = Stamp {
            generation: 1 + self.record().map_or(0, |record| record.want.generation),
            epoch: self.world.records.epoch.clone(),
            caller: Process::NOBODY,
            call: Call::Unknown,
            configuration: None,
        };
        self.asking().want(phase, requested, stamp)
    }

    /// The want of a domain whose QEMU has ended; its taps have gone with it.
    fn leave(&mut self, act: Act) -> Option<Want> {
        let last = self.record()?.want.clone();
        let taps = last
            .ports
            .iter()
            .filter_map(|port: &Port| port.tap.as_ref());
        taps.for_each(|tap| self.world.remove_tap(tap));
        let generation = last.generation + 1;
        Some(match act {
            Act::Stopped => last.closed(generation),
            _ => last.gone(generation),
        })
    }

    fn settle(&mut self, want: Want) -> Result<Plan, Refusal> {
        let world = &mut self.world;
        admit(&want, &world.records)?;
        let observed = world.observed.take();
        let switches = world.switches();
        let around = Surroundings {
            switches: &switches,
            facts: Some(&world.facts),
            machine_id: &world.machine_id,
            capabilities: world.capabilities,
            backend: world.backend,
            observed: observed.as_ref(),
            renewal: None,
        };
        let transaction = settle(&world.records, &[want], around);
        world.records = transaction.after;
        world.follow_records();
        Ok(transaction.plan)
    }
}

/// libvirt chooses a tap's name where the XML gives none, a pattern, or `vnet` and a number, which
/// it takes for an earlier choice of its own. The XML of a machine that runs here says what it chose.
fn forget_chosen_name(interface: &mut Interface, world: &World) {
    let is_there = |name: &str| world.facts.links.iter().any(|link| link.name == name);
    let chosen = |name: &String| {
        let number = name.strip_prefix("vnet");
        let vnet = number.is_some_and(|number| number.bytes().all(|byte| byte.is_ascii_digit()));
        name.contains('%') || (vnet && !is_there(name))
    };
    interface.target.take_if(|name| chosen(name));
}
