//! The host lock: one hook at a time changes rules and links.
//!
//! It is `flock(2)` on the state directory itself, which leaves no file behind, and which the
//! kernel frees when its holder dies. One thing must not happen then: a killed hook's
//! `iptables-restore` goes on while the next hook already reads. So the children inherit the open
//! directory, and with it the lock: it is free when the *last* of them has ended. For the same reason
//! it is given back by closing and never by unlocking, which would take it from a child as well.
//!
//! A helper thread waits in the kernel and we wait for the thread, with a time limit. Who holds the
//! lock may do the work of those who wait: so a waiter looks now and then whether it still needs it.

use std::any::Any;
use std::fs::File;
use std::path::Path;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use nix::fcntl::{FcntlArg, FdFlag, fcntl};

use super::deadline::Deadline;
use super::{HostError, lock_holder};

/// Holds the host lock until it is dropped.
#[derive(Debug)]
pub struct LockGuard(#[expect(dead_code, reason = "held, never read")] Box<dyn Any>);

impl LockGuard {
    /// A guard that drops this value when it is dropped; a host without a lock holds `()`.
    pub fn holding(held: impl Any) -> Self {
        Self(Box::new(held))
    }
}

/// How long somebody waits before looking whether it still has to. Far less than a transaction takes.
const GLANCE: Duration = Duration::from_millis(20);

/// Takes the lock on a directory or gives up at the time limit; `None` as soon as it is not needed any
/// more.
pub(super) fn take_unless(
    path: &Path,
    deadline: &Deadline,
    needless: &dyn Fn() -> Result<bool, HostError>,
) -> Result<Option<LockGuard>, HostError> {
    let file = File::open(path).map_err(HostError::file("cannot open", path))?;
    let waiting_for = || format!("the lock {}", path.display());
    deadline.left_for(waiting_for)?;
    let (sender, receiver) = mpsc::sync_channel(1);
    // If we have given up when the thread gets the lock, it cannot hand the file over: it closes
    // it, and the lock is free.
    thread::spawn(move || sender.send(file.lock().map(|()| file)));
    let locked = loop {
        match receiver.recv_timeout(deadline.left().min(GLANCE)) {
            Ok(locked) => break locked,
            Err(RecvTimeoutError::Timeout) if needless()? => return Ok(None),
            Err(RecvTimeoutError::Timeout) if !deadline.left().is_zero() => {}
            Err(RecvTimeoutError::Timeout) => {
                return Err(deadline.busy(match lock_holder::find(path) {
                    Some(holder) => format!("{}, {holder}", waiting_for()),
                    None => waiting_for(),
                }));
            }
            Err(RecvTimeoutError::Disconnected) => {
                unreachable!("the thread sends before it ends")
            }
        }
    };
    let file = locked.map_err(HostError::file("cannot lock", path))?;
    fcntl(&file, FcntlArg::F_SETFD(FdFlag::empty()))
        .map_err(|errno| HostError::file("cannot lock", path)(errno.into()))?;
    Ok(Some(LockGuard::holding(file)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::{Command, Stdio};
    use std::time::Duration;

    fn take(path: &Path, deadline: &Deadline) -> Result<LockGuard, HostError> {
        let taken = take_unless(path, deadline, &|| Ok(false))?;
        Ok(taken.expect("it is needed"))
    }

    fn soon() -> Deadline {
        Deadline::new(Duration::from_millis(300))
    }

    fn long() -> Deadline {
        Deadline::new(Duration::from_secs(60))
    }

    #[test]
    fn it_excludes_and_the_second_gives_up_in_time() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        let first = take(path, &long()).unwrap();
        let error = take(path, &soon()).unwrap_err();
        assert!(matches!(error, HostError::Busy { .. }), "{error}");
        drop(first);
        take(path, &long()).unwrap();
    }

    #[test]
    fn a_waiter_gets_it_when_it_is_free() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        let first = take(path, &long()).unwrap();
        let waiter = thread::spawn({
            let path = path.to_owned();
            move || take(&path, &long()).map(drop)
        });
        drop(first);
        waiter.join().unwrap().unwrap();
    }

    #[test]
    fn who_does_not_need_it_any_more_leaves_without_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        let first = take(path, &long()).unwrap();
        let looks = std::cell::Cell::new(0);
        let third_time = || {
            looks.set(looks.get() + 1);
            Ok(looks.get() == 3)
        };
        assert!(take_unless(path, &long(), &third_time).unwrap().is_none());
        drop(first);
        take(path, &long()).unwrap();
    }

    #[test]
    fn who_gave_up_waiting_does_not_keep_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        let first = take(path, &long()).unwrap();
        take(path, &soon()).unwrap_err();
        drop(first);
        take(path, &long()).unwrap();
    }

    #[test]
    fn a_child_keeps_it_until_the_child_has_ended() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        let guard = take(path, &long()).unwrap();
        let mut child = Command::new("cat").stdin(Stdio::piped()).spawn().unwrap();
        drop(guard);
        assert!(take(path, &soon()).is_err(), "the child runs");
        drop(child.stdin.take());
        child.wait().unwrap();
        take(path, &long()).unwrap();
    }
}
