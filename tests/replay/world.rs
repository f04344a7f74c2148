//! The host that the hooks run on: an underlay, bridges that are not ours, and folders.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;

use tappers::{Interface, Tap};
use tempfile::TempDir;
use vmhook::record::{DomainRecord, decode};

use crate::corpus::{Call, Situation};
use crate::kernel::missing;
use crate::support::netns::{attempt, run};

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/lab");

/// All hosts are the same at first.
static NEW: OnceLock<String> = OnceLock::new();

/// This thread's network namespace as a host, with a folder for configuration and state.
pub(crate) struct World {
    _underlay: Tap,
    folder: TempDir,
    others: Vec<String>,
    before: String,
}

impl World {
    /// Makes it. `taps` are there before anything happens, and nobody's.
    pub(crate) fn new(configuration: &str, situation: &Situation, taps: &[&str]) -> Self {
        // A tap, because the state of its carrier does not change by itself a moment later.
        let underlay = Tap::new_named(Interface::new("eth0").unwrap()).unwrap();
        for line in [
            "ip link set lo up",
            "ip link set eth0 address 02:00:00:00:00:31 addrgenmode none",
            "ip address add 172.16.0.31/24 dev eth0",
            "ip link set eth0 up",
        ] {
            run(line);
        }
        for tap in taps {
            run(&format!("ip tuntap add dev {tap} mode tap"));
            run(&format!("ip link set {tap} address 02:00:00:00:00:32"));
        }
        let folder = TempDir::new().unwrap();
        fs::create_dir(folder.path().join("etc")).unwrap();
        fs::write(folder.path().join("etc/vmhook.toml"), configuration).unwrap();
        let before = match taps {
            [] => NEW.get_or_init(dump).clone(),
            _ => dump(),
        };
        let others = bridges(situation)
            .into_iter()
            .filter(|name| !name.starts_with("brq"));
        // A name that no device can have is in the XML of a start that failed.
        let made = others.filter(|name| attempt(&format!("ip link add {name} up type bridge")).0);
        Self {
            _underlay: underlay,
            others: made.collect(),
            folder,
            before,
        }
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The taps that are open by the records.
    pub(crate) fn recorded_taps(&self) -> BTreeSet<String> {
        let Ok(records) = fs::read_dir(self.folder().join("run/domains")) else {
            return BTreeSet::new();
        };
        let mut taps = BTreeSet::new();
        for record in records {
            let record = fs::read(record.unwrap().path()).unwrap();
            let record: DomainRecord = decode(&record).unwrap();
            taps.extend(
                record
                    .want
                    .open_ports()
                    .map(|(_, tap)| tap.name.to_string()),
            );
        }
        taps
    }

    /// What is there that was not, or the other way round; empty if nothing of vmhook is left.
    pub(crate) fn left(&self) -> Vec<String> {
        for bridge in &self.others {
            run(&format!("ip link delete {bridge}"));
        }
        let after = dump();
        let mut left = missing(&after, &self.before, "left");
        left.extend(missing(&self.before, &after, "gone"));
        let files = files(&self.folder().join("run"));
        left.extend(
            files
                .into_iter()
                .filter(|file| file != "lock")
                .map(|file| format!("left: {file}")),
        );
        left
    }
}

/// The bridges that the situation's interfaces name.
fn bridges(situation: &Situation) -> BTreeSet<String> {
    let domains = situation.calls.iter().filter_map(Call::domain);
    let interfaces = domains.flat_map(|domain| domain.interfaces);
    interfaces
        .filter_map(|interface| interface.bridge)
        .collect()
}

/// Everything that vmhook could leave in this namespace, but for its records.
fn dump() -> String {
    let output = Command::new(SCRIPT).arg("dump").output().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

fn files(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten();
    let mut files = Vec::new();
    for entry in entries.map(Result::unwrap) {
        if entry.file_type().unwrap().is_dir() {
            files.extend(self::files(&entry.path()));
        } else {
            files.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
    files
}
