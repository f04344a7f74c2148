//! Two emulated guests at a time: more of them make each other late on a small machine.

use std::cell::Cell;
use std::sync::{Condvar, Mutex, PoisonError};

static FREE: Mutex<usize> = Mutex::new(2);
static RETURNED: Condvar = Condvar::new();

thread_local! {
    static HELD: Cell<usize> = const { Cell::new(0) };
}

/// Leave to run guests, one for a test however many labs it has; given back when dropped.
#[derive(Debug)]
pub struct Permit(());

impl Permit {
    /// Waits until fewer than two other tests run guests.
    pub fn wait() -> Self {
        if HELD.get() == 0 {
            let free = FREE.lock().unwrap_or_else(PoisonError::into_inner);
            let mut free = RETURNED
                .wait_while(free, |free| *free == 0)
                .unwrap_or_else(PoisonError::into_inner);
            *free -= 1;
        }
        HELD.set(HELD.get() + 1);
        Self(())
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        HELD.set(HELD.get() - 1);
        if HELD.get() == 0 {
            *FREE.lock().unwrap_or_else(PoisonError::into_inner) += 1;
            RETURNED.notify_one();
        }
    }
}
