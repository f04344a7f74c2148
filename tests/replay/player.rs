//! One situation, played again: the hooks' calls, and between them what libvirt does.
//!
//! The capture says which hooks were called and with what. What libvirt did meanwhile follows from
//! that: `start` comes when the taps of its XML are there and up on their bridges; `stopped` when
//! they are gone with QEMU; an interface that only the XML of `stopped` has was plugged while the
//! domain ran; one that is on another bridge there was moved; a `daemon start` is another process's.

use std::collections::btree_map::{BTreeMap, Entry};
use std::fmt::Write;

use vmhook::domain::{Domain, Interface};
use vmhook::model::{DomainUuid, MacAddr};

use crate::corpus::{Call, Situation};
use crate::kernel::Kernel;
use crate::laws::{broken_at_rest, broken_laws};
use crate::libvirtd::Libvirtd;
use crate::script::Script;
use crate::summary::NOTHING;
use crate::support::Outcome;
use crate::support::netns::run;
use crate::tap::OpenTap;
use crate::world::World;

/// What a replay has shown.
#[derive(Debug)]
pub(crate) struct Played {
    /// What happened, each event with what the kernel then had of vmhook's.
    pub(crate) transcript: String,
    /// What was there after each event.
    pub(crate) kernels: Vec<(String, Kernel)>,
    /// What must never be, and was.
    pub(crate) faults: Vec<String>,
}

/// Plays a situation in this thread's network namespace, which must be new.
pub(crate) fn play(situation: &Situation, configuration: &str, taps: &[&str]) -> Played {
    let mut player = Player {
        world: World::new(configuration, situation, taps),
        libvirtd: None,
        domains: BTreeMap::new(),
        to_come: Script::of(situation),
        played: Played {
            transcript: String::new(),
            kernels: vec![("before".to_owned(), Kernel::read())],
            faults: Vec::new(),
        },
    };
    while let Some(call) = player.to_come.next() {
        player.before(&call);
        let outcome = player.call(&call);
        match outcome.code {
            0 => player.after(&call),
            _ => player.refused(&call),
        }
    }
    player.end();
    player.played
}

struct Player {
    world: World,
    libvirtd: Option<Libvirtd>,
    domains: BTreeMap<DomainUuid, Running>,
    to_come: Script,
    played: Played,
}

/// A domain between `prepare` and `release`.
struct Running {
    prepared: Call,
    /// QEMU holds the taps; before, libvirtd does.
    qemu: bool,
    taps: BTreeMap<MacAddr, OpenTap>,
}

impl Player {
    fn before(&mut self, call: &Call) {
        let domain = call.domain();
        match (call.what(), domain) {
            (("daemon", "start"), _) if self.libvirtd.is_some() => {
                self.end_libvirtd("libvirtd is killed");
            }
            (("qemu", "prepare"), Some(domain)) => {
                let running = Running {
                    prepared: call.clone(),
                    qemu: false,
                    taps: BTreeMap::new(),
                };
                self.domains.insert(domain.uuid, running);
            }
            (("qemu", "start"), Some(domain)) => self.make_taps(&domain),
            (("qemu", "stopped"), Some(domain)) => self.end_taps(&domain.uuid, "QEMU ends"),
            _ => {}
        }
    }

    fn after(&mut self, call: &Call) {
        match (call.what(), call.domain()) {
            (("daemon", "shutdown"), _) => self.end_libvirtd("libvirtd ends"),
            (("qemu", "started"), Some(domain)) => {
                if let Some(running) = self.domains.get_mut(&domain.uuid) {
                    running.qemu = true;
                }
                self.change_while_it_runs(&domain.uuid);
            }
            (("qemu", "release"), Some(domain)) => drop(self.domains.remove(&domain.uuid)),
            _ => {}
        }
    }

    /// Calls the hook, notes what came of it, and sees that all is as it must always be.
    fn call(&mut self, call: &Call) -> Outcome {
        let folder = self.world.folder();
        let libvirtd = self.libvirtd.get_or_insert_with(|| Libvirtd::start(folder));
        let outcome = libvirtd.call(call);
        let exit = format!("{}: exit {}", call.shown(), outcome.code);
        let said: Vec<&str> = [exit.as_str()]
            .into_iter()
            .chain(outcome.err.lines())
            .collect();
        self.note(&said.join("; "));
        self.check(call, &outcome);
        outcome
    }

