//! What editors and package managers leave beside a file.

use super::file::is_stamped;
use super::scene::Found;

/// The name of every stub.
const NAME: &str = "50-vmhook";

/// What they append; a hook of the operator's is called otherwise.
const ENDINGS: [&str; 16] = [
    "~",
    "#",
    ".bak",
    ".dpkg-bak",
    ".dpkg-dist",
    ".dpkg-new",
    ".dpkg-old",
    ".dpkg-tmp",
    ".old",
    ".orig",
    ".rpmnew",
    ".rpmorig",
    ".rpmsave",
    ".save",
    ".swp",
    ".tmp",
];

/// What becomes of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Leftover {
    /// It is a stub of ours, unchanged: nothing is lost with it.
    Remove,
    /// Somebody's: it stays, but libvirt must not run it.
    Disarm,
}

/// What becomes of a file in a folder of hooks; `None` if it is no leftover, or libvirt does not run
/// it.
pub(super) fn of(name: &str, found: &Found) -> Option<Leftover> {
    let Found::File { content, mode, .. } = found else {
        return None;
    };
    if mode & 0o111 == 0 || !is_left(name) {
        return None;
    }
    Some(if is_stamped(content) {
        Leftover::Remove
    } else {
        Leftover::Disarm
    })
}

fn is_left(name: &str) -> bool {
    let shown = name.trim_start_matches(['.', '#']);
    let Some(end) = shown.strip_prefix(NAME) else {
        return false;
    };
    (shown != name && end.is_empty()) || ENDINGS.contains(&end)
}
