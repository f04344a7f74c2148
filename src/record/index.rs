//! One line a port, for questions about the whole host.

use std::collections::BTreeSet;
use std::net::IpAddr;

use ipnet::IpNet;

use serde::{Deserialize, Serialize};

use super::{DomainRecord, Phase};
use crate::facts::Process;
use crate::firewall::iptables::{ChainSuffix, chain_suffix};
use crate::firewall::policy::Policy;
use crate::model::{
    DomainUuid, Family, IfName, NetworkId, Port, PortKey, PortSecurity, RemoteGroup, Tap,
};

/// What the whole host needs to know of one port.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IndexLine {
    /// Who owns it.
    pub domain: DomainUuid,
    /// The domain's name, for messages.
    pub domain_name: String,
    /// How far the domain is.
    pub phase: Phase,
    /// The process that called the domain's last hook.
    pub caller: Process,
    /// Network and MAC address.
    pub port: PortKey,
    /// Its tap, once it exists.
    pub tap: Option<Tap>,
    /// The tap's name as the domain gives it.
    pub target: Option<IfName>,
    /// What tells its chains from others'.
    pub chains: ChainSuffix,
    /// Its addresses.
    pub fixed_ips: Vec<IpAddr>,
    /// What it may use besides.
    #[serde(default)]
    pub address_pairs: Vec<IpNet>,
    /// IPv6 addresses that it may make for itself: link-local ones, and in the /64 of a fixed one.
    #[serde(default)]
    pub made_addresses: Vec<IpNet>,
    /// Whether its packets go untracked where they can.
    #[serde(default)]
    pub stateless: bool,
    /// How much of it is checked.
    #[serde(default)]
    pub security: PortSecurity,
    /// The security groups it is a member of.
    pub groups: BTreeSet<String>,
    /// The security groups that its rules name as the other side.
    pub remote_groups: BTreeSet<String>,
    /// The same as they were defined, with the families of those rules: what the sets are made of.
    #[serde(default)]
    pub remotes: Vec<(RemoteGroup, BTreeSet<Family>)>,
}

/// Every port of the host that is in a domain's record. Derived: see [`Index::of`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Index {
    /// The lines, by domain.
    pub lines: Vec<IndexLine>,
}

impl Index {
    /// The name of the file that holds it.
    pub const FILE: &'static str = "index";

    /// The index that these records make.
    pub fn of<'a>(records: impl IntoIterator<Item = &'a DomainRecord>) -> Self {
        let mut index = Self::default();
        for record in records {
            index.replace(record);
        }
        index
    }

    /// Puts a domain's ports in the place of those it had, as the latest; ports that are as they
    /// were stay where they are.
    pub fn replace(&mut self, record: &DomainRecord) {
        let ports = record.want.ports.iter();
        let lines: Vec<_> = ports.map(|port| IndexLine::of(record, port)).collect();
        let domain = &record.want.uuid;
        let had = self.lines.iter().filter(|line| line.domain == *domain);
        if !had.eq(&lines) {
            self.remove(domain);
            self.lines.extend(lines);
        }
    }

    /// Forgets a domain.
    pub fn remove(&mut self, domain: &DomainUuid) {
        self.lines.retain(|line| line.domain != *domain);
    }

    /// The domains that have a port in it.
    pub fn domains(&self) -> BTreeSet<&DomainUuid> {
        self.lines.iter().map(|line| &line.domain).collect()
    }

    /// Whether any domain has a port on the network.
    pub fn uses(&self, network: &NetworkId) -> bool {
        self.lines.iter().any(|line| line.port.network == *network)
    }
}

impl IndexLine {
    /// Its fixed addresses and what it may use besides.
    pub fn addresses(&self) -> impl Iterator<Item = IpNet> + '_ {
        let fixed = self.fixed_ips.iter().copied().map(IpNet::from);
        fixed.chain(self.address_pairs.iter().copied())
    }

    /// The line of one port of a domain.
    pub fn of(record: &DomainRecord, port: &Port) -> Self {
        let want = &record.want;
        let remotes = port.remotes();
        let names = remotes.iter().map(|(group, _)| group.name.clone());
        Self {
            domain: want.uuid.clone(),
            domain_name: want.name.clone(),
            phase: want.phase,
            caller: want.caller.clone(),
            port: port.key(),
            tap: port.tap.clone(),
            target: port.target.clone(),
            chains: chain_suffix(port),
            fixed_ips: port.fixed_ips.clone(),
            address_pairs: port
                .allowed_address_pairs
                .iter()
                .map(|pair| pair.ip)
                .collect(),
            made_addresses: made_addresses(port),
            stateless: port.is_stateless(),
            security: port.security,
            groups: port
                .security_groups
                .iter()
                .map(|group| group.name.clone())
                .collect(),
            remote_groups: names.collect(),
            remotes,
        }
    }
}

/// What it may send from in IPv6 that nobody wrote down.
fn made_addresses(port: &Port) -> Vec<IpNet> {
    let written: BTreeSet<IpNet> = port.addresses().collect();
    let sources = Policy::of(port, Family::Ipv6).sources.into_iter();
    let made = sources.filter_map(|source| source.ip);
    made.filter(|net| !written.contains(net)).collect()
}
