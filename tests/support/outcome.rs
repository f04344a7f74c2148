//! How a command ended.

use std::process::Output;

/// How a command ended, here or in a guest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// What was run, for messages.
    pub command: String,
    /// Exit status; 128 + number if a signal ended it.
    pub code: i32,
    /// What it printed on standard output; from a guest, on both.
    pub out: String,
    /// What it printed on standard error.
    pub err: String,
}

impl Outcome {
    /// Takes over what `std` says.
    pub fn of(command: String, output: &Output) -> Self {
        use std::os::unix::process::ExitStatusExt;
        let signal = output.status.signal().unwrap_or(0);
        Self {
            command,
            code: output.status.code().unwrap_or(128 + signal),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// Whether the exit status is 0.
    pub fn succeeded(&self) -> bool {
        self.code == 0
    }

    /// What it printed; the test fails if the command did.
    #[track_caller]
    pub fn ok(self) -> String {
        assert!(self.succeeded(), "{self:#?}");
        self.out
    }
}
