//! `vmhook-event`: what libvirt runs, through the stubs in `hooks/`.
//!
//! It prints nothing on standard output, which libvirt takes for XML, and one line on standard error
//! where a start is refused. It never links libvirt: a hook that calls back deadlocks.
#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_macros,
    clippy::print_stderr,
    reason = "a program's entry: arguments, environment, standard error, exit code"
)]

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use vmhook::event::Event;
use vmhook::hook::{self, Input};
use vmhook::host::stdin::{self, StandardInput};
use vmhook::host::{self, Paths};

/// libvirt waits for a hook without limit, and `virsh list` with it. `[host] hook_timeout` may set
/// another one, once the configuration is read.
const LIMIT: Duration = Duration::from_secs(15);

fn main() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
    let event = Event::of(&arguments);
    if event == Event::Nothing {
        return ExitCode::SUCCESS;
    }
    // The table of exit codes holds whatever happens in here.
    let outcome = std::panic::catch_unwind(|| serve(&event));
    let message = match outcome {
        Ok(Ok(())) => return ExitCode::SUCCESS,
        Ok(Err(error)) => format!("{error:#}").replace(char::is_control, " "),
        Err(_) => "vmhook-event has a bug; see the message above".to_owned(),
    };
    eprintln!("vmhook: {message}");
    if event.may_fail() {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    }
}

fn serve(event: &Event) -> anyhow::Result<()> {
    let input = match stdin::read(LIMIT)? {
        StandardInput::Complete(xml) => Input::Xml(xml),
        StandardInput::TooLarge => Input::TooLarge,
    };
    let host = host::open(paths(), LIMIT);
    hook::serve(event, host.as_ref(), host::is_root(), &input)
}

/// libvirt passes no variable of ours on: these serve direct calls, in tests and by hand.
fn paths() -> Paths {
    let path = |variable: &str, usual: &str| {
        std::env::var_os(variable).map_or_else(|| PathBuf::from(usual), PathBuf::from)
    };
    Paths {
        config_dir: path("VMHOOK_CONFIG_DIR", "/etc/vmhook"),
        state_dir: path("VMHOOK_STATE_DIR", "/run/vmhook"),
    }
}
