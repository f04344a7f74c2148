//! `vmhook`: what an operator asks.
//!
//! A thin program: it reads arguments and files, asks the library, and prints. Only it knows clap,
//! libvirt and colours. `plan`, `check`, `inspect` and `export` change nothing; `sync` repairs, and
//! serves what libvirt changed without a hook; `reload` brings a changed configuration to machines that
//! run; `setup` and `remove` make an installation and undo it.
//!
//! | exit code | means |
//! |---|---|
//! | 0 | all is well |
//! | 1 | the answer is no: refused, wrong, different |
//! | 2 | there is no answer: wrong arguments, something could not be read |
#![expect(
    clippy::disallowed_methods,
    reason = "a program's entry: arguments, environment, files that are named, standard streams"
)]

mod arguments;
mod check;
mod existing;
mod export;
mod input;
mod inspect;
mod libvirt;
mod notes;
mod output;
mod plan;
mod reload;
mod remove;
mod setup;
mod sync;
mod vxlan;
mod words;

use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use vmhook::host::{self, Host};

use arguments::{Arguments, Command};
use output::Output;

/// An operator may wait for a busy host longer than libvirt should.
const LIMIT: Duration = Duration::from_secs(60);

/// What was asked is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answer {
    /// All is well.
    Yes,
    /// It is not.
    No,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let output = Output::new(arguments.color);
    let host = host::open(arguments.paths(), LIMIT);
    match answer(&arguments.command, host.as_ref(), &output) {
        Ok(Answer::Yes) => ExitCode::SUCCESS,
        Ok(Answer::No) => ExitCode::from(1),
        Err(error) => {
            output.complain(&format!("{error:#}"));
            ExitCode::from(2)
        }
    }
}

fn answer(command: &Command, host: &dyn Host, output: &Output) -> anyhow::Result<Answer> {
    match command {
        Command::Plan(wanted) => plan::run(wanted, host, output),
        Command::Check => check::run(host, output),
        Command::Inspect(wanted) => inspect::run(wanted, host, output),
        Command::Sync(wanted) => sync::run(wanted, host, output),
        Command::Reload(wanted) => reload::run(wanted, host, output),
        Command::Export(wanted) => export::run(wanted, host, output),
        Command::Setup(wanted) => setup::run(wanted, host, output),
        Command::Remove(wanted) => remove::run(wanted, host, output),
    }
}

/// # Errors
/// If this process is not root's; says what for it would have to be.
fn need_root(what: &str) -> anyhow::Result<()> {
    anyhow::ensure!(host::is_root(), "{what} needs root");
    Ok(())
}
