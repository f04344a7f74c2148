//! A network namespace that a test goes in and out of: one of several hosts, or a machine.

use std::fs::File;
use std::os::fd::AsRawFd;

use nix::sched::{CloneFlags, setns, unshare};

use super::netns::run;

/// A network namespace that is nobody's: it lives as long as this. The loopback device is up.
#[derive(Debug)]
pub struct Namespace(File);

impl Namespace {
    /// A new one.
    pub fn new() -> Self {
        let make = || {
            unshare(CloneFlags::CLONE_NEWNET).expect("root makes network namespaces");
            run("ip link set lo up");
            Self::current()
        };
        std::thread::scope(|scope| scope.spawn(make).join()).expect("a namespace can be made")
    }

    fn current() -> Self {
        Self(File::open("/proc/thread-self/ns/net").expect("a thread has a namespace"))
    }

    /// Does something in it, and comes back.
    pub fn enter<T>(&self, act: impl FnOnce() -> T) -> T {
        struct Back(Namespace);
        impl Drop for Back {
            fn drop(&mut self) {
                setns(&self.0.0, CloneFlags::CLONE_NEWNET).expect("a thread can go back");
            }
        }
        let _back = Back(Self::current());
        setns(&self.0, CloneFlags::CLONE_NEWNET).expect("root can enter it");
        act()
    }

    /// A path by which `ip link … netns PATH` finds it.
    pub fn path(&self) -> String {
        format!("/proc/{}/fd/{}", std::process::id(), self.0.as_raw_fd())
    }
}
