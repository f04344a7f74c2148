//! The steps of a case, done by vmhook's programs. The test is libvirt.

use std::path::Path;
use std::process::Command;

use serde_json::{Map, Value};

use super::case::{Case, Step, cut};
use super::compare::{compare, own_names};
use super::differences::{Family, Moment};
use super::dump::Dump;
use super::support::call::assert_silent;
use super::support::netns::{attempt, run};
use super::support::world::assert_same;
use super::support::{Outcome, World};
use super::words;

/// A start or a reload was refused, with these words on standard error.
#[derive(Debug)]
pub(crate) struct Refused(pub(crate) String);

/// Plays the case of a folder to its end on a host of its own. Whatever differs is a panic.
pub(crate) fn play(folder: &Path) -> Result<(), Refused> {
    let json = std::fs::read(folder.join("case.json")).expect("a case has a case.json");
    let case: Case = serde_json::from_slice(&json).expect("case.json is as described");
    assert!(
        case.steps
            .iter()
            .any(|step| matches!(step, Step::Snapshot { .. })),
        "a case has snapshots"
    );
    let mut end = Ok(());
    World::run(|world| end = Player::new(world, folder, case).play());
    end
}

struct Player<'a> {
    world: &'a World,
    folder: &'a Path,
    case: Case,
    /// Devices whose ports are open.
    here: Vec<String>,
    /// Taps of which the case knows no port. They are on no bridge: nothing here is about them.
    unknown: Vec<String>,
    /// What is in the kernel while no port is there; not known after others changed it beside one.
    before: Option<String>,
    /// The rules of others.
    foreign: Vec<String>,
    /// Whether others changed something since vmhook did.
    disturbed: bool,
}

impl<'a> Player<'a> {
    fn new(world: &'a World, folder: &'a Path, case: Case) -> Self {
        Self {
            world,
            folder,
            case,
            here: Vec::new(),
            unknown: Vec::new(),
            before: Some(world.kernel()),
            foreign: foreign(),
            disturbed: false,
        }
    }

    fn play(mut self) -> Result<(), Refused> {
        self.world.configure(&words::configuration(&self.case));
        let end = self.steps();
        // A refusal has changed nothing.
        self.assert_applied();
        for device in [self.here.clone(), self.unknown.clone()].concat() {
            self.stop(&device);
        }
        if let Some(before) = &self.before {
            assert_same(&self.world.kernel(), before, "after the last port");
        }
        end
    }

    /// Up to the step after which Neutron has two in the place of one (listed difference 2).
    fn steps(&mut self) -> Result<(), Refused> {
        for step in &self.case.steps.clone() {
            if let Step::Add { devices } = step
                && self.would_share(devices)
            {
                self.is_never_shared(devices);
                return Ok(());
            }
            self.step(step)?;
        }
        Ok(())
    }

    /// Whether these would have chains, or the groups' sets, in common with each other or with those that
    /// are here.
    fn would_share(&self, devices: &[String]) -> bool {
        let all = devices.iter().chain(&self.here);
        let mut names: Vec<_> = all.map(|device| cut(device)).collect();
        let ports = names.len();
        names.sort_unstable();
        names.dedup();
        names.len() < ports || self.case.has_groups_of_one_set()
    }

    /// Whoever starts as the second is refused, or has names of its own.
    fn is_never_shared(&mut self, devices: &[String]) {
        for device in devices {
            if let Err(Refused(words)) = self.start(device) {
                let cause = if self.case.has_groups_of_one_set() {
                    "the first 24 characters"
                } else {
                    "chain name"
                };
                assert!(words.contains(cause), "{words}");
                assert!(self.would_share(std::slice::from_ref(device)), "{words}");
            }
        }
        own_names(&Dump::parse(&run("iptables-save")), &self.here);
    }

    fn step(&mut self, step: &Step) -> Result<(), Refused> {
        match step {
            Step::Add { devices } => devices.iter().try_for_each(|device| self.start(device))?,
            Step::Remove { devices } => devices.iter().for_each(|device| self.stop(device)),
            Step::UpdatePort { device, changes } if is_of_domain(changes) => {
                self.stop(device);
                self.case.change(step);
                self.world.configure(&words::configuration(&self.case));
                self.start(device)?;
            }
            Step::UpdatePort { .. } | Step::SetRules { .. } | Step::SetMembers { .. } => {
                self.case.change(step);
                self.world.configure(&words::configuration(&self.case));
                self.reload()?;
            }
            Step::RestartAgent { devices } => self.restart_libvirtd(devices),
            Step::Shell { command } => self.shell(command),
            Step::Snapshot { dir } => self.snapshot(&self.folder.join(dir)),
        }
        Ok(())
    }

