//! What a configuration makes of the domains that run.

use super::Rewritten;
use super::shared::Shared;
use crate::apply::{Decided, Standing};
use crate::config::{Config, NetworkConfig};
use crate::model::{IfName, Network, Port};
use crate::record::Want;
use crate::refusal::Refusal;
use crate::resolve::{self, Claimed, Sources};
use crate::transaction::Renewal;

/// What a configuration makes of the domains that run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Decision {
    /// What every domain wants by it; most of them as before.
    pub wants: Vec<Want>,
    /// What it makes of all that no domain owns.
    pub renewal: Renewal,
    /// The same for people, by what it is about.
    pub shared: Vec<String>,
    /// The ports that it changes.
    pub changes: Vec<Rewritten>,
    /// What it says otherwise and a reload does not serve.
    pub notes: Vec<String>,
    /// Networks that stay as they were made: what it says of them cannot be had, so whoever starts on
    /// one is refused.
    pub left: Vec<String>,
    /// Domains of whose ports nobody knows what they would be: they stay as they were.
    pub unknown: Vec<String>,
}

impl Decision {
    /// What is to become true.
    pub(super) fn decided(&self) -> Decided {
        Decided {
            wants: self.wants.clone(),
            renewal: self.renewal.clone(),
        }
    }
}

/// What this configuration makes of what stands. Pure.
///
/// # Errors
/// The refusal of each interface that cannot be had under it.
pub fn decide(config: &Config, standing: Standing<'_>) -> Result<Decision, Vec<Refusal>> {
    let shared = Shared::of(config, standing);
    let mut decision = Decision {
        renewal: shared.renewal.clone(),
        shared: shared.changes.clone(),
        notes: shared.notes.clone(),
        left: shared.left.clone(),
        ..Decision::default()
    };
    let mut refusals = Vec::new();
    for want in standing.wants {
        let again = Again {
            config,
            shared: &shared,
            want,
        };
        match again.decide(&mut decision) {
            Ok(decided) => decision.wants.push(decided),
            Err(refusal) => refusals.push(refusal),
        }
    }
    if refusals.is_empty() {
        Ok(decision)
    } else {
        Err(refusals)
    }
}

/// A domain, resolved again.
#[derive(Clone, Copy)]
struct Again<'a> {
    config: &'a Config,
    shared: &'a Shared,
    want: &'a Want,
}

impl<'a> Again<'a> {
    fn decide(self, decision: &mut Decision) -> Result<Want, Refusal> {
        let Self { want, shared, .. } = self;
        let options = shared.renewal.options.as_ref().unwrap_or(&want.options);
        let mut decided = Want {
            ports: Vec::new(),
            networks: want.networks.iter().map(|it| self.now(it)).collect(),
            options: options.clone(),
            ..want.clone()
        };
        let Some(said) = &want.said else {
            decision
                .unknown
                .extend((!want.ports.is_empty()).then(|| want.name.clone()));
            decided.ports.clone_from(&want.ports);
            return Ok(decided);
        };
        let domain = said.domain(&want.name, &want.uuid);
        for port in &want.ports {
            let refuse = |cause: String| Refusal::of_interface(&want.name, port.mac, cause);
            let network = self.network(port).map_err(refuse)?;
            if !port.is_resolved() {
                decided.ports.push(port.clone());
                continue;
            }
            let from = Sources {
                config: self.config,
                network,
                domain: Some(&domain),
            };
            let target = port.target.as_ref().map(IfName::as_str);
            let resolved = resolve::port(port.mac, target, from).map_err(refuse)?;
            let now = Port {
                tap: port.tap.clone(),
                ..resolved.port
            };
            decision.changes.extend(Rewritten::of(want, port, &now));
            decided.ports.push(now);
        }
        Ok(decided)
    }

    /// A network of the domain's as the configuration has it. One with another tunnel is refused
    /// under the lock, with both.
    fn now(self, stands: &Network) -> Network {
        let now = self.shared.networks.get(&stands.id);
        now.unwrap_or(stands).clone()
    }

    /// What the configuration says of the port's network.
    fn network(self, port: &Port) -> Result<&'a NetworkConfig, String> {
        let mut networks = self.want.networks.iter();
        let stands = networks.find(|network| network.id == port.network);
        let bridge = &stands.ok_or("its record names no network for it")?.bridge;
        match resolve::ours(bridge.as_str(), self.config, || true) {
            Claimed::Ours(network) if network.id == port.network => Ok(network),
            Claimed::Ours(network) => Err(format!(
                "bridge {bridge} is now network {}'s, another one; stop the domain first",
                network.name
            )),
            Claimed::Broken(cause) => Err(cause),
            Claimed::NotOurs => Err(format!("bridge {bridge} is not managed any more")),
        }
    }
}
