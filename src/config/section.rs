//! Which tables there are, over all files.

use std::collections::BTreeMap;

use super::error::ConfigError;
use super::object::Entry;
use super::source::Document;
use super::table::Table;
use super::value::Value;

/// The first part of a table's name: what kind of object it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Section {
    /// `[host]`
    Host,
    /// `[firewall]`
    Firewall,
    /// `[network.NAME]`
    Network,
    /// `[security_group.NAME]`
    SecurityGroup,
    /// `[address_group.NAME]`
    AddressGroup,
    /// `[port.NAME]`
    Port,
}

impl Section {
    const ALL: [Self; 6] = [
        Self::Host,
        Self::Firewall,
        Self::Network,
        Self::SecurityGroup,
        Self::AddressGroup,
        Self::Port,
    ];

    /// The key in the file.
    pub fn key(self) -> &'static str {
        match self {
            Self::Host => "host",
            Self::Firewall => "firewall",
            Self::Network => "network",
            Self::SecurityGroup => "security_group",
            Self::AddressGroup => "address_group",
            Self::Port => "port",
        }
    }

    /// There is one table of this kind, not one a name.
    fn is_single(self) -> bool {
        matches!(self, Self::Host | Self::Firewall)
    }
}

/// All tables, unread.
#[derive(Debug, Default)]
pub(super) struct Sections<'a> {
    entries: BTreeMap<Section, Vec<Entry<'a>>>,
    /// Why there may be more that nobody can make out.
    pub(super) errors: Vec<ConfigError>,
}

impl<'a> Sections<'a> {
    /// The tables of all files, in the order of the files.
    pub(super) fn of(documents: &'a [Document<'a>]) -> Self {
        let mut sections = Self::default();
        for document in documents {
            sections.add(document);
        }
        sections
    }

    /// The tables of one kind.
    pub(super) fn take(&mut self, section: Section) -> Vec<Entry<'a>> {
        self.entries.remove(&section).unwrap_or_default()
    }

    /// The names of the tables of one kind.
    pub(super) fn names(&self, section: Section) -> impl Iterator<Item = &'a str> {
        self.entries
            .get(&section)
            .into_iter()
            .flatten()
            .map(|entry| entry.name)
    }

    /// Of a file that does not parse only the networks count, as broken: their bridges are managed.
    fn add(&mut self, document: &'a Document<'a>) {
        let file = &document.file;
        let mut root = Table::new(String::new(), file, file.site(0..0), &document.root);
        if let Some(error) = &document.broken {
            self.errors.push(error.clone());
            if let Some(value) = root.value(Section::Network.key()) {
                self.add_named(Section::Network, &value, Some(error));
            }
            return;
        }
        for section in Section::ALL {
            match root.value(section.key()) {
                None => {}
                Some(value) if section.is_single() => self.add_single(section, value),
                Some(value) => self.add_named(section, &value, None),
            }
        }
        self.errors
            .extend(root.finish(Some(())).err().into_iter().flatten());
    }

    /// The table `[section]`.
    fn add_single(&mut self, section: Section, value: Value<'a>) {
        let entry = Entry {
            name: section.key(),
            site: value.header(),
            value,
            torn: None,
        };
        self.push(section, entry);
    }

    /// The tables `[section.NAME]`.
    fn add_named(&mut self, section: Section, value: &Value<'a>, torn: Option<&'a ConfigError>) {
        let names = match value.table() {
            Ok(names) => names,
            Err(errors) if torn.is_none() => return self.errors.extend(errors),
            Err(_) => return,
        };
        for (name, site, value) in names.entries() {
            let entry = Entry {
                name,
                site,
                value,
                torn,
            };
            self.push(section, entry);
        }
    }

    fn push(&mut self, section: Section, entry: Entry<'a>) {
        self.entries.entry(section).or_default().push(entry);
    }
}
