//! Who holds the host lock, for whoever waited for it in vain.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// `held by pid 4711, vmhook-event`; `None` where the kernel does not say: the holder may be in
/// another pid namespace, and some filesystems have another device number there.
pub(super) fn find(path: &Path) -> Option<String> {
    let meta = fs::metadata(path).ok()?;
    let pid = holder(
        &fs::read_to_string("/proc/locks").ok()?,
        place(&meta).as_str(),
    )?;
    let name = fs::read_to_string(format!("/proc/{pid}/comm"));
    Some(match name {
        Ok(name) => format!("held by pid {pid}, {}", name.trim_end()),
        Err(_) => format!("taken by pid {pid}, which has ended, and held by what it started"),
    })
}

/// As `/proc/locks` writes it: the device's numbers in hexadecimal, the inode's in decimal.
fn place(meta: &fs::Metadata) -> String {
    let device = meta.dev();
    let (major, minor) = (nix::sys::stat::major(device), nix::sys::stat::minor(device));
    format!("{major:02x}:{minor:02x}:{}", meta.ino())
}

/// proc(5): `1: FLOCK  ADVISORY  WRITE 4711 00:1a:23 0 EOF`; who waits has `->` behind the number.
fn holder(locks: &str, place: &str) -> Option<u32> {
    let pid = |line: &str| match line.split_ascii_whitespace().collect::<Vec<_>>()[..] {
        [_, "FLOCK", _, _, pid, at, ..] if at == place => pid.parse().ok(),
        _ => None,
    };
    // A process of another pid namespace has the pid 0, or a negative one.
    locks.lines().find_map(pid).filter(|pid| *pid > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOCKS: &str = "\
1: POSIX  ADVISORY  WRITE 7 00:1a:23 0 EOF
2: FLOCK  ADVISORY  WRITE 4711 00:1a:23 0 EOF
2: -> FLOCK  ADVISORY  WRITE 4712 00:1a:23 0 EOF
3: FLOCK  ADVISORY  WRITE 0 00:1a:24 0 EOF
";

    #[test]
    fn the_holder_is_found_and_who_waits_is_not() {
        assert_eq!(holder(LOCKS, "00:1a:23"), Some(4711));
        assert_eq!(holder(LOCKS, "00:1b:23"), None);
    }

    #[test]
    fn who_cannot_be_seen_from_here_is_not_named() {
        assert_eq!(holder(LOCKS, "00:1a:24"), None);
    }

    #[test]
    fn the_kernel_names_this_process() {
        let folder = tempfile::tempdir().unwrap();
        let lock = fs::File::open(folder.path()).unwrap();
        lock.lock().unwrap();
        let found = find(folder.path()).unwrap();
        let us = format!("held by pid {}, ", std::process::id());
        assert!(found.starts_with(&us), "{found}");
    }
}
