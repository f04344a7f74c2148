//! What Neutron's Linux bridge agent makes of networks, and what vmhook makes of them.
//!
//! `fixtures/neutron-networks` is real output of the agent: a case is a host, networks, and the taps
//! that are plugged into them; a snapshot is the kernel's links, forwarding entries and settings. Each
//! case becomes a configuration and machines, and is played by the real programs. What is in the
//! kernel then must be what Neutron left there, line by line, but for the [`differences`].
//!
//! ```text
//! os-vif makes the bridge    → prepare
//! libvirt makes a tap        → the same
//! the agent plugs it         → start
//! the tap is gone            → stopped, release
//! the agent is told of peers → another flood list, reload
//! ```

mod configuration;
mod differences;
mod state;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::support::netns::{attempt, in_a_new_namespace, run};
use super::support::world::assert_same;
use super::support::{Outcome, Vm, World};

/// Cases whose machine cannot be had, with the words of the refusal.
const REFUSED: [(&str, &str); 4] = [
    // Here Neutron's agent fails too, and tries again for ever.
    (
        "net-09-mtu",
        "has MTU 1500, but eth0 with MTU 1500 carries at most 1450",
    ),
    (
        "net-11-vni-in-use",
        "VNI 267 on UDP port 8472 is used by device othervx already",
    ),
    // Neutron moves the address to the bridge.
    (
        "net-14-flat-with-address",
        "vmhook moves no addresses: give the network a device without any",
    ),
    ("net-18-tap-gone", "tap7a8c0a54-75"),
];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/neutron-networks")
}

fn read(path: &Path) -> Value {
    let text = fs::read_to_string(path).expect("a file of the corpus");
    serde_json::from_str(&text).expect("JSON")
}

#[test]
fn networks_are_what_neutron_makes_of_them_but_for_the_listed_differences() {
    let entries = fs::read_dir(folder()).expect("the cases are there");
    let names = entries.map(|entry| entry.expect("an entry").file_name());
    let mut names: Vec<String> = names.map(|it| it.to_string_lossy().into_owned()).collect();
    names.sort();
    for (refused, _) in REFUSED {
        assert!(
            names.iter().any(|name| name == refused),
            "no case {refused}"
        );
    }
    assert!(names.len() > REFUSED.len());
    for name in names {
        in_a_new_namespace(|| Player::new(&name).play());
    }
}

/// A case on its way.
struct Player {
    name: String,
    case: Value,
    world: World,
    /// The VTEPs that each VNI floods to.
    peers: BTreeMap<u64, Vec<String>>,
    machines: BTreeMap<String, Machine>,
}

/// A machine of one tap.
struct Machine {
    vm: Vm,
    phase: Phase,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Absent,
    Prepared,
    Started,
}

impl Player {
    fn new(name: &str) -> Self {
        let case = read(&folder().join(name).join("case.json"));
        run("ip link set lo up");
        for command in case["host_setup"].as_array().expect("commands") {
            run(command.as_str().expect("a command"));
        }
        let machines = configuration::machines(&case);
        let absent = |vm| Machine {
            vm,
            phase: Phase::Absent,
        };
        Self {
            name: name.to_owned(),
            world: World::bare(),
            peers: BTreeMap::new(),
            machines: machines
                .into_iter()
                .map(|(tap, vm)| (tap, absent(vm)))
                .collect(),
            case,
        }
    }

    fn play(mut self) {
        let before = state::lines();
        self.configure();
        let steps = self.case["steps"].as_array().expect("steps").clone();
        for step in &steps {
            if let Err(refused) = self.step(step) {
                let listed = REFUSED.iter().find(|(name, _)| *name == self.name);
                let (_, words) = listed.unwrap_or_else(|| panic!("{}: {refused:?}", self.name));
                assert!(refused.err.contains(words), "{}: {refused:?}", self.name);
                self.end_all();
                let ours = |line: &&str| line.starts_with("brq") || line.starts_with("vxlan-");
                let now = state::lines();
                assert_eq!(
                    now.lines().find(ours),
                    None,
                    "{}: nothing half made",
                    self.name
                );
                return;
            }
        }
        let listed = REFUSED.iter().any(|(name, _)| *name == self.name);
        assert!(!listed, "{} is not refused any more", self.name);
        self.end_all();
        assert_same(&state::lines(), &before, &self.name);
    }

