//! What became of a domain's interfaces, for people.

use std::collections::BTreeMap;
use std::fmt;

use crate::model::{MacAddr, Port, PortKey, Tap};
use crate::record::Want;

/// What became of one of a domain's ports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The interface.
    pub mac: MacAddr,
    /// The network's name.
    pub network: String,
    /// What became of the port.
    pub outcome: Outcome,
}

/// What became of a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It is open on this tap, and was before.
    Kept(Tap),
    /// It is open on this tap, and was not before.
    Opened(Tap),
    /// It was open.
    Closed,
}

impl Change {
    /// What became of the ports between these two wants of a domain: first what has closed.
    pub(super) fn between(before: Option<&Want>, after: Option<&Want>) -> Vec<Self> {
        let (had, has) = (open(before), open(after));
        let closed = had.iter().filter(|(key, _)| !has.contains_key(*key));
        let closed = closed.map(|(key, (network, _))| Self::of(key, network, Outcome::Closed));
        let open = has.iter().map(|(key, (network, tap))| {
            let kept = had.get(key).is_some_and(|(_, before)| before == tap);
            let outcome = if kept { Outcome::Kept } else { Outcome::Opened };
            Self::of(key, network, outcome((*tap).clone()))
        });
        closed.chain(open).collect()
    }

    fn of(key: &PortKey, network: &str, outcome: Outcome) -> Self {
        Self {
            mac: key.mac,
            network: network.to_owned(),
            outcome,
        }
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { mac, network, .. } = self;
        write!(f, "interface {mac}: ")?;
        match &self.outcome {
            Outcome::Kept(tap) => {
                write!(f, "open on network {network}, tap {}, as before", tap.name)
            }
            Outcome::Opened(tap) => write!(f, "opened on network {network}, tap {}", tap.name),
            Outcome::Closed => write!(f, "closed on network {network}"),
        }
    }
}

/// The open ports, each with its network's name and its tap.
fn open<'a>(want: Option<&'a Want>) -> BTreeMap<PortKey, (&'a str, &'a Tap)> {
    let Some(want) = want else {
        return BTreeMap::new();
    };
    let named = |(port, tap): (&'a Port, &'a Tap)| {
        let network = want.networks.iter().find(|it| it.id == port.network);
        let name = network.map_or(port.network.as_str(), |network| network.name.as_str());
        (port.key(), (name, tap))
    };
    want.open_ports().map(named).collect()
}
