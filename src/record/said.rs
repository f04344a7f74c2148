//! What a domain's XML said of its ports, for whoever has to resolve them again without the XML.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::domain::{Domain, NovaPort, PortMetadata};
use crate::model::DomainUuid;

/// What a domain's metadata said when its XML was seen last.
///
/// What could not be read is not in it: of an interface of ours the domain would have been refused
/// for it, but where the configuration says the same thing first. If it no longer does, nothing is
/// known.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Said {
    /// Our own metadata.
    pub metadata: Vec<PortMetadata>,
    /// Nova's ports: UUID and fixed IPs.
    pub nova: Vec<(String, Vec<IpAddr>)>,
}

impl Said {
    /// What this domain says.
    pub fn by(domain: &Domain) -> Self {
        let nova = domain.nova_ports.iter();
        let nova = nova.filter_map(|port| {
            let fixed_ips = port.fixed_ips.as_ref().ok()?;
            Some((port.uuid.clone(), fixed_ips.clone()))
        });
        Self {
            metadata: domain.metadata.iter().flatten().cloned().collect(),
            nova: nova.collect(),
        }
    }

    /// The domain, as far as it was written down: it has no interfaces.
    pub fn domain(&self, name: &str, uuid: &DomainUuid) -> Domain {
        let nova = self.nova.iter().cloned();
        Domain {
            name: name.to_owned(),
            uuid: uuid.clone(),
            active: true,
            interfaces: Vec::new(),
            metadata: self.metadata.iter().cloned().map(Ok).collect(),
            nova_ports: nova
                .map(|(uuid, fixed_ips)| NovaPort {
                    uuid,
                    fixed_ips: Ok(fixed_ips),
                })
                .collect(),
        }
    }
}
