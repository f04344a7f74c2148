//! The rows: `fixtures/packets/*.toml`.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use serde::Deserialize;

use super::station::Station;

/// One file: frames that ask one question.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Topic {
    /// Its heading.
    pub(crate) title: String,
    /// What a reader must know beside the rows.
    pub(crate) about: Option<String>,
    #[serde(rename = "frame")]
    pub(crate) rows: Vec<Row>,
}

/// One frame, with what becomes of it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Row {
    /// What the frame is called; no two have one name.
    pub(crate) id: String,
    pub(crate) from: Station,
    /// Where it is looked for.
    pub(crate) to: Station,
    /// What it is, for a reader.
    pub(crate) what: String,
    /// The frame itself, as `language` has it.
    pub(crate) send: String,
    /// What is sent first, whatever becomes of it.
    #[serde(default)]
    pub(crate) before: Vec<Before>,
    pub(crate) vmhook: Verdict,
    pub(crate) neutron: Neutron,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Before {
    pub(crate) from: Station,
    pub(crate) send: String,
}

/// What becomes of a frame behind vmhook.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Verdict {
    /// It arrives.
    Passes,
    /// It arrives thanks to the guard alone: without its tables it is lost.
    Kept,
    /// The rules of security groups refuse it, with the guard and without.
    Rules,
    /// The guard alone refuses it: without its tables it arrives.
    Guard,
    /// Nothing refuses it: the kernel brings it there in no case.
    Undelivered,
}

impl Verdict {
    pub(crate) fn arrives(self) -> bool {
        matches!(self, Self::Passes | Self::Kept)
    }

    pub(crate) fn arrives_without_guard(self) -> bool {
        matches!(self, Self::Passes | Self::Guard)
    }
}

/// What becomes of it behind Neutron's Linux bridge agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Neutron {
    Passes,
    Drops,
}

pub(crate) const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/packets");

/// All topics, in the order of their files' names.
pub(crate) fn topics() -> Vec<Topic> {
    let files = fs::read_dir(FOLDER).expect("the rows are in the repository");
    let mut files: Vec<PathBuf> = files.map(|file| file.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|it| it == "toml"));
    files.retain(|file| !file.ends_with("vmhook.toml"));
    files.sort();
    let read = |file: &PathBuf| {
        let text = fs::read_to_string(file).unwrap();
        toml::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
    };
    let topics: Vec<Topic> = files.iter().map(read).collect();
    let mut ids = BTreeSet::new();
    for row in topics.iter().flat_map(|topic| &topic.rows) {
        assert!(ids.insert(&row.id), "two rows are called {}", row.id);
    }
    topics
}

/// The configuration of the host that the rows are about.
pub(crate) fn configuration() -> String {
    fs::read_to_string(format!("{FOLDER}/vmhook.toml")).unwrap()
}
