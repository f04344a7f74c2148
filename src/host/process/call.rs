//! What is run, and what came of it.

use std::fmt;

use crate::host::HostError;

/// One program to run.
#[derive(Debug, Clone)]
pub(in crate::host) struct Call<'a> {
    /// Its name, looked up in the path.
    pub(in crate::host) program: &'static str,
    /// Its arguments.
    pub(in crate::host) arguments: Vec<String>,
    /// What it reads on standard input.
    pub(in crate::host) input: &'a str,
}

/// How a program ended and what it said.
#[derive(Debug)]
pub(in crate::host) struct Output {
    /// It ended by itself with status 0.
    pub(in crate::host) success: bool,
    /// Its standard output.
    pub(in crate::host) stdout: String,
    /// Its standard error; if that is empty, how it ended. One line.
    pub(in crate::host) words: String,
}

impl<'a> Call<'a> {
    /// A program with its arguments and no input.
    pub(in crate::host) fn new(program: &'static str, arguments: &[&str]) -> Self {
        Self {
            program,
            arguments: arguments.iter().map(|&word| word.to_owned()).collect(),
            input: "",
        }
    }

    /// The same with an input.
    pub(in crate::host) fn with_input(mut self, input: &'a str) -> Self {
        self.input = input;
        self
    }

    /// The error of this program.
    pub(in crate::host) fn failed(&self, reason: impl Into<String>) -> HostError {
        HostError::Command {
            program: self.to_string(),
            reason: reason.into(),
            input: self.input.to_owned(),
        }
    }
}

impl fmt::Display for Call<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.program)?;
        self.arguments
            .iter()
            .try_for_each(|word| write!(out, " {word}"))
    }
}