    fn check(&mut self, call: &Call, outcome: &Outcome) {
        let [.., (_, before), (_, after)] = self.played.kernels.as_slice() else {
            unreachable!("a call is noted before it is checked")
        };
        let broken = broken_laws(call, outcome, (before, after));
        let faults = broken.map(|fault| format!("{}: {fault}", call.shown()));
        self.played.faults.extend(faults);
    }

    /// Notes an event, and what the kernel has after it.
    fn note(&mut self, event: &str) {
        let kernel = Kernel::read();
        let recorded = self.world.recorded_taps();
        let broken = broken_at_rest(&kernel, &recorded).into_iter();
        self.played
            .faults
            .extend(broken.map(|fault| format!("{event}: {fault}")));
        let [.., (_, before)] = self.played.kernels.as_slice() else {
            unreachable!("it was read before the first event")
        };
        let shown = if kernel == *before && kernel.to_string() != NOTHING {
            "as before".to_owned()
        } else {
            kernel.to_string()
        };
        writeln!(self.played.transcript, "{event}\n    {shown}").unwrap();
        self.played.kernels.push((event.to_owned(), kernel));
    }

    /// The taps of a domain whose QEMU is about to run.
    fn make_taps(&mut self, domain: &Domain) {
        let mut made = Vec::new();
        for interface in &domain.interfaces {
            let (Ok(mac), Some(name)) = (interface.mac.clone(), &interface.target) else {
                continue;
            };
            if let (Some(tap), Some(running)) = (
                OpenTap::make(interface, mac, name),
                self.domains.get_mut(&domain.uuid),
            ) {
                running.taps.insert(mac, tap);
                made.push(name.clone());
            }
        }
        if !made.is_empty() {
            self.note(&format!("-- libvirt makes {}", made.join(" ")));
        }
    }

    /// Taps live as long as somebody has them open.
    fn end_taps(&mut self, uuid: &DomainUuid, event: &str) {
        let Some(running) = self.domains.get_mut(uuid) else {
            return;
        };
        running.qemu = false;
        let taps = std::mem::take(&mut running.taps);
        if !taps.is_empty() {
            drop(taps);
            self.note(&format!("-- {event}"));
        }
    }

    /// A domain whose QEMU does not run yet is forgotten: nothing is ever called for it again.
    fn end_libvirtd(&mut self, event: &str) {
        self.libvirtd = None;
        self.domains.retain(|_, running| running.qemu);
        self.note(&format!("-- {event}"));
    }

    /// No hook is called for an interface that is plugged in or put on another bridge: the XML of
    /// `stopped` tells of it.
    fn change_while_it_runs(&mut self, uuid: &DomainUuid) {
        let Some(stopped) = self.to_come.end_of(uuid) else {
            return;
        };
        for interface in &stopped.interfaces {
            self.change(uuid, interface);
        }
    }

    fn change(&mut self, uuid: &DomainUuid, interface: &Interface) {
        let (Ok(mac), Some(name), Some(bridge), Some(running)) = (
            interface.mac.clone(),
            &interface.target,
            &interface.bridge,
            self.domains.get_mut(uuid),
        ) else {
            return;
        };
        let plugged = match running.taps.entry(mac) {
            Entry::Occupied(_) => None,
            Entry::Vacant(slot) => OpenTap::make(interface, mac, name).map(|tap| slot.insert(tap)),
        };
        if plugged.is_some() {
            self.note(&format!("-- libvirt plugs in {name}"));
        } else if !run(&format!("ip link show {name}")).contains(&format!("master {bridge} ")) {
            run(&format!("ip link set {name} master {bridge}"));
            self.note(&format!("-- libvirt moves {name} to {bridge}"));
        }
    }

    /// libvirt gives a start up: `stopped` and `release` come, and nothing before. A port that is
    /// refused to a domain that runs is not plugged in, and nothing else.
    fn refused(&mut self, call: &Call) {
        let Some(uuid) = call.owner() else { return };
        let Some(running) = self.domains.get(&uuid).filter(|running| !running.qemu) else {
            return;
        };
        self.to_come.abandon(&uuid, &running.prepared);
    }

    /// Whoever still runs ends without a word, and another libvirtd finds that.
    fn end(&mut self) {
        self.libvirtd = None;
        if !self.domains.is_empty() {
            self.domains.clear();
            self.note("-- all that runs is killed, QEMU and libvirtd");
            let words = ["-", "start", "-", "start"].map(Into::into);
            let call = Call {
                label: "afterwards".to_owned(),
                driver: "daemon".to_owned(),
                words: words.into(),
                xml: Vec::new(),
            };
            self.call(&call);
            self.libvirtd = None;
        }
        self.played.faults.extend(self.world.left());
    }
}
