//! `vmhook reload`: the configuration as it is now, for machines that run.

use anyhow::Result;
use vmhook::hook::{self, Decision, Reloaded};
use vmhook::host::Host;

use crate::arguments::ReloadArguments;
use crate::output::{NOTE, Output, styled};
use crate::{Answer, need_root};

pub(crate) fn run(wanted: &ReloadArguments, host: &dyn Host, output: &Output) -> Result<Answer> {
    need_root("reload")?;
    if wanted.dry_run {
        let (reloaded, plan) = hook::rehearse_reload(host)?;
        let comment = |line: String| format!("# {line}\n");
        let script = if plan.is_empty() {
            comment("nothing is to be done".to_owned())
        } else {
            plan.to_string()
        };
        return say(reloaded, output, comment, &script);
    }
    say(hook::reload(host)?, output, |line| format!("{line}\n"), "")
}

fn say(
    reloaded: Reloaded,
    output: &Output,
    line: impl Fn(String) -> String,
    script: &str,
) -> Result<Answer> {
    let decision = match reloaded {
        Reloaded::Done(decision) => decision,
        Reloaded::Refused(causes) => {
            for cause in &causes {
                output.complain(cause);
            }
            output.complain("nothing was changed");
            return Ok(Answer::No);
        }
    };
    let Decision {
        shared,
        changes,
        notes,
        left,
        unknown,
        ..
    } = decision;
    let mut changes: Vec<String> = shared
        .into_iter()
        .chain(changes.iter().map(ToString::to_string))
        .collect();
    if changes.is_empty() {
        changes.push("every port is as the configuration says".to_owned());
    }
    let note = |note: &String| format!("{} {note}", styled(NOTE, "note:"));
    let lines = changes.into_iter().chain(notes.iter().map(note));
    output.print(&(lines.map(line).collect::<String>() + script))?;
    for network in &left {
        output.complain(network);
    }
    for name in &unknown {
        output.complain(&format!(
            "domain {name} stays as it was: its record does not tell what its metadata says; \
             `vmhook sync {name}`, then reload again"
        ));
    }
    Ok(if left.is_empty() && unknown.is_empty() {
        Answer::Yes
    } else {
        Answer::No
    })
}
