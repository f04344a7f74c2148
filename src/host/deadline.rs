//! The time limit of one call of the program.
//!
//! libvirt waits for a hook without limit and holds the domain's lock meanwhile: `virsh list` of
//! the whole host hangs with it. So the hook limits itself. Two thirds of the limit are for the
//! work; the last third is kept for undoing it, or a start that ran out of time would leave half of
//! its work behind.
//!
//! ```text
//! 0 ──────────── work ────────────▶ 2/3 ──── undo ────▶ 1
//! ```

use std::cell::Cell;
use std::time::{Duration, Instant};

use super::HostError;

/// When to stop waiting.
#[derive(Debug)]
pub(super) struct Deadline {
    started: Instant,
    limit: Cell<Duration>,
    undoing: Cell<bool>,
}

impl Deadline {
    /// A limit that counts from now.
    pub(super) fn new(limit: Duration) -> Self {
        Self {
            started: Instant::now(),
            limit: Cell::new(limit),
            undoing: Cell::new(false),
        }
    }

    /// Time since the start.
    pub(super) fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    /// What is left of the present share; zero when it is over.
    pub(super) fn left(&self) -> Duration {
        let limit = self.limit.get();
        let share = if self.undoing.get() {
            limit
        } else {
            limit * 2 / 3
        };
        share.saturating_sub(self.elapsed())
    }

    /// Sets another limit, which counts from the start too.
    pub(super) fn set_limit(&self, limit: Duration) {
        self.limit.set(limit);
    }

    /// Opens the share for undoing.
    pub(super) fn begin_undo(&self) {
        self.undoing.set(true);
    }

    /// What is left, or the error that says what there was no time for.
    pub(super) fn left_for(&self, what: impl FnOnce() -> String) -> Result<Duration, HostError> {
        let left = self.left();
        if left.is_zero() {
            return Err(self.busy(what()));
        }
        Ok(left)
    }

    /// The error of a wait that took all that was left.
    pub(super) fn busy(&self, what: String) -> HostError {
        HostError::Busy {
            what,
            waited: self.elapsed(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_ends_before_the_limit_and_undoing_may_go_on() {
        let deadline = Deadline::new(Duration::from_secs(15));
        assert!(deadline.left() <= Duration::from_secs(10));
        deadline.begin_undo();
        assert!(deadline.left() > Duration::from_secs(14));
    }

    #[test]
    fn a_limit_that_is_set_later_counts_from_the_start() {
        let deadline = Deadline::new(Duration::from_secs(15));
        deadline.set_limit(Duration::from_secs(6));
        assert!(deadline.left() <= Duration::from_secs(4));
        deadline.begin_undo();
        assert!(deadline.left() <= Duration::from_secs(6));
    }

    #[test]
    fn nothing_is_begun_when_the_time_is_up() {
        let deadline = Deadline::new(Duration::ZERO);
        let error = deadline.left_for(|| "a turn".to_owned()).unwrap_err();
        assert!(error.to_string().ends_with("waiting for a turn"), "{error}");
    }
}
