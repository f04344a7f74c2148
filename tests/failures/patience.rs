//! What keeps a hook waiting: the lock, a program that hangs.

use std::fs::{self, File};
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use super::*;

/// Longer than the work's share of a call's time, shorter than what libvirt's users would bear.
const IN_TIME: std::ops::Range<u64> = 9..16;

/// The host lock, held by somebody else until this is dropped.
fn hold_the_lock(world: &World) -> File {
    let lock = File::open(world.state_dir()).unwrap();
    lock.lock().unwrap();
    lock
}

#[test]
fn a_hook_that_cannot_get_the_lock_gives_up_and_wants_nothing_any_more() {
    World::run(|world| {
        let empty = world.dump();
        let (late, next) = (Vm::new(1), Vm::new(2));
        world.bring_up(&[&next]);
        let before = world.kernel();
        let lock = hold_the_lock(world);
        let began = Instant::now();
        let outcome = world.event("prepare", &late);
        assert!(IN_TIME.contains(&began.elapsed().as_secs()));
        let lock_file = world.state_dir().display().to_string();
        assert_refused(
            &outcome,
            &[
                "vm1",
                "fa:16:3e:00:00:01",
                "waiting for the lock",
                &lock_file,
            ],
        );
        drop(lock);

        world.ok("reconnect", &next);
        assert_same(
            &world.kernel(),
            &before,
            "the next hook found nothing to do",
        );
        assert!(
            !world.dump().contains("fa:16:3e:00:00:01"),
            "no record has it"
        );
        world.take_down(&[&next, &late]);
        assert_same(&world.dump(), &empty, "after the last one");
    });
}

#[test]
fn a_stop_that_cannot_get_the_lock_is_done_by_the_next_hook() {
    World::run(|world| {
        let (vm, next) = (Vm::new(1), Vm::new(2));
        world.bring_up(&[&vm]);
        world.unplug(&vm);
        let lock = hold_the_lock(world);
        let outcome = world.event("stopped", &vm);
        assert_eq!((outcome.code, outcome.out.as_str()), (0, ""));
        drop(lock);
        world.ok("prepare", &next);
        assert!(world.open_taps().is_empty());
    });
}

/// A program that hangs in a child of its own, as one does that waits for another.
struct Hanging {
    script: String,
    ended: Receiver<Vec<u8>>,
}

impl Hanging {
    /// Both processes hold one end of a named pipe: reading it ends when they have ended.
    fn new(world: &World) -> Self {
        let pipe = world.config_dir().join("pipe");
        nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRWXU).unwrap();
        let script = format!(
            "echo ran >{0}.ran; exec 9>{0}; (read nothing </dev/zero; :)",
            pipe.display()
        );
        let (sender, ended) = std::sync::mpsc::channel();
        std::thread::spawn(move || sender.send(std::fs::read(pipe).unwrap()));
        Self { script, ended }
    }

    /// It hangs the first time only.
    fn once(&self, world: &World, then: &str) -> String {
        let ran = world.config_dir().join("pipe.ran");
        format!(
            "[ ! -e {} ] || exec {then} \"$@\"\n{}",
            ran.display(),
            self.script
        )
    }

    /// It ran, and nothing of it runs any more.
    #[track_caller]
    fn assert_killed(&self) {
        let ended = self.ended.recv_timeout(Duration::from_secs(5));
        ended.expect("it was killed with its child");
    }
}

#[test]
fn a_program_that_hangs_is_killed_with_its_group_and_the_start_is_undone() {
    World::run(|world| {
        let empty = world.dump();
        let vm = Vm::new(1);
        world.ok("prepare", &vm);
        world.plug(&vm);
        let before = world.kernel();
        let hanging = Hanging::new(world);
        let script = hanging.once(world, "/usr/sbin/iptables-restore");
        let programs = world.programs(&[("iptables-restore", &script)]);
        let began = Instant::now();
        let outcome = world.call("start", &vm).programs_first(&programs).end();
        assert!(IN_TIME.contains(&began.elapsed().as_secs()));
        assert_refused(
            &outcome,
            &[
                "vm1",
                "fa:16:3e:00:00:01",
                "iptables-restore",
                "killed after",
            ],
        );
        hanging.assert_killed();
        assert_same(&world.kernel(), &before, "undone");
        world.take_down(&[&vm]);
        assert_same(&world.dump(), &empty, "after it");
    });
}

#[test]
fn where_undoing_hangs_too_the_port_is_closed_and_the_next_hook_repairs() {
    World::run(|world| {
        let empty = world.dump();
        let (vm, next) = (Vm::new(1), Vm::new(2));
        world.ok("prepare", &vm);
        world.plug(&vm);
        let hanging = Hanging::new(world);
        let programs = world.programs(&[
            ("iptables-restore", "echo no such thing >&2; exit 1"),
            ("ip6tables-save", &hanging.script),
        ]);
        let outcome = world.call("start", &vm).programs_first(&programs).end();
        assert_refused(&outcome, &["vm1", "no such thing", "going back failed too"]);
        assert!(world.open_taps().is_empty());
        hanging.assert_killed();
        world.ok("prepare", &next);
        assert!(world.open_taps().is_empty());
        world.take_down(&[&vm, &next]);
        assert_same(&world.dump(), &empty, "after it");
    });
}

/// `vmhook remove --purge` forgets all wants; two at once for one machine may write one file.
#[test]
fn a_start_whose_want_somebody_took_away_does_not_pass_for_done() {
    World::run(|world| {
        let vm = Vm::new(1);
        world.ok("prepare", &vm);
        world.plug(&vm);
        let lock = hold_the_lock(world);
        let start = world.call("start", &vm).begin();
        let wants = || {
            let files = world.state_files().into_iter();
            files
                .filter(|file| file.starts_with("wants/"))
                .collect::<Vec<_>>()
        };
        let want = loop {
            if let Some(want) = wants().pop() {
                break world.state_dir().join(want);
            }
        };
        fs::remove_file(want).unwrap();
        drop(lock);
        assert_refused(&start.end(), &["domain vm1", "try again"]);
        assert!(world.open_taps().is_empty());
        world.take_down(&[&vm]);
    });
}
