//! `vmhook setup`: the hooks where libvirt runs them, and an example.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use vmhook::host::{self, Host, Priority, Programs, Tree};
use vmhook::installation::{
    DAEMONS, EVENT, EXAMPLE, MAIN, PROFILES, PROGRAMS, Step, keeps_hooks_from_running, to_set_up,
};

use crate::arguments::SetupArguments;
use crate::output::{BAD, NOTE, Output, styled};
use crate::{Answer, LIMIT, need_root};

pub(crate) fn run(wanted: &SetupArguments, host: &dyn Host, output: &Output) -> Result<Answer> {
    need_root("setup")?;
    let tree = Tree::open(&wanted.system.root)?;
    let programs = Programs::new(LIMIT);
    let is_here = wanted.system.root == Path::new("/");
    if is_here {
        has_event(&tree, Some(&programs))?;
    } else {
        has_event(&tree, None)
            .with_context(|| format!("below {}", wanted.system.root.display()))?;
    }
    let steps = to_set_up(&tree.look()?);
    say_where(&wanted.system.root, output)?;
    carry_out(&tree, &steps, output)?;
    if !is_here {
        return Ok(Answer::Yes);
    }
    let labels = restore_labels(&tree, &programs, output)?;
    let told = tell_daemons(output)?;
    if steps.iter().any(|step| matches!(step, Step::Write(_))) {
        host.log(Priority::Info, &[], "the hooks are set up");
    }
    let mut missing = what_is_missing(&tree, &programs);
    missing.extend([labels, told].into_iter().flatten());
    for line in &missing {
        output.print(&format!("{} {line}\n", styled(BAD, "missing   ")))?;
    }
    if tree.text(MAIN).is_none() {
        output.print(&format!(
            "{} write {MAIN} (as {}); until then no guest starts on a bridge brq…\n",
            styled(NOTE, "next      "),
            EXAMPLE.path
        ))?;
    }
    Ok(if missing.is_empty() {
        Answer::Yes
    } else {
        Answer::No
    })
}

/// Without it every start on this host would fail, also of guests that are none of ours.
fn has_event(tree: &Tree, programs: Option<&Programs>) -> Result<()> {
    ensure!(
        tree.has_program(EVENT),
        "{EVENT} is not there or not executable: install the programs first; nothing was changed"
    );
    programs
        .map_or(Ok(()), Programs::try_event)
        .context("this system cannot run what the hooks would start; nothing was changed")
}

/// Says below which folder all is that is told of, where it is not this system.
pub(crate) fn say_where(root: &Path, output: &Output) -> Result<()> {
    if root == Path::new("/") {
        return Ok(());
    }
    output.print(&format!("below      {}\n", root.display()))?;
    Ok(())
}

/// Does and says each step.
pub(crate) fn carry_out(tree: &Tree, steps: &[Step], output: &Output) -> Result<()> {
    for step in steps {
        if tree.carry_out(step)? {
            output.print(&format!("{step}\n"))?;
        }
    }
    Ok(())
}

/// Tells libvirt's daemons to look for hooks again; what one of them could not be told.
pub(crate) fn tell_daemons(output: &Output) -> Result<Option<String>> {
    let daemons = host::tell_daemons()?;
    if daemons.is_empty() {
        let names = DAEMONS.join(", ");
        output.print(&format!(
            "not told   {names}: none runs; they look when they start\n"
        ))?;
    }
    let mut untold = Vec::new();
    for told in daemons {
        let (daemon, pid) = (told.daemon, told.pid);
        match told.failure {
            None => output.print(&format!(
                "told       {daemon} (pid {pid}) to look for hooks again\n"
            ))?,
            Some(failure) => untold.push(format!(
                "{daemon} (pid {pid}) was not told to look for hooks again ({failure}): reload it"
            )),
        }
    }
    Ok((!untold.is_empty()).then(|| untold.join("; ")))
}

/// What SELinux needs; what it could not be given.
fn restore_labels(tree: &Tree, programs: &Programs, output: &Output) -> Result<Option<String>> {
    if !host::is_selinux_on() {
        return Ok(None);
    }
    if tree.has_program("/usr/sbin/virtqemud") {
        let head = styled(NOTE, "note      ");
        output.print(&format!(
            "{head} SELinux may keep virtqemud from hooks: docs/operations.md, \"Installing\"\n"
        ))?;
    }
    match programs.restore_labels() {
        Ok(()) => {
            output.print("labelled   the hooks and what they start, for SELinux\n")?;
            Ok(None)
        }
        Err(error) => Ok(Some(format!("SELinux labels: {error}"))),
    }
}

/// What a start of a guest will need, a line each.
fn what_is_missing(tree: &Tree, programs: &Programs) -> Vec<String> {
    let absent = PROGRAMS
        .into_iter()
        .filter(|(program, _)| !programs.has(program));
    let mut missing: Vec<String> = absent
        .map(|(program, package)| format!("{program} (Debian's package {package})"))
        .collect();
    for profile in PROFILES {
        if tree
            .text(profile)
            .is_some_and(|text| keeps_hooks_from_running(&text))
        {
            missing.push(format!(
                "a rule in {profile} that lets libvirt run its hooks"
            ));
        }
    }
    missing
}
