//! A call in a machine's life, which a test lets go wrong at each of its changes.

use super::*;

/// One of the four calls of a life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Stage {
    Prepare,
    Start,
    Stopped,
    Release,
}

/// What the kernel has before a stage and after it, while another machine is prepared.
#[derive(Debug)]
pub(super) struct Kernels {
    pub(super) before: String,
    /// As it is if the other one is prepared after it, and before it: who comes to a network that
    /// served others finds it serving.
    pub(super) after: [String; 2],
}

impl Kernels {
    /// Nothing in between, and if the stage's want was written, that is what counts.
    #[track_caller]
    pub(super) fn assert_either(&self, now: &str, wanted: bool, when: &str) {
        let done = self.after.iter().any(|after| after == now);
        if !done && (wanted || now != self.before) {
            assert_same(now, &self.after[0], when);
        }
    }
}

impl Stage {
    /// libvirt's word for it.
    pub(super) fn word(self) -> &'static str {
        ["prepare", "start", "stopped", "release"][self as usize]
    }

    /// Lives through all that comes before it.
    pub(super) fn reach(self, world: &World, vm: &Vm) {
        if self > Self::Prepare {
            world.ok("prepare", vm);
            world.plug(vm);
        }
        if self > Self::Start {
            world.ok("start", vm);
            world.unplug(vm);
        }
        if self > Self::Stopped {
            world.ok("stopped", vm);
        }
    }

    /// How many changes it makes, each of which can go wrong. The machine is gone afterwards.
    pub(super) fn changes(self, world: &World, vm: &Vm) -> u32 {
        let count = world.config_dir().join("count");
        self.reach(world, vm);
        let fault = format!("count:{}", count.display());
        assert_silent(&world.call(self.word(), vm).fault(&fault).end());
        world.take_down(&[vm]);
        let changes = std::fs::read_to_string(count).unwrap().parse().unwrap();
        assert!(changes > 3, "{self:?} makes only {changes} changes");
        changes
    }

    /// What there is before and after it in a life without a failure, with another one prepared.
    pub(super) fn kernels(self, world: &World, vm: &Vm, other: &Vm) -> Kernels {
        self.reach(world, vm);
        world.ok(self.word(), vm);
        world.ok("prepare", other);
        let first = world.kernel();
        world.take_down(&[vm, other]);
        self.reach(world, vm);
        world.ok("prepare", other);
        let before = world.kernel();
        world.ok(self.word(), vm);
        let after = [first, world.kernel()];
        world.take_down(&[vm, other]);
        Kernels { before, after }
    }
}

/// The rules that name a machine's tap or its chains.
pub(super) fn rules_of(world: &World, vm: &Vm) -> Vec<String> {
    let rules = world.rules();
    // The first ten characters behind `tap`, which are in both.
    let name = &vm.nics[0].tap[3..13];
    let own = rules.lines().filter(|line| line.contains(name));
    own.map(str::to_owned).collect()
}

/// The rules that a machine has when it is started alone.
pub(super) fn whole_rules(world: &World, vm: &Vm) -> Vec<String> {
    world.bring_up(&[vm]);
    let rules = rules_of(world, vm);
    world.take_down(&[vm]);
    assert!(rules.len() > 30, "{rules:#?}");
    rules
}

/// A port is closed, or all of its rules are in.
#[track_caller]
pub(super) fn assert_closed_or_whole(world: &World, vm: &Vm, whole: &[String], when: &str) {
    if world.open_taps().contains(&vm.nics[0].tap) {
        assert_eq!(rules_of(world, vm), whole, "{when}: open without its rules");
    }
}
