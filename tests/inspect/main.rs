//! `vmhook inspect`, `sync` and `plan --from-host` on a real kernel, with the hooks' real work.
#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::unwrap_used,
    reason = "these tests are about files, processes and the kernel"
)]

#[path = "../support/mod.rs"]
mod support;

mod differs;
mod notes;
mod plan;
mod verdict;

use std::fs::{self, File};
use std::process::{Command, Stdio};

use serde_json::Value;
use support::netns::{attempt, in_a_new_namespace, run};
use support::{DomainSpec, Lab, Nic, Outcome};
use tempfile::TempDir;

const XML: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/fixtures/libvirt/01-one-bridge"
);
const CONFIG: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/example.toml");
const VMHOOK: &str = env!("CARGO_BIN_EXE_vmhook");
const EVENT: &str = env!("CARGO_BIN_EXE_vmhook-event");
const BRIDGE: &str = "brqc08e7dcd-4a";
const TAP: &str = "tap7a8c0a54-75";
const MAC: &str = "fa:16:3e:be:71:21";

/// The host of the reference: the tunnel's address on eth0, and the configuration.
struct Host {
    folder: TempDir,
}

impl Host {
    fn new() -> Self {
        run("ip link add eth0 type veth peer name wire");
        run("ip link set eth0 up");
        run("ip address add 172.16.0.31/24 dev eth0");
        let folder = TempDir::new().unwrap();
        fs::copy(CONFIG, folder.path().join("vmhook.toml")).unwrap();
        Self { folder }
    }

    /// A host on which the machine runs.
    fn with_the_machine() -> Self {
        let host = Self::new();
        host.start_the_machine();
        host
    }

    #[track_caller]
    fn start_the_machine(&self) {
        self.hook("prepare", "01-prepare-begin");
        Host::make_tap();
        self.hook("start", "02-start-begin");
    }

    /// What libvirt does between `prepare` and `start`.
    fn make_tap() {
        run(&format!("ip tuntap add {TAP} mode tap"));
        run(&format!("ip link set {TAP} mtu 1450 master {BRIDGE} up"));
    }

    fn run(&self, program: &str, arguments: &[&str], xml: &str) -> Outcome {
        let output = Command::new(program)
            .args(arguments)
            .env("VMHOOK_CONFIG_DIR", self.folder.path())
            .env("VMHOOK_STATE_DIR", self.folder.path().join("state"))
            .stdin(File::open(format!("{XML}/{xml}.xml")).unwrap())
            .output()
            .unwrap();
        Outcome::of(arguments.join(" "), &output)
    }

    #[track_caller]
    fn hook(&self, operation: &str, xml: &str) {
        let arguments = ["qemu", "instance-0000000d", operation, "begin", "-"];
        self.run(EVENT, &arguments, xml).ok();
    }

    fn inspect(&self, xml: &str) -> Outcome {
        self.run(VMHOOK, &["inspect", "--xml", "-"], xml)
    }

    fn report(&self, xml: &str) -> Value {
        let json = ["inspect", "--xml", "-", "--format", "json"];
        serde_json::from_str(&self.run(VMHOOK, &json, xml).out).unwrap()
    }

    fn sync(&self) -> Outcome {
        self.run(VMHOOK, &["sync"], "INPUT")
    }

    /// Exit code 1, and a line that says this.
    #[track_caller]
    fn differs(&self, line: &str) {
        let outcome = self.inspect("LIVE");
        assert_eq!(outcome.code, 1, "{outcome:#?}");
        let told = outcome.out.lines().any(|it| it.trim_start() == line);
        assert!(told, "{line}\n{}", outcome.out);
    }

    #[track_caller]
    fn is_well(&self) {
        let text = self.inspect("LIVE").ok();
        assert!(
            text.ends_with(" are in the kernel as they were applied\n"),
            "{text}"
        );
    }
}

/// All that vmhook changes in the kernel, line by line, without counters and what differs by itself.
fn kernel() -> Vec<String> {
    let mut lines = Vec::new();
    let devices: Value = serde_json::from_str(&run("ip -d -j link show")).unwrap();
    lines.extend(devices.as_array().unwrap().iter().map(link));
    let fdb = attempt("bridge fdb show").1;
    lines.extend(
        fdb.lines()
            .filter(|line| line.contains(" dst "))
            .map(str::to_owned),
    );
    for save in ["iptables-save", "ip6tables-save"].map(run) {
        let lasting = save.lines().filter(|line| !line.starts_with('#'));
        lines.extend(lasting.map(str::to_owned));
    }
    for family in ["bridge", "inet"] {
        let table = attempt(&format!("nft --stateless list table {family} vmhook")).1;
        let table = table.replace(",\n\t\t\t     ", ", ");
        lines.extend(table.lines().map(sorted_set));
    }
    let sysctls = run("sysctl net.ipv4.conf net.ipv6.conf");
    let own = |line: &&str| ["brq", "vxlan", "tap"].iter().any(|it| line.contains(it));
    lines.extend(sysctls.lines().filter(own).map(str::to_owned));
    lines
}

/// A line of nft's with the elements of its set in order: nft prints them in that of a hash.
fn sorted_set(line: &str) -> String {
    let (Some(open), Some(close)) = (line.find("{ "), line.rfind(" }")) else {
        return line.to_owned();
    };
    let mut elements: Vec<&str> = line[open + 2..close].split(", ").collect();
    elements.sort_unstable();
    format!("{}{}{}", &line[..open], elements.join(", "), &line[close..])
}

/// Fails with the lines that only one of them has.
#[track_caller]
fn assert_same(left: &[String], right: &[String]) {
    let only = |here: &[String], there: &[String]| -> Vec<String> {
        here.iter()
            .filter(|line| !there.contains(line))
            .cloned()
            .collect()
    };
    assert_eq!(only(left, right), only(right, left));
    assert_eq!(left.len(), right.len());
}

/// A link with what is set on it. A VXLAN device's own MAC address is random; timers run, and the
/// carrier comes when it comes.
fn link(link: &Value) -> String {
    let up = link["flags"].as_array().unwrap().contains(&"UP".into());
    let own = ["ifname", "mtu", "master", "ifalias"].map(|key| link[key].to_string());
    let data = link["linkinfo"]["info_data"].as_object();
    let passing = |key: &str| key.ends_with("timer") || key.starts_with("topology_change");
    let set = data.into_iter().flatten().filter(|(key, _)| !passing(key));
    let set: Vec<String> = set.map(|(key, value)| format!("{key} {value}")).collect();
    format!("{} up {up} {}", own.join(" "), set.join(" "))
}

/// Every check of a report that is not well, as `status kind object`.
fn wrong(report: &Value) -> Vec<String> {
    let checks = report["checks"].as_array().unwrap().iter();
    let wrong = checks.filter(|check| check["status"] != "present");
    let word = |check: &Value, key: &str| check[key].as_str().unwrap().to_owned();
    let line = |check| {
        ["status", "kind", "object"]
            .map(|key| word(check, key))
            .join(" ")
    };
    wrong.map(line).collect()
}