    fn configure(&self) {
        let toml = configuration::toml(&self.case, &self.peers);
        self.world.configure(&toml);
    }

    fn step(&mut self, step: &Value) -> Result<(), Outcome> {
        let text = |key: &str| step[key].as_str().unwrap_or_default();
        match text("op") {
            "start_manager" | "delete_network" => {}
            "os_vif_ensure_bridge" => self.prepare(|vm| vm.nics[0].bridge == text("bridge"))?,
            "shell" => self.shell(text("command")),
            "plug" => self.plug(text("device"))?,
            "fdb_add" | "fdb_remove" => self.tell_peers(step),
            "snapshot" => self.compare(text("dir")),
            other => panic!("{}: unknown step {other}", self.name),
        }
        Ok(())
    }

    fn prepare(&mut self, which: impl Fn(&Vm) -> bool) -> Result<(), Outcome> {
        for machine in self.machines.values_mut().filter(|it| which(&it.vm)) {
            if machine.phase == Phase::Absent {
                done(self.world.event("prepare", &machine.vm))?;
                machine.phase = Phase::Prepared;
            }
        }
        Ok(())
    }

    /// The tap is there, and on its bridge unless that is the agent's to do.
    fn plug(&mut self, tap: &str) -> Result<(), Outcome> {
        self.prepare(|vm| vm.nics[0].tap == tap)?;
        let machine = self.machines.get_mut(tap).expect("a plugged tap");
        let bridge = &machine.vm.nics[0].bridge;
        let mtu = machine.vm.nics[0].mtu;
        attempt(&format!("ip link set {tap} mtu {mtu} master {bridge}"));
        done(self.world.event("start", &machine.vm))?;
        machine.phase = Phase::Started;
        Ok(())
    }

    fn shell(&mut self, command: &str) {
        for command in command.split("&&") {
            run(command.trim());
        }
        if let Some(tap) = command.strip_prefix("ip link del ") {
            self.end(tap);
        }
    }

    fn end(&mut self, tap: &str) {
        let machine = self.machines.get_mut(tap).expect("a machine's tap");
        self.world.ok("stopped", &machine.vm);
        self.world.ok("release", &machine.vm);
        machine.phase = Phase::Absent;
    }

    fn end_all(&mut self) {
        let taps: Vec<String> = self.machines.keys().cloned().collect();
        for tap in taps {
            attempt(&format!("ip link del {tap}"));
            self.end(&tap);
        }
    }

    fn tell_peers(&mut self, step: &Value) {
        let vni = step["segmentation_id"].as_u64().expect("a VNI");
        let peers = self.peers.entry(vni).or_default();
        for peer in step["agent_ports"].as_object().expect("peers").keys() {
            peers.retain(|other| other != peer);
            if step["op"] == "fdb_add" {
                peers.push(peer.clone());
            }
        }
        self.configure();
        self.world.vmhook(&["reload"]).ok();
    }

    /// While a machine is prepared and not plugged yet, there is no such moment here: a network comes
    /// whole, before its first tap.
    fn compare(&self, dir: &str) {
        let phases = || self.machines.values().map(|machine| machine.phase);
        if phases().any(|phase| phase == Phase::Prepared) {
            return;
        }
        let running = |machine: &&Machine| machine.phase == Phase::Started;
        let running = self.machines.values().filter(running);
        let running: Vec<&Vm> = running.map(|machine| &machine.vm).collect();
        let theirs = state::of_files(&folder().join(&self.name).join(dir));
        let wanted = differences::expected(&theirs, &state::lines(), &running, &self.name);
        let when = format!("{} {dir}", self.name);
        assert_same(&differences::comparable(&state::lines()), &wanted, &when);
    }
}

fn done(outcome: Outcome) -> Result<(), Outcome> {
    if outcome.succeeded() {
        Ok(())
    } else {
        Err(outcome)
    }
}
