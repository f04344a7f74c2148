//! Why the boundary could not do something.

use std::time::Duration;

/// A failure at the boundary: each names the object and what was tried.
#[derive(Debug, thiserror::Error)]
pub enum HostError {
    /// A program failed, was killed at the time limit, or is not there.
    #[error("{program}: {reason}")]
    Command {
        /// The program, with its arguments.
        program: String,
        /// What it said or how it ended, in one line.
        reason: String,
        /// What it was given on standard input, for the log.
        input: String,
    },
    /// The kernel refused a netlink request.
    #[error("{doing}: {reason}")]
    Netlink {
        /// What was tried: `cannot create bridge brqc08e7dcd-4a`.
        doing: String,
        /// The kernel's words.
        reason: String,
    },
    /// A file could not be read or written.
    #[error("{doing} {path}: {cause}")]
    File {
        /// `cannot read`, `cannot write`.
        doing: &'static str,
        /// The file.
        path: String,
        /// The kernel's words.
        cause: std::io::Error,
    },
    /// The time limit passed while waiting.
    #[error("gave up after {waited:.1?} waiting for {what}")]
    Busy {
        /// What was waited for.
        what: String,
        /// How long.
        waited: Duration,
    },
}

impl HostError {
    /// For `map_err`: the file and what was tried with it.
    pub(super) fn file(
        doing: &'static str,
        path: &std::path::Path,
    ) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.display().to_string();
        move |cause| Self::File { doing, path, cause }
    }
}
