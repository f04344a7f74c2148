//! A network namespace for each test: a real kernel, an empty host, and nothing to clean up.
//!
//! A namespace belongs to a thread, and goes with it; what a test makes in it never meets another
//! test or the machine. Needs root.

use std::process::Command;

use nix::sched::{CloneFlags, unshare};

/// Runs a test in a network namespace of its own, in which only the loopback device is, down.
pub(crate) fn in_a_new_namespace(test: impl FnOnce() + Send) {
    std::thread::scope(|scope| {
        let thread = scope.spawn(|| {
            unshare(CloneFlags::CLONE_NEWNET)
                .expect("kernel tests run as root: they make network namespaces");
            test();
        });
        if let Err(panic) = thread.join() {
            std::panic::resume_unwind(panic);
        }
    });
}

/// Runs a command line in this thread's namespace; its standard output.
///
/// Words are separated by blanks; there is no quoting.
pub(crate) fn run(line: &str) -> String {
    let (succeeded, output) = attempt(line);
    assert!(succeeded, "{line}: {output}");
    output
}

/// The same; whether it succeeded, and all that it said.
pub(crate) fn attempt(line: &str) -> (bool, String) {
    let mut words = line.split_whitespace();
    let program = words.next().expect("a command line has a first word");
    let output = Command::new(program)
        .args(words)
        .env("LC_ALL", "C")
        .output()
        .unwrap_or_else(|error| panic!("{program}: {error}"));
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let said = text(&output.stdout) + &text(&output.stderr);
    (output.status.success(), said)
}
