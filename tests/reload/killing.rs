//! Hooks and reloads that run beside each other and are killed at any time: what is left in the end is
//! what the configuration says of the machines that run, and nothing once they have ended.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::*;
use support::call::Running;

/// Numbers that nobody can guess, and that are the same each time.
struct Dice(u64);

impl Dice {
    fn throw(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }

    fn one_of<'a>(&mut self, turns: &'a [String; 3]) -> &'a String {
        let [first, second, third] = turns;
        match self.throw(3) {
            0 => first,
            1 => second,
            _ => third,
        }
    }

    /// Lets a call end, or kills it after a while: one of three. Whether it did its work.
    fn ends(&mut self, mut running: Running) -> bool {
        if self.throw(3) == 0 {
            let while_it_works = Duration::from_millis(self.throw(120));
            std::thread::sleep(while_it_works);
            running.kill();
        }
        let outcome = running.end();
        assert!([0, 137].contains(&outcome.code), "{outcome:#?}");
        outcome.succeeded()
    }
}

/// A machine's lives, as libvirt leads them: a start that fails is an end. The last one goes on.
fn lives(world: &World, vm: &Vm, dice: &mut Dice, over: &AtomicBool) {
    loop {
        let last = over.load(Ordering::Relaxed);
        let mut call = |operation: &str| {
            let running = world.call(operation, vm).begin();
            if last {
                assert_silent(&running.end());
                true
            } else {
                dice.ends(running)
            }
        };
        let prepared = call("prepare");
        if prepared {
            world.plug(vm);
        }
        if prepared && call("start") && call("started") && last {
            return;
        }
        world.unplug(vm);
        call("stopped");
        call("release");
    }
}

/// Ends the machines' lives, whatever has ended the reloads.
struct Over<'a>(&'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Three configurations that differ in all that a reload brings.
fn turns() -> [String; 3] {
    let patient = |text: String| text.replace("[host]", "[host]\nhook_timeout = 120");
    let other =
        edited("port = 22", "port = 2222").replace("vni = 267", "vni = 267\nhardened = false");
    let third = edited("port = 5432", "port = 1")
        .replace("172.16.0.32", "172.16.0.33")
        .replace("vni = 267", "vni = 267\ndhcp_servers = [\"192.168.101.9\"]")
        + "\n[firewall]\ncomments = false\n";
    [configuration(), other, third].map(patient)
}

/// The kernel but for the taps, which have a bridge port's number in the order of their coming.
fn kernel(world: &World) -> String {
    let kernel = world.kernel();
    let lines = kernel.lines().filter(|line| !line.starts_with("tap"));
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn whatever_is_killed_beside_whatever_the_end_is_what_the_configuration_says() {
    let (seconds, rounds) = support::crowd(4, 1);
    World::run(|world| {
        let turns = turns();
        world.configure(&turns[0]);
        let empty = world.dump();
        let group = |number: u8| ["web", "db"][usize::from(number % 2)].to_owned();
        let vms: Vec<Vm> = (1..=6)
            .map(|number| Vm::new(number).with(|nic| nic.group = group(number)))
            .collect();
        for round in 0..rounds {
            let over = AtomicBool::new(false);
            std::thread::scope(|scope| {
                for (number, vm) in (1..).zip(&vms) {
                    let mut dice = Dice((round as u64 + 1) * 1_000_003 + number * 7919);
                    let over = &over;
                    scope.spawn(move || lives(world, vm, &mut dice, over));
                }
                scope.spawn(|| {
                    let _over = Over(&over);
                    let mut dice = Dice((round as u64 + 1) * 65_537);
                    let began = std::time::Instant::now();
                    while began.elapsed() < Duration::from_secs(seconds.into()) {
                        world.configure(dice.one_of(&turns));
                        let first = world.begin_vmhook(&["reload"], None);
                        let second = world.begin_vmhook(&["reload"], None);
                        dice.ends(first);
                        dice.ends(second);
                    }
                });
            });
            reload(world).ok();
            world.vmhook(&["sync"]).ok();
            let printed = dry_run(world);
            assert!(printed.ends_with("# nothing is to be done\n"), "{printed}");
            let everything = "the kernel had everything as it was applied\n";
            assert_eq!(world.vmhook(&["sync"]).ok(), everything);
            let killed = kernel(world);
            let all: Vec<&Vm> = vms.iter().collect();
            world.take_down(&all);
            assert_same(&world.dump(), &empty, &format!("after round {round}"));
            world.bring_up(&all);
            assert_same(&killed, &kernel(world), "as if nobody had been killed");
            world.take_down(&all);
        }
    });
}
