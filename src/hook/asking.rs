//! What a domain on its way up asks for. The hooks and their rehearsal ask alike.

use std::collections::BTreeMap;

use super::domain::{Against, Claims, Requested, add, options, port_of, refusal};
use crate::config::{Config, Fingerprint};
use crate::domain::{Domain, Interface};
use crate::event::Call;
use crate::facts::{Epoch, HostFacts, Process};
use crate::model::{Network, NetworkId, Port};
use crate::record::{Basis, DomainRecord, NetworkRecord, Phase, Said, Want};
use crate::refusal::Refusal;
use crate::resolve;

/// A domain on its way up, and all that decides what it asks for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asking<'a> {
    pub(super) domain: &'a Domain,
    pub(super) config: &'a Config,
    pub(super) facts: &'a HostFacts,
    /// What was applied for it last.
    pub(super) record: Option<&'a DomainRecord>,
}

/// Which of the domain's wants it is, and whose.
pub(super) struct Stamp {
    pub(super) generation: u64,
    pub(super) epoch: Epoch,
    pub(super) caller: Process,
    pub(super) call: Call,
    /// That of the configuration that it was resolved from.
    pub(super) configuration: Option<Fingerprint>,
}

impl<'a> Asking<'a> {
    /// What its interfaces ask for by the configuration.
    pub(super) fn by_configuration(
        self,
        claims: Claims<'_>,
        standing: &BTreeMap<NetworkId, NetworkRecord>,
    ) -> Result<Requested, Refusal> {
        let mut requested = Requested::default();
        let against = Against {
            config: self.config,
            facts: self.facts,
            standing,
        };
        for (interface, network) in claims {
            add(&mut requested, (interface, network), self.domain, against)
                .map_err(|cause| refusal(&self.domain.name, interface, cause))?;
        }
        Ok(requested)
    }

    /// What its interfaces ask for, each with its tap: as it was resolved at `prepare`, so that a
    /// configuration that changed meanwhile changes nothing. What appears only now is resolved now,
    /// by `fresh`: an interface of a libvirt network had no bridge at `prepare`, and one that was
    /// plugged in was not there.
    pub(super) fn with_taps<E: From<Refusal>>(
        self,
        fresh: impl FnOnce(&[&'a Interface]) -> Result<Requested, E>,
    ) -> Result<Requested, E> {
        let bridged = self.domain.interfaces.iter();
        let new = bridged.filter(|it| it.bridge.is_some() && self.recorded(it).is_none());
        let new: Vec<&Interface> = new.collect();
        let fresh = if new.is_empty() {
            Requested::default()
        } else {
            fresh(&new)?
        };
        let mut requested = Requested::default();
        for interface in &self.domain.interfaces {
            let recorded = self.recorded(interface);
            let Some((port, network)) = recorded.or_else(|| fresh.port_of(interface)) else {
                continue;
            };
            if recorded.is_some() {
                requested.recorded.insert(port.key());
            }
            let mut port = port.clone();
            resolve::attach(&mut port, interface, network, self.facts)
                .map_err(|cause| refusal(&self.domain.name, interface, cause))?;
            requested.add(network.clone(), port);
        }
        Ok(requested)
    }

    /// What was resolved for an interface before; `port-created` could not.
    fn recorded(self, interface: &Interface) -> Option<(&'a Port, &'a Network)> {
        let want = &self.record?.want;
        let found = port_of(&want.ports, &want.networks, interface)?;
        found.0.is_resolved().then_some(found)
    }

    /// The want for this.
    pub(super) fn want(
        self,
        phase: Phase,
        requested: Requested,
        stamp: Stamp,
    ) -> Result<Want, Refusal> {
        let refuse = |cause| Refusal::of_domain(&self.domain.name, cause);
        Ok(Want {
            generation: stamp.generation,
            epoch: stamp.epoch,
            uuid: self.domain.uuid.clone(),
            name: self.domain.name.clone(),
            phase,
            call: stamp.call,
            caller: stamp.caller,
            options: match self.record {
                Some(record) => record.want.options.clone(),
                None => options(self.config).map_err(refuse)?,
            },
            incoming: false,
            basis: Basis {
                recorded: requested.recorded,
                configuration: stamp.configuration,
            },
            said: Some(Said::by(self.domain)),
            ports: requested.ports,
            networks: requested.networks,
        })
    }
}
