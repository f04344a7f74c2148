//! Files in, [`Config`] out.

use std::collections::{BTreeMap, BTreeSet};

use ipnet::IpNet;

use super::address_group::{self, AddressGroupObject};
use super::context::{Context, HostVtep};
use super::error::{Checked, ConfigError};
use super::host::HostConfig;
use super::local_ip::LocalIp;
use super::lookup::{Config, Index};
use super::network::{self, NetworkObject};
use super::object::{Object, by_name};
use super::port::{self, PortObject};
use super::section::{Section, Sections};
use super::security_group::{self, GroupObject};
use super::source::{Document, Source};
use super::table::Table;
use super::{clash, firewall, host};
use crate::model::SecurityGroup;

/// Reads `vmhook.toml` and what lies in `conf.d/`, in this order.
///
/// Never fails as a whole: what is wrong is in the [`Config`], by object. A source that could not be
/// read, or no source at all, makes it [incomplete](Config::incomplete).
pub fn load(sources: &[Source]) -> Config {
    let documents: Vec<Document<'_>> = sources.iter().map(Document::parse).collect();
    let mut sections = Sections::of(&documents);
    if sources.is_empty() {
        let message = "there is no configuration file; no VM starts on a managed bridge";
        let error = ConfigError::new("vmhook.toml", None, message);
        sections.errors.push(error);
    }
    let files = sources.iter().map(|source| source.name.clone());
    let mut config = read(sections);
    let notes = documents.iter().flat_map(|document| document.file.notes());
    config.notes = notes.collect();
    config.index.files = files.collect();
    config
}

fn read(mut sections: Sections<'_>) -> Config {
    let mut index = Index {
        incomplete: sections.errors.first().cloned(),
        lost_bridge: sections.errors.first().cloned(),
        ..Index::default()
    };
    let host = single(&mut sections, &mut index, Section::Host, host::read);
    let firewall = single(&mut sections, &mut index, Section::Firewall, firewall::read);
    let address_groups = address_groups(&mut sections);
    let context = context(&sections, &host, &address_groups);
    let networks = networks(&mut sections, &context);
    let groups = security_groups(&mut sections, &context);
    let ports = ports(&mut sections, &context);
    let mut errors = std::mem::take(&mut sections.errors);
    errors.extend(address_groups.iter().flat_map(errors_of));
    errors.extend(
        ports
            .iter()
            .filter(|port| port.facts.mac.is_none())
            .flat_map(errors_of),
    );
    index.add_networks(&networks);
    index.add_places(Section::SecurityGroup, &groups);
    index.add_ports(&ports);
    let written = |group: &GroupObject<'_>| (group.name.to_owned(), group.facts.written);
    index.written = groups.iter().map(written).collect();
    let mut security_groups = by_name(groups);
    let builtin = || Ok(SecurityGroup::builtin_default());
    let default = security_groups.entry(SecurityGroup::DEFAULT.to_owned());
    default.or_insert_with(builtin);
    Config {
        errors,
        notes: Vec::new(),
        host,
        firewall,
        networks: by_name(networks),
        security_groups,
        address_groups: by_name(address_groups),
        ports: by_name(ports),
        index,
    }
}

/// A section that is one table; without it, what holds by default.
fn single<T: Default>(
    sections: &mut Sections<'_>,
    index: &mut Index,
    section: Section,
    read: fn(Table<'_>) -> Checked<T>,
) -> Checked<T> {
    let entries = sections.take(section);
    let read = |entry| Object::read(entry, |(): &mut (), _, table| read(table));
    let mut objects: Vec<_> = entries.iter().map(read).collect();
    clash::names(&mut objects);
    index.add_places(section, &objects);
    let table = by_name(objects).remove(section.key());
    table.unwrap_or_else(|| Ok(T::default()))
}

/// What can be referred to; nothing is held against a reference while a part cannot be read.
fn context<'a>(
    sections: &Sections<'a>,
    host: &'a Checked<HostConfig>,
    address_groups: &[AddressGroupObject<'a>],
) -> Context<'a> {
    let complete = sections.errors.is_empty();
    let names = |section, builtin: Option<&'static str>| {
        let names: BTreeSet<&str> = sections.names(section).chain(builtin).collect();
        complete.then_some(names)
    };
    Context {
        vtep: match host.as_ref().map(|host| host.local_ip.as_ref()) {
            Ok(Some(LocalIp::Is(vtep))) => HostVtep::Is(*vtep),
            Ok(Some(local)) => HostVtep::Of(local.family()),
            Ok(None) if complete => HostVtep::Unset,
            _ => HostVtep::Unknown,
        },
        physical_networks: match host {
            Ok(host) if complete || !host.physical_networks.is_empty() => {
                Some(host.physical_networks.keys().map(String::as_str).collect())
            }
            _ => None,
        },
        security_groups: names(Section::SecurityGroup, Some(SecurityGroup::DEFAULT)),
        address_groups: prefixes(address_groups),
        networks: names(Section::Network, None),
    }
}

