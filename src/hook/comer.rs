//! A domain on its way up that has something to do with us.

use anyhow::Result;

use super::asking::{Asking, Stamp};
use super::context::{configured, stands, with_sources};
use super::domain::{Claims, Requested, claims};
use crate::apply::Store;
use crate::apply::journal::{Line, Outcome};
use crate::config::{Config, Fingerprint};
use crate::domain::{Domain, Interface};
use crate::event::Call;
use crate::facts::HostFacts;
use crate::host::Host;
use crate::record::{DomainRecord, Phase, Want};
use crate::refusal::Refusal;
use crate::resolve;

/// A domain on its way up that has something to do with us.
pub(super) struct Comer<'a> {
    pub(super) host: &'a dyn Host,
    pub(super) store: &'a Store<'a>,
    call: Call,
    domain: &'a Domain,
    config: Config,
    configuration: Fingerprint,
    facts: HostFacts,
    record: Option<DomainRecord>,
}

impl<'a> Comer<'a> {
    /// `None` if the domain is none of our business. Then nothing else may matter: no lock, no
    /// configuration, no iptables. Session libvirt, which runs as an ordinary user, may be unable to
    /// read the configuration; then nobody can tell, and a port that nobody opens is closed.
    pub(super) fn of(
        (host, store): (&'a dyn Host, &'a Store<'a>),
        root: bool,
        (call, domain): (Call, &'a Domain),
    ) -> Result<Option<Self>> {
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
        let (config, configuration) = configured(host);
        let comer = Self {
            host,
            store,
            call,
            domain,
            config,
            configuration,
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
        let devices = claims
            .iter()
            .flat_map(|(_, network)| resolve::devices(&self.config, network));
        links.extend(devices.map(|device| device.to_string()));
        let names: Vec<&str> = links.iter().map(String::as_str).collect();
        let facts = self.host.facts_about(&names)?;
        Ok(with_sources(self.host, &self.config, facts)?)
    }

    fn claims(&self) -> Result<Claims<'_>, Refusal> {
        self.claims_of(&self.domain.interfaces)
    }

    fn claims_of<'b>(
        &'b self,
        interfaces: impl IntoIterator<Item = &'b Interface>,
    ) -> Result<Claims<'b>, Refusal> {
        claims(self.domain, interfaces, &self.config, |bridge| {
            stands(self.host, self.store, bridge)
        })
    }

    fn asking(&self) -> Asking<'_> {
        Asking {
            domain: self.domain,
            config: &self.config,
            facts: &self.facts,
            record: self.record.as_ref(),
        }
    }

    /// What its interfaces ask for by the configuration.
    pub(super) fn request(&self) -> Result<Requested> {
        let standing = self.store.networks()?;
        let requested = self.asking().by_configuration(self.claims()?, &standing)?;
        Ok(self.warned(requested))
    }

    /// Tells the journal what is let in with a warning.
    fn warned(&self, requested: Requested) -> Requested {
        let Domain { name, uuid, .. } = self.domain;
        for (mac, warning) in &requested.warnings {
            let interface = mac.to_string();
            let line = Line {
                domain: Some(name),
                uuid: Some(uuid),
                interface: Some(&interface),
                ..Line::of_host(self.call, Outcome::Warned)
            };
            let message = format!("domain {name}, interface {mac}, let in: {warning}");
            line.write(self.host, &message);
        }
        requested
    }

    /// What its interfaces ask for, each with its tap.
    pub(super) fn request_with_taps(&self) -> Result<Requested> {
        self.asking().with_taps(|new| {
            let claims = self.claims_of(new.iter().copied())?;
            let standing = self.store.networks()?;
            Ok(self.warned(self.asking().by_configuration(claims, &standing)?))
        })
    }

    /// The want for this.
    pub(super) fn want(&self, phase: Phase, requested: Requested) -> Result<Want> {
        let stamp = Stamp {
            generation: self.store.next_generation(&self.domain.uuid)?,
            epoch: self.store.epoch().clone(),
            caller: self.host.caller(),
            call: self.call,
            configuration: Some(self.configuration.clone()),
        };
        Ok(self.asking().want(phase, requested, stamp)?)
    }

    /// Whether this is what was applied last.
    pub(super) fn has(&self, want: &Want) -> bool {
        self.record.as_ref().is_some_and(|record| {
            (&record.want.ports, record.want.phase) == (&want.ports, want.phase)
        })
    }
}
