//! Who called the hook, and whether it still runs.
//!
//! Between libvirt's daemon and us may be shells: a stub that does not `exec`, an operator's own hook
//! that starts ours. They end with us, while the machine's start goes on in the daemon. Neither
//! session nor process group tells them apart: hooks share both with the daemon (libvirt 9.0, started
//! by systemd or with `--daemon`). So the caller is the nearest ancestor that bears a daemon's name.
//!
//! ```text
//! libvirtd ──▶ hooks/qemu (sh) ──▶ hooks/qemu.d/50-vmhook (sh) ──▶ vmhook-event
//!    ▲ the caller
//! ```

use std::fs;

use crate::facts::Process;

/// What `/proc/<pid>/stat` says of a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stat {
    is_libvirt: bool,
    state: u8,
    parent: u32,
    start: u64,
}

/// The daemon that called the hook; without one our parent, or this process itself if that is gone.
///
/// Whose caller has died is given to pid 1, which runs for ever and called nobody; the parent in
/// another pid namespace is pid 0. A want must be alive at least while its hook is, and no longer.
pub(super) fn find() -> Process {
    let parent = nix::unistd::getppid().as_raw();
    let parent = u32::try_from(parent).unwrap_or_default();
    let mut ancestors = std::iter::successors(Some(parent), |&pid| Some(read(pid)?.parent));
    let daemon = ancestors.find(|&pid| read(pid).is_some_and(|stat| stat.is_libvirt));
    let pid = daemon
        .or((parent > 1).then_some(parent))
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

/// proc(5): `pid (name) state ppid … starttime …`, the 22nd. A name may hold blanks and brackets, so
/// the fields are counted from the last bracket.
fn parse(stat: &[u8]) -> Option<Stat> {
    let begin = stat.iter().position(|&byte| byte == b'(')?;
    let end = stat.iter().rposition(|&byte| byte == b')')?;
    let rest = str::from_utf8(&stat[end + 1..]).ok()?;
    let fields: Vec<_> = rest.split_ascii_whitespace().collect();
    Some(Stat {
        is_libvirt: is_daemons_name(stat.get(begin + 1..end)?),
        state: *fields.first()?.as_bytes().first()?,
        parent: fields.get(1)?.parse().ok()?,
        start: fields.get(19)?.parse().ok()?,
    })
}

/// `libvirtd`, or one of the modular daemons: `virtqemud`, `virtnetworkd` and so on.
fn is_daemons_name(name: &[u8]) -> bool {
    name == b"libvirtd" || (name.starts_with(b"virt") && name.ends_with(b"d"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_may_hold_anything() {
        let line = b"7 (a) S 1 (b\xff) R 6 7 5 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 4711 99 1\n";
        let expected = Stat {
            is_libvirt: false,
            state: b'R',
            parent: 6,
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
    fn without_a_daemon_the_parent_is_the_caller() {
        let caller = find();
        assert_eq!(caller.pid, std::os::unix::process::parent_id());
        assert!(is_running(&caller));
    }

    #[test]
    fn every_daemon_of_libvirt_is_known_and_no_shell_is() {
        for name in ["libvirtd", "virtqemud", "virtnetworkd", "virtnodedevd"] {
            assert!(is_daemons_name(name.as_bytes()), "{name}");
        }
        for name in [
            "sh",
            "50-vmhook",
            "virsh",
            "virt-install",
            "systemd",
            "libvirt",
        ] {
            assert!(!is_daemons_name(name.as_bytes()), "{name}");
        }
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
