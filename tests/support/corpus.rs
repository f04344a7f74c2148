//! The cases of a corpus that somebody names, side by side.

use std::num::NonZero;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::thread;

/// A lock is held for one call of a list's alone.
const UNPOISONED: &str = "nothing panics under the lock";

/// What is wrong with each of them, behind its name. A panic is told above, and named here.
pub fn faults<T: Sync>(
    cases: &[T],
    name: impl Fn(&T) -> String + Sync,
    check: impl Fn(&T) -> Vec<String> + Sync,
) -> Vec<String> {
    let (next, faults) = (Mutex::new(cases.iter()), Mutex::new(Vec::new()));
    let work = || {
        loop {
            let Some(case) = next.lock().expect(UNPOISONED).next() else {
                return;
            };
            let checked = catch_unwind(AssertUnwindSafe(|| check(case)));
            let of_case = checked.unwrap_or_else(|_| vec!["fails: see above".to_owned()]);
            let of_case = of_case.into_iter();
            let of_case = of_case.map(|fault| format!("{}: {fault}", name(case)));
            faults.lock().expect(UNPOISONED).extend(of_case);
        }
    };
    thread::scope(|scope| {
        // Most of the time each waits for the kernel.
        let processors = thread::available_parallelism().map_or(1, NonZero::get);
        for _ in 0..4 * processors {
            scope.spawn(work);
        }
    });
    faults.into_inner().expect(UNPOISONED)
}
