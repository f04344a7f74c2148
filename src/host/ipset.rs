//! The `ipset` program: sets of addresses that rules look into.
//!
//! `ipset restore` takes any number of changes in one process. It is no transaction: at a line that
//! fails it stops, and the lines before it stand.

use std::time::{Duration, Instant};

use super::HostError;
use super::process::{Call, Runner};

/// iptables over nftables lets go of the sets of deleted rules a moment after it has ended: the
/// kernel destroys rules in the background. So long it is waited for.
const PATIENCE: Duration = Duration::from_secs(3);

/// How often the kernel is asked meanwhile.
const PAUSE: Duration = Duration::from_millis(5);

/// Applies a text. What is there already may come, and what is gone may go.
pub(super) fn restore(runner: &Runner, text: &str) -> Result<(), HostError> {
    let started = Instant::now();
    let mut rest = text;
    loop {
        let call = Call::new("ipset", &["-exist", "restore"]).with_input(rest);
        let output = runner.run(&call)?;
        if output.success {
            return Ok(());
        }
        let in_use = output.words.contains("in use by a kernel component");
        let patience = PATIENCE.min(runner.deadline().left());
        match rest_from_error(rest, &output.words).filter(|_| in_use) {
            Some(left) if started.elapsed() < patience => rest = left,
            _ => return Err(call.failed(output.words)),
        }
        std::thread::sleep(PAUSE);
    }
}

/// `ipset save`: every set of this network namespace with its elements.
pub(super) fn save(runner: &Runner) -> Result<String, HostError> {
    runner.run_well(&Call::new("ipset", &["save"]))
}

/// `ipset list -terse`: every set of this network namespace without its elements.
pub(super) fn sizes(runner: &Runner) -> Result<String, HostError> {
    runner.run_well(&Call::new("ipset", &["list", "-terse"]))
}

/// What is left to do, from the line on that the program's words name.
fn rest_from_error<'a>(text: &'a str, words: &str) -> Option<&'a str> {
    let (_, after) = words.split_once("Error in line ")?;
    let digits = after.split(':').next()?;
    let number: usize = digits.parse().ok()?;
    let done = text.split_inclusive('\n').take(number.checked_sub(1)?);
    let length = done.map(str::len).sum();
    text.get(length..)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn goes_on_at_the_line_that_failed() {
        let text = "destroy a\ndestroy b\ndestroy c\n";
        let words = "ipset v7.17: Error in line 2: Set cannot be destroyed: it is in use by a \
                     kernel component";
        assert_eq!(rest_from_error(text, words), Some("destroy b\ndestroy c\n"));
        assert_eq!(rest_from_error(text, "ipset: not found"), None);
    }
}