/// Of groups that share a name each is broken.
fn prefixes<'a>(groups: &[AddressGroupObject<'a>]) -> BTreeMap<&'a str, Option<Vec<IpNet>>> {
    let prefixes = |group: &AddressGroupObject<'a>| group.checked.as_ref().ok().cloned();
    let groups = groups.iter();
    groups.map(|group| (group.name, prefixes(group))).collect()
}

fn networks<'a>(sections: &mut Sections<'a>, context: &Context<'_>) -> Vec<NetworkObject<'a>> {
    let entries = sections.take(Section::Network);
    let read = |entry| {
        Object::read(entry, |facts, name, table| {
            network::read(name, context, facts, table)
        })
    };
    let mut networks: Vec<_> = entries.iter().map(read).collect();
    network::clashes(&mut networks);
    networks
}

fn security_groups<'a>(sections: &mut Sections<'a>, context: &Context<'_>) -> Vec<GroupObject<'a>> {
    let entries = sections.take(Section::SecurityGroup);
    let read = |entry| {
        Object::read(entry, |facts, name, table| {
            security_group::read(name, context, facts, table)
        })
    };
    let mut groups: Vec<_> = entries.iter().map(read).collect();
    security_group::clashes(&mut groups);
    groups
}

fn ports<'a>(sections: &mut Sections<'a>, context: &Context<'_>) -> Vec<PortObject<'a>> {
    let entries = sections.take(Section::Port);
    let read = |entry| {
        Object::read(entry, |facts, name, table| {
            port::read(name, context, facts, table)
        })
    };
    let mut ports: Vec<_> = entries.iter().map(read).collect();
    port::clashes(&mut ports);
    ports
}

fn address_groups<'a>(sections: &mut Sections<'a>) -> Vec<AddressGroupObject<'a>> {
    let entries = sections.take(Section::AddressGroup);
    let read = |entry| Object::read(entry, |(): &mut (), _, table| address_group::read(table));
    let mut groups: Vec<_> = entries.iter().map(read).collect();
    clash::names(&mut groups);
    groups
}

fn errors_of<T, F>(object: &Object<'_, T, F>) -> Vec<ConfigError> {
    object
        .checked
        .as_ref()
        .err()
        .into_iter()
        .flatten()
        .cloned()
        .collect()
}

impl Index {
    fn add_places<T, F>(&mut self, section: Section, objects: &[Object<'_, T, F>]) {
        for object in objects {
            let key = (section, object.name.to_owned());
            self.places
                .entry(key)
                .or_insert_with(|| object.site.place());
        }
    }

    fn add_networks(&mut self, networks: &[NetworkObject<'_>]) {
        self.add_places(Section::Network, networks);
        for network in networks {
            match network.facts.bridge() {
                Some(bridge) => {
                    let name = || network.name.to_owned();
                    self.bridges.entry(bridge.to_owned()).or_insert_with(name);
                }
                None if self.lost_bridge.is_none() => {
                    self.lost_bridge = errors_of(network).into_iter().next();
                }
                None => {}
            }
        }
    }

    fn add_ports(&mut self, ports: &[PortObject<'_>]) {
        self.add_places(Section::Port, ports);
        for port in ports {
            if let Some((mac, _)) = port.facts.mac {
                let known = (port.facts.network.clone(), port.name.to_owned());
                self.ports.entry(mac).or_default().push(known);
            }
        }
    }
}
