//! Who called the hook, and whether it still runs.
//!
//! libvirt gives each hook a session of its own (`setsid`), and the hook is a script that starts us:
//! our parent may be that script, which ends with us. The caller is therefore our nearest ancestor
//! *outside our session*.
//!
//! ```text
//! libvirtd ─setsid─▶ hooks/qemu.d/50-vmhook (sh) ──▶ vmhook-event
//!    ▲ the caller     the leader of the session        us
//! ```

use std::fs;

use crate::facts::Process;

/// What `/proc/<pid>/stat` says of a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stat {
    state: u8,
    parent: u32,
    session: u32,
    start: u64,
}

/// The process that called the hook; this process itself if that is gone already.
///
/// Whose caller has died is given to pid 1, which runs for ever and called nobody; the parent in
/// another pid namespace is pid 0. A want must be alive at least while its hook is, and no longer.
pub(super) fn find() -> Process {
    let parent = nix::unistd::getppid().as_raw();
    let parent = u32::try_from(parent).unwrap_or_default();
    let session = read(std::process::id()).map_or(0, |own| own.session);
    let outside = std::iter::successors(Some(parent), |&pid| {
        let stat = read(pid)?;
        (stat.session == session).then_some(stat.parent)
    })
    .last();
    let pid = [outside.unwrap_or_default(), parent]
        .into_iter()
        .find(|&pid| pid > 1)
        .unwrap_or_else(std::process::id);
    Process {
        pid,
        start: read(pid).map_or(0, |stat| stat.start),
    }
}

/// Whether it still runs: a later process with its pid has another start time.
pub(super) fn is_running(process: &Process) -> bool {
    read(process.pid)
        .is_some_and(|stat| stat.start == process.start && !b"ZXx".contains(&stat.state))
}

fn read(pid: u32) -> Option<Stat> {
    parse(&fs::read(format!("/proc/{pid}/stat")).ok()?)
}

/// proc(5): `pid (name) state ppid pgrp session … starttime …`, the 22nd. A name may hold blanks
/// and brackets, so the fields are counted from the last bracket.
fn parse(stat: &[u8]) -> Option<Stat> {
    let end = stat.iter().rposition(|&byte| byte == b')')?;
    let rest = str::from_utf8(&stat[end + 1..]).ok()?;
    let fields: Vec<_> = rest.split_ascii_whitespace().collect();
    Some(Stat {
        state: *fields.first()?.as_bytes().first()?,
        parent: fields.get(1)?.parse().ok()?,
        session: fields.get(3)?.parse().ok()?,
        start: fields.get(19)?.parse().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_may_hold_anything() {
        let line = b"7 (a) S 1 (b\xff) R 6 7 5 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 4711 99 1\n";
        let expected = Stat {
            state: b'R',
            parent: 6,
            session: 5,
            start: 4711,
        };
        assert_eq!(parse(line), Some(expected));
        assert_eq!(parse(b"7 (a) R 6"), None);
    }

    #[test]
    fn this_process_runs_and_one_of_another_start_time_does_not() {
        let pid = std::process::id();
        let start = read(pid).unwrap().start;
        assert!(is_running(&Process { pid, start }));
        assert!(!is_running(&Process {
            pid,
            start: start + 1
        }));
    }

    #[test]
    fn the_caller_is_outside_our_session() {
        let caller = find();
        assert_ne!(caller.pid, std::process::id());
        assert!(is_running(&caller));
    }

    #[test]
    fn a_dead_process_does_not_run_even_before_it_was_waited_for() {
        let mut child = std::process::Command::new("cat")
            .stdin(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let pid = child.id();
        let process = Process {
            pid,
            start: read(pid).unwrap().start,
        };
        assert!(is_running(&process));
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(!is_running(&process));
    }
}
