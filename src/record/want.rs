//! What a domain wants.

use serde::{Deserialize, Serialize};

use super::{Basis, Said};
use crate::event::Call;
use crate::facts::{Epoch, Process};
use crate::firewall::iptables::Options;
use crate::model::{DomainUuid, Network, Port, Tap};
use crate::refusal::Refusal;

/// How far a domain is in its life, as far as the host must serve it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// Nothing of it is left: `release`, or a start that failed.
    Gone,
    /// Its networks are there and closed to it: after `prepare`, and after `stopped`.
    Prepared,
    /// Its ports are open: from `start` to `stopped`.
    Started,
}

/// What a domain wants, written by its own hook before it takes the lock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Want {
    /// Counts this domain's wants; the highest one holds.
    pub generation: u64,
    /// The boot and network namespace it was written in.
    pub epoch: Epoch,
    /// The domain.
    pub uuid: DomainUuid,
    /// The domain's name at that time, for people and for calls that carry nothing else.
    pub name: String,
    /// How far it is.
    pub phase: Phase,
    /// The call that wrote it. Whoever applies the want tells the journal of this one.
    #[serde(default)]
    pub call: Call,
    /// The process that called the hook: while it runs, the domain may be on its way up.
    pub caller: Process,
    /// How its rules are to be written, where nothing stands yet that decides it.
    pub options: Options,
    /// With this want the domain comes from another host while it runs: connections that others
    /// have with it go on when its ports open.
    #[serde(default)]
    pub incoming: bool,
    /// What its ports were resolved from; in a record nothing, for there they are what they are.
    #[serde(default)]
    pub basis: Basis,
    /// What its XML said of its ports; `None` where no XML was seen, or by an earlier version.
    #[serde(default)]
    pub said: Option<Said>,
    /// Its ports on managed networks, resolved.
    pub ports: Vec<Port>,
    /// The networks of these ports, resolved.
    pub networks: Vec<Network>,
}

impl Want {
    /// The ports that are to be open, each with its tap.
    pub fn open_ports(&self) -> impl Iterator<Item = (&Port, &Tap)> {
        let open = |port| Some((port, self.tap_to_open(port)?));
        self.ports.iter().filter_map(open)
    }

    /// The other ports.
    pub fn closed_ports(&self) -> impl Iterator<Item = &Port> {
        let closed = |port: &&Port| self.tap_to_open(port).is_none();
        self.ports.iter().filter(closed)
    }

    fn tap_to_open<'a>(&self, port: &'a Port) -> Option<&'a Tap> {
        port.tap.as_ref().filter(|_| self.phase == Phase::Started)
    }

    /// The refusal of this want, over its interface where it has only one.
    pub fn refusal(&self, cause: impl std::fmt::Display) -> Refusal {
        match self.ports.as_slice() {
            [port] => Refusal::of_interface(&self.name, port.mac, cause),
            _ => Refusal::of_domain(&self.name, cause),
        }
    }

    /// The want after QEMU has ended: its networks stay, its ports have no tap any more.
    #[must_use]
    pub fn closed(&self, generation: u64) -> Self {
        let untapped = |port: &Port| Port {
            tap: None,
            ..port.clone()
        };
        Self {
            generation,
            phase: Phase::Prepared,
            ports: self.ports.iter().map(untapped).collect(),
            ..self.clone()
        }
    }

    /// The want without the ports that are not kept, and without the networks that only those were
    /// on. Where none is kept nothing of the domain is left.
    #[must_use]
    pub fn keeping(&self, generation: u64, keep: impl Fn(&Port) -> bool) -> Self {
        let ports: Vec<Port> = self
            .ports
            .iter()
            .filter(|port| keep(port))
            .cloned()
            .collect();
        if ports.is_empty() {
            return self.gone(generation);
        }
        let used = |network: &&Network| ports.iter().any(|port| port.network == network.id);
        let networks = self.networks.iter().filter(used).cloned().collect();
        Self {
            generation,
            ports,
            networks,
            ..self.clone()
        }
    }

    /// The want after which nothing of the domain is left.
    #[must_use]
    pub fn gone(&self, generation: u64) -> Self {
        Self {
            generation,
            phase: Phase::Gone,
            ports: Vec::new(),
            networks: Vec::new(),
            ..self.clone()
        }
    }

    /// The name of the file that holds it.
    pub fn file(&self) -> String {
        Self::file_of(&self.uuid, self.generation)
    }

    /// The name of the file of this domain's want of this generation.
    pub fn file_of(uuid: &DomainUuid, generation: u64) -> String {
        format!("wants/{uuid}.{generation}")
    }

    /// Domain and generation, from the name of a file in `wants/`; `None` for a name that we do not
    /// give: whoever removes the want must name the same file again.
    pub fn parse_file(name: &str) -> Option<(DomainUuid, u64)> {
        let (uuid, generation) = name.split_once('.')?;
        let (uuid, generation) = (uuid.parse().ok()?, generation.parse().ok()?);
        let ours = Self::file_of(&uuid, generation);
        (ours.strip_prefix("wants/") == Some(name)).then_some((uuid, generation))
    }
}
