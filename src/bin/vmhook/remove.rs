//! `vmhook remove`: what `setup` made, and with `--purge` what the hooks made too.

use std::path::Path;

use anyhow::Result;
use vmhook::apply::{purge, running};
use vmhook::host::{Host, Priority, Tree};
use vmhook::installation::{Step, to_remove};

use crate::arguments::RemoveArguments;
use crate::output::{BAD, NOTE, Output, styled};
use crate::setup::{carry_out, say_where, tell_daemons};
use crate::{Answer, need_root};

pub(crate) fn run(wanted: &RemoveArguments, host: &dyn Host, output: &Output) -> Result<Answer> {
    need_root("remove")?;
    let tree = Tree::open(&wanted.system.root)?;
    let steps = to_remove(&tree.look()?);
    say_where(&wanted.system.root, output)?;
    carry_out(&tree, &steps, output)?;
    if steps.iter().all(|step| matches!(step, Step::Keep(..))) {
        output.print("as it was  nothing is installed\n")?;
    }
    if wanted.system.root != Path::new("/") {
        return Ok(Answer::Yes);
    }
    if let Some(untold) = tell_daemons(output)? {
        output.print(&format!("{} {untold}\n", styled(NOTE, "note      ")))?;
    }
    host.log(Priority::Info, &[], "the hooks are removed");
    if wanted.purge {
        take_down(host, output)
    } else {
        leave(host, output)
    }
}

/// Says who keeps what.
fn leave(host: &dyn Host, output: &Output) -> Result<Answer> {
    let running = running(host)?;
    if !running.is_empty() {
        let names = running.join(", ");
        output.print(&format!(
            "kept       bridges, rules and records of guests that run: {names}\n\
             {} nobody takes them down when these guests stop; `vmhook setup` before that, or \
             `vmhook remove --purge` after\n",
            styled(NOTE, "note      ")
        ))?;
    }
    Ok(Answer::Yes)
}

fn take_down(host: &dyn Host, output: &Output) -> Result<Answer> {
    let purged = purge(host)?;
    for domain in &purged.without_network {
        let head = styled(NOTE, "note      ");
        output.print(&format!("{head} {domain} runs on without a network\n"))?;
    }
    for error in &purged.left {
        output.print(&format!("{} {error:#}\n", styled(BAD, "left      ")))?;
    }
    if !purged.left.is_empty() {
        return Ok(Answer::No);
    }
    output.print(if purged.anything {
        "removed    bridges, tunnels, rules and records\n"
    } else {
        "as it was  nothing of vmhook's in the kernel\n"
    })?;
    Ok(Answer::Yes)
}
