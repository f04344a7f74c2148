//! What is there before anything is done.

use std::collections::BTreeMap;

use super::{CONFIG, EXAMPLE, HOOKS, MAIN, PARTS, STUBS, UNFINISHED};

/// What is at one place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// Nothing.
    Absent,
    /// A plain file.
    File {
        /// What is in it.
        content: Vec<u8>,
        /// Its permissions.
        mode: u32,
        /// The number of the user who owns it.
        owner: u32,
    },
    /// A folder, perhaps behind a symbolic link.
    Folder {
        /// Its permissions.
        mode: u32,
    },
    /// A symbolic link, a socket, a device.
    Other,
}

/// What is at every place that matters, by path.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scene {
    /// What is there; what is not named is absent.
    pub places: BTreeMap<String, Found>,
    /// The user who is at work, to whom every file must belong.
    pub user: u32,
}

impl Scene {
    /// The folders of an installation, outer before inner.
    pub fn folders() -> [&'static str; 6] {
        let [qemu, network, daemon] = STUBS.map(|stub| stub.folder());
        [HOOKS, qemu, network, daemon, CONFIG, PARTS]
    }

    /// The folders whose every file matters: libvirt runs it.
    pub fn listed() -> [&'static str; 3] {
        STUBS.map(|stub| stub.folder())
    }

    /// The files outside of those.
    pub fn files() -> [&'static str; 4] {
        let [hooks, config] = UNFINISHED;
        [EXAMPLE.path, MAIN, hooks, config]
    }

    /// What is at a place.
    pub fn at(&self, path: &str) -> &Found {
        self.places.get(path).unwrap_or(&Found::Absent)
    }

    /// The files in a folder, with their names.
    pub fn within<'a>(&'a self, folder: &str) -> impl Iterator<Item = (&'a str, &'a Found)> {
        let prefix = format!("{folder}/");
        self.places.iter().filter_map(move |(path, found)| {
            let name = path.strip_prefix(&prefix)?;
            (!name.contains('/')).then_some((name, found))
        })
    }
}
