//! A domain on its way up that has something to do with us.

use anyhow::Result;

use super::context::{load_config, stands};
use super::domain::{Against, Claims, Requested, add, claims, options, refusal};
use crate::apply::Store;
use crate::config::Config;
use crate::domain::{Domain, Interface};
use crate::facts::HostFacts;
use crate::host::Host;
use crate::model::{Network, Port};
use crate::record::{DomainRecord, Phase, Want};
use crate::refusal::Refusal;
use crate::resolve;

/// A domain on its way up that has something to do with us.
pub(super) struct Comer<'a> {
    pub(super) host: &'a dyn Host,
    pub(super) store: Store<'a>,
    domain: &'a Domain,
    config: Config,
    facts: HostFacts,
    record: Option<DomainRecord>,
}

impl<'a> Comer<'a> {
    /// `None` if the domain is none of our business. Then nothing else may matter: no lock, no
    /// configuration, no iptables. Session libvirt, which runs as an ordinary user, may be unable to
    /// read the configuration; then nobody can tell, and a port that nobody opens is closed.
    pub(super) fn of(host: &'a dyn Host, root: bool, domain: &'a Domain) -> Result<Option<Self>> {
        let store = Store::open(host)?;
        let record = if root {
            store.domain(&domain.uuid)?
        } else {
            None
        };
        let bridged = domain
            .interfaces
            .iter()
            .any(|interface| interface.bridge.is_some());
        if record.is_none() && !bridged {
            return Ok(None);
        }
        let config = load_config(host);
        let comer = Self {
            host,
            store,
            domain,
            config,
            facts: HostFacts::default(),
            record,
        };
        if !root && comer.config.incomplete().is_some() {
            return Ok(None);
        }
        if comer.record.is_none() && comer.claims()?.is_empty() {
            return Ok(None);
        }
        if !root {
            let cause =
                "its interfaces are vmhook's, which only serves the system's libvirt (root)";
            return Err(Refusal::of_domain(&domain.name, cause).into());
        }
        let facts = comer.read_facts()?;
        Ok(Some(Self { facts, ..comer }))
    }

    /// What the host has of the links that its interfaces name, now or soon.
    fn read_facts(&self) -> Result<HostFacts> {
        let interfaces = self.domain.interfaces.iter();
        let both = interfaces.flat_map(|interface| [&interface.bridge, &interface.target]);
        let mut links: Vec<String> = both.flatten().cloned().collect();
        let claims = self.claims().unwrap_or_default();
        links.extend(
            claims
                .iter()
                .map(|(_, network)| resolve::device(network).to_string()),
        );
        let names: Vec<&str> = links.iter().map(String::as_str).collect();
        Ok(self.host.facts_about(&names)?)
    }

    fn claims(&self) -> Result<Claims<'_>, Refusal> {
        claims(self.domain, &self.config, |bridge| {
            stands(self.host, &self.store, bridge)
        })
    }

    /// What its interfaces ask for by the configuration.
    pub(super) fn request(&self) -> Result<Requested> {
        let mut requested = Requested::default();
        let standing = self.store.networks()?;
        let against = Against {
            config: &self.config,
            facts: &self.facts,
            standing: &standing,
        };
        for (interface, network) in self.claims()? {
            add(&mut requested, (interface, network), self.domain, against)
                .map_err(|cause| refusal(&self.domain.name, interface, cause))?;
        }
        Ok(requested)
    }

    /// What its interfaces ask for, each with its tap: as it was resolved at `prepare`, so that a
    /// configuration that changed meanwhile changes nothing. What appears only now is resolved now:
    /// an interface of a libvirt network had no bridge at `prepare`.
    pub(super) fn request_with_taps(&self) -> Result<Requested> {
        let known = |interface: &Interface| self.recorded(interface).is_some();
        let all_known = self
            .domain
            .interfaces
            .iter()
            .filter(|it| it.bridge.is_some())
            .all(known);
        let fresh = if all_known {
            Requested::default()
        } else {
            self.request()?
        };
        let mut requested = Requested::default();
        for interface in &self.domain.interfaces {
            let refuse = |cause| refusal(&self.domain.name, interface, cause);
            let recorded = self.recorded(interface);
            let Some((port, network)) = recorded.or_else(|| fresh.port_of(interface)) else {
                continue;
            };
            let mut port = port.clone();
            resolve::attach(&mut port, interface, network, &self.facts).map_err(refuse)?;
            requested.add(network.clone(), port);
        }
        Ok(requested)
    }

    /// What `prepare` resolved for an interface; not what `port-created` could not.
    fn recorded(&self, interface: &Interface) -> Option<(&Port, &Network)> {
        let want = &self.record.as_ref()?.want;
        let found = super::domain::port_of(&want.ports, &want.networks, interface)?;
        (!found.0.fixed_ips.is_empty()).then_some(found)
    }

    /// The want for this.
    pub(super) fn want(&self, phase: Phase, requested: Requested) -> Result<Want> {
        let refuse = |cause| Refusal::of_domain(&self.domain.name, cause);
        Ok(Want {
            generation: self.store.next_generation(&self.domain.uuid)?,
            epoch: self.store.epoch().clone(),
            uuid: self.domain.uuid.clone(),
            name: self.domain.name.clone(),
            phase,
            caller: self.host.caller(),
            options: match &self.record {
                Some(record) => record.want.options.clone(),
                None => options(&self.config).map_err(refuse)?,
            },
            ports: requested.ports,
            networks: requested.networks,
        })
    }

    /// Whether this is what was applied last.
    pub(super) fn has(&self, want: &Want) -> bool {
        self.record.as_ref().is_some_and(|record| {
            (&record.want.ports, record.want.phase) == (&want.ports, want.phase)
        })
    }
}
