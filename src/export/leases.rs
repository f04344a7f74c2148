//! Which address is whose on a network.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use crate::config::{Config, NetworkConfig, PortConfig};
use crate::model::MacAddr;
use crate::record::Index;

/// An address, and who has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lease {
    /// The address.
    pub address: IpAddr,
    /// Whose it is.
    pub mac: MacAddr,
}

/// The addresses of a network's ports, each once.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Leases {
    /// By address.
    pub leases: Vec<Lease>,
    /// What is left out, for people.
    pub notes: Vec<String>,
}

impl Leases {
    /// Those of a network: of a port that is up what the record says, for that is in force, whatever the
    /// configuration says by now; of the others what the configuration says.
    ///
    /// A port of the configuration that names no network is on this one if it can be on no other: if there
    /// is only one, or if its address is in the prefix of the host's own here.
    pub fn of(config: &Config, network: &NetworkConfig, index: &Index) -> Self {
        let mut gathered = Gathered::default();
        for line in &index.lines {
            if line.port.network == network.id {
                gathered.add(line.port.mac, &line.fixed_ips, &line.domain_name);
            }
        }
        let up: BTreeSet<MacAddr> = gathered.owners.values().map(|(mac, _)| *mac).collect();
        let ports = config.ports.values().flatten();
        for port in ports.filter(|port| !up.contains(&port.mac)) {
            let addresses = port.fixed_ips.iter().flatten().copied();
            let addresses: Vec<IpAddr> = addresses
                .filter(|address| is_on(config, network, (port, *address)))
                .collect();
            gathered.add(port.mac, &addresses, &format!("port {}", port.name));
        }
        gathered.finish()
    }
}

fn is_on(config: &Config, network: &NetworkConfig, (port, address): (&PortConfig, IpAddr)) -> bool {
    let mut hosts = network.host_addresses.iter().flatten();
    let only_here =
        || config.networks.len() == 1 || hosts.any(|host| host.net().contains(&address));
    let named = port.network.as_ref();
    named.map_or_else(only_here, |name| *name == network.name)
}

/// Who has an address: a DHCP server refuses a file that gives one to two.
#[derive(Default)]
struct Gathered {
    owners: BTreeMap<IpAddr, (MacAddr, String)>,
    notes: Vec<String>,
}

impl Gathered {
    fn add(&mut self, mac: MacAddr, addresses: &[IpAddr], who: &str) {
        for address in addresses {
            match self.owners.get(address) {
                Some((owner, other)) if *owner != mac => self.notes.push(format!(
                    "{address} of {who} ({mac}) is left out: {other} ({owner}) has it"
                )),
                Some(_) => {}
                None => {
                    self.owners.insert(*address, (mac, who.to_owned()));
                }
            }
        }
    }

    fn finish(self) -> Leases {
        let lease = |(address, (mac, _))| Lease { address, mac };
        Leases {
            leases: self.owners.into_iter().map(lease).collect(),
            notes: self.notes,
        }
    }
}
