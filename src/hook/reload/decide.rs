//! What a configuration makes of the domains that run.

use super::Rewritten;
use crate::apply::Standing;
use crate::config::{Config, NetworkConfig, NetworkKindConfig};
use crate::hook::domain::{Against, network, options};
use crate::hook::plug::is_unresolved;
use crate::model::{IfName, Network, NetworkKind, Port};
use crate::record::Want;
use crate::refusal::Refusal;
use crate::resolve::{self, Claimed, Sources};

/// What a configuration makes of the domains that run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Decision {
    /// What every domain wants by it; most of them as before.
    pub wants: Vec<Want>,
    /// The ports that it changes.
    pub changes: Vec<Rewritten>,
    /// What it says otherwise and a reload does not serve.
    pub notes: Vec<String>,
    /// Domains of whose ports nobody knows what they would be: they stay as they were.
    pub unknown: Vec<String>,
}

/// What this configuration makes of what stands. Pure.
///
/// # Errors
/// The refusal of each interface that cannot be had under it.
pub fn decide(config: &Config, standing: Standing<'_>) -> Result<Decision, Vec<Refusal>> {
    let mut decision = Decision::default();
    let mut refusals = Vec::new();
    for want in standing.wants {
        let again = Again {
            config,
            standing,
            want,
        };
        match again.decide(&mut decision) {
            Ok(decided) => decision.wants.push(decided),
            Err(refusal) => refusals.push(refusal),
        }
    }
    decision.notes.extend(fixed_options(config, standing));
    decision.notes.sort();
    decision.notes.dedup();
    if refusals.is_empty() {
        Ok(decision)
    } else {
        Err(refusals)
    }
}

/// How rules are written is one thing for all that stands.
fn fixed_options(config: &Config, standing: Standing<'_>) -> Option<String> {
    let stands = &standing.records.host.as_ref()?.options;
    let says = options(config).ok()?;
    (says != *stands).then(|| {
        "[firewall] says otherwise how rules are written: that counts once every machine of this \
         host with a port has stopped"
            .to_owned()
    })
}

/// A domain, resolved again.
#[derive(Clone, Copy)]
struct Again<'a> {
    config: &'a Config,
    standing: Standing<'a>,
    want: &'a Want,
}

impl<'a> Again<'a> {
    fn decide(self, decision: &mut Decision) -> Result<Want, Refusal> {
        let Self { want, .. } = self;
        let Some(said) = &want.said else {
            decision
                .unknown
                .extend((!want.ports.is_empty()).then(|| want.name.clone()));
            return Ok(want.clone());
        };
        let domain = said.domain(&want.name, &want.uuid);
        let mut decided = Want {
            ports: Vec::new(),
            networks: Vec::new(),
            ..want.clone()
        };
        for port in &want.ports {
            let refuse = |cause: String| Refusal::of_interface(&want.name, port.mac, cause);
            let (of_network, network) = self.network(port, decision).map_err(refuse)?;
            if decided.networks.iter().all(|other| other.id != network.id) {
                decided.networks.push(network);
            }
            if is_unresolved(port) {
                decided.ports.push(port.clone());
                continue;
            }
            let from = Sources {
                config: self.config,
                network: of_network,
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

    /// The port's network: as it stands, unless the configuration wants another tunnel for it.
    fn network(
        self,
        port: &Port,
        decision: &mut Decision,
    ) -> Result<(&'a NetworkConfig, Network), String> {
        let networks = &self.want.networks;
        let stands = networks.iter().find(|network| network.id == port.network);
        let stands = stands.ok_or("its record names no network for it")?;
        let bridge = stands.bridge.as_str();
        let of_network = match resolve::ours(bridge, self.config, || true) {
            Claimed::Ours(network) if network.id == port.network => network,
            Claimed::Ours(network) => {
                let name = &network.name;
                return Err(format!(
                    "bridge {bridge} is now network {name}'s, another one; stop the domain first"
                ));
            }
            Claimed::Broken(cause) => return Err(cause),
            Claimed::NotOurs => return Err(format!("bridge {bridge} is not managed any more")),
        };
        let against = Against {
            config: self.config,
            facts: self.standing.facts,
            standing: &self.standing.records.networks,
        };
        match network(of_network, against) {
            Ok(network) => {
                decision.notes.extend(other_peers(of_network, &network));
                Ok((of_network, network))
            }
            Err(cause) => {
                let name = &stands.name;
                decision
                    .notes
                    .push(format!("network {name} stays as it was made: {cause}"));
                Ok((of_network, stands.clone()))
            }
        }
    }
}

fn other_peers(says: &NetworkConfig, stands: &Network) -> Option<String> {
    let (NetworkKindConfig::Vxlan(says), NetworkKind::Vxlan(vxlan)) = (&says.kind, &stands.kind)
    else {
        return None;
    };
    (says.flood != vxlan.flood).then(|| {
        format!(
            "network {} keeps the peers (flood) that it was made with until no machine of this host \
             is on it",
            stands.name
        )
    })
}
