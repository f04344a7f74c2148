//! The machine that runs the tests, which no test may change.

use std::fs;
use std::process::Command;

use super::Outcome;
use super::lab::SCRIPT;

/// [`Lab::dump`](super::Lab::dump) of this machine.
pub fn dump() -> String {
    let output = Command::new(SCRIPT)
        .arg("dump")
        .output()
        .expect("scripts/lab runs");
    Outcome::of("scripts/lab dump".into(), &output).ok()
}

/// The process ids in a network namespace, named as in `/proc/<pid>/ns/net`.
pub fn processes_in(namespace: &str) -> Vec<String> {
    let processes = fs::read_dir("/proc")
        .expect("/proc is there")
        .filter_map(Result::ok);
    processes
        .filter(|process| {
            let link = fs::read_link(process.path().join("ns/net"));
            link.is_ok_and(|link| link.as_os_str() == namespace)
        })
        .map(|process| process.file_name().to_string_lossy().into_owned())
        .collect()
}