    fn start(&mut self, device: &str) -> Result<(), Refused> {
        if !self.case.knows(device) {
            run(&format!("ip tuntap add {device} mode tap"));
            run(&format!("ip link set {device} up"));
            self.unknown.push(device.to_owned());
            return Ok(());
        }
        let started = self.start_as_libvirt(device);
        match started {
            Ok(()) => self.here.push(device.to_owned()),
            Err(_) => self.stop(device),
        }
        started
    }

    fn start_as_libvirt(&self, device: &str) -> Result<(), Refused> {
        self.asks("prepare", device)?;
        let port = self.case.port(device);
        let mac = port.mac_address.replacen("fa:", "fe:", 1);
        let bridge = words::bridge(&port.network_id);
        run(&format!("ip tuntap add {device} mode tap"));
        run(&format!(
            "ip link set {device} address {mac} mtu 1450 master {bridge} up"
        ));
        self.asks("start", device)?;
        self.asks("started", device)
    }

    fn stop(&mut self, device: &str) {
        attempt(&format!("ip link delete {device}"));
        if !self.case.knows(device) {
            self.unknown.retain(|unknown| unknown != device);
            return;
        }
        for operation in ["stopped", "release"] {
            assert_silent(&self.call(operation, device));
        }
        self.here.retain(|here| here != device);
    }

    /// Running machines get what changed in the configuration.
    fn reload(&self) -> Result<(), Refused> {
        let outcome = self.world.vmhook(&["reload"]);
        if outcome.code == 1 {
            return Err(Refused(outcome.err));
        }
        outcome.ok();
        Ok(())
    }

    /// The host's libvirtd comes back and finds what is still there.
    fn restart_libvirtd(&mut self, devices: &[String]) {
        for gone in self.here.iter().filter(|device| !devices.contains(device)) {
            attempt(&format!("ip link delete {gone}"));
        }
        self.here.retain(|device| devices.contains(device));
        assert_silent(&self.world.daemon_start().end());
        for device in &self.here {
            assert_silent(&self.call("reconnect", device));
        }
    }

    /// What somebody else does to the host.
    fn shell(&mut self, command: &str) {
        let output = Command::new("sh").args(["-ec", command]).output().unwrap();
        Outcome::of(command.to_owned(), &output).ok();
        self.before = self.here.is_empty().then(|| self.world.kernel());
        self.foreign = foreign();
        self.disturbed = true;
    }

    fn snapshot(&mut self, folder: &Path) {
        let moment = Moment {
            case: &self.case,
            here: &self.here,
            unknown: &self.unknown,
        };
        compare(self.world, &moment, folder);
        self.assert_applied();
    }

    /// Others' rules are as they were, and a second apply changes nothing.
    fn assert_applied(&mut self) {
        if std::mem::take(&mut self.disturbed) {
            // A rule of somebody else's may stand before our jumps now.
            self.world.vmhook(&["sync"]).ok();
        }
        assert_eq!(foreign(), self.foreign, "others' rules");
        let before = self.world.dump();
        let said = self.world.vmhook(&["sync"]).ok();
        assert_eq!(said, "the kernel had everything as it was applied\n");
        assert_same(&self.world.dump(), &before, "after a second apply");
    }

    fn asks(&self, operation: &str, device: &str) -> Result<(), Refused> {
        let outcome = self.call(operation, device);
        if outcome.code == 1 {
            return Err(Refused(outcome.err));
        }
        assert_silent(&outcome);
        Ok(())
    }

    fn call(&self, operation: &str, device: &str) -> Outcome {
        let (name, xml) = words::domain(&self.case, device);
        let phase = if ["stopped", "release"].contains(&operation) {
            "end"
        } else {
            "begin"
        };
        let arguments = ["qemu", &name, operation, phase, "-"];
        let call = self.world.call_with(&arguments, xml.into_bytes());
        // As long as the caller lives nobody takes the domain for gone.
        call.by_a_caller_that_dies().end()
    }
}

/// What changes with the domain's XML alone, which a running machine keeps.
fn is_of_domain(changes: &Map<String, Value>) -> bool {
    ["mac_address", "network_id"]
        .iter()
        .any(|key| changes.contains_key(*key))
}

/// Everything in the tables of iptables and ebtables that is not ours, in its order.
fn foreign() -> Vec<String> {
    let families = Family::BOTH.into_iter();
    let rules = families.flat_map(|family| {
        let lines = Dump::parse(&run(family.save())).foreign().lines();
        lines
            .into_iter()
            .map(move |line| format!("{family:?} {line}"))
    });
    let frames = run("ebtables-save");
    let frames = frames.lines().filter(|line| !line.starts_with('#'));
    rules.chain(frames.map(str::to_owned)).collect()
}
