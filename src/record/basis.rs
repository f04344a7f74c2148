//! What a want was resolved from, so that whoever applies it can see whether that still holds.
//!
//! A hook resolves before it has the lock, and a reload may come in between. What the hook took from
//! its domain's record it therefore names and does not fix: it is taken from the record again by who
//! applies the want. What it resolved from the configuration holds as long as that is the same.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{DomainRecord, Want};
use crate::config::Fingerprint;
use crate::model::{Port, PortKey};

/// What the ports of a want were resolved from. The default is a want that is what it says, whatever
/// happened since; so are those of earlier versions.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Basis {
    /// The ports that the domain's record had: what they may is the record's to say.
    pub recorded: BTreeSet<PortKey>,
    /// The configuration that decided about the others.
    pub configuration: Option<Fingerprint>,
}

impl Basis {
    /// Of a want all of whose ports are the record's.
    pub fn recorded<'a>(ports: impl IntoIterator<Item = &'a Port>) -> Self {
        Self {
            recorded: ports.into_iter().map(Port::key).collect(),
            configuration: None,
        }
    }
}

impl Want {
    /// The configuration that decided about any of its ports, where one did.
    pub fn configuration(&self) -> Option<&Fingerprint> {
        let mut ports = self.ports.iter();
        let by_it = ports.any(|port| !self.basis.recorded.contains(&port.key()));
        self.basis.configuration.as_ref().filter(|_| by_it)
    }

    /// The want upon what is recorded of its domain now. Ports that were the record's have all but
    /// their tap from there; those that somebody has taken out of it meanwhile are gone.
    #[must_use]
    pub fn upon(self, record: Option<&DomainRecord>) -> Self {
        if self.basis.recorded.is_empty() {
            return self;
        }
        let stands = |port: &Port| {
            let mut ports = record.into_iter().flat_map(|record| &record.want.ports);
            ports.find(|had| had.key() == port.key())
        };
        let is_recorded = |port: &Port| self.basis.recorded.contains(&port.key());
        let kept = |port: &Port| !is_recorded(port) || stands(port).is_some();
        let mut want = if self.ports.iter().all(kept) {
            self.clone()
        } else {
            self.keeping(self.generation, kept)
        };
        for port in want.ports.iter_mut().filter(|port| is_recorded(port)) {
            if let Some(had) = stands(port) {
                *port = Port {
                    tap: port.tap.take(),
                    ..had.clone()
                };
            }
        }
        want
    }
}
