//! `vmhook sync`: forget machines that are gone, repair the rest.

use anyhow::Result;
use vmhook::apply::{Mode, retire_stale, settle, survey};
use vmhook::event::Call;
use vmhook::host::Host;
use vmhook::plan::{Besides, Plan};

use crate::output::{NOTE, Output, styled};
use crate::{Answer, need_root};

pub(crate) fn run(host: &dyn Host, output: &Output) -> Result<Answer> {
    need_root("sync")?;
    let repair = to_repair(host)?;
    let stale = retire_stale(host, Call::Sync)?;
    settle(host, Mode::Repair, Call::Sync)?;
    let left = to_repair(host)?;
    let dropped = match stale {
        0 => String::new(),
        1 => "dropped what a machine left that is gone\n".to_owned(),
        _ => format!("dropped what {stale} machines left that are gone\n"),
    };
    let repaired = if repair.is_empty() {
        "the kernel had everything as it was applied\n".to_owned()
    } else {
        format!("{}\n{repair}", styled(NOTE, "# repaired:"))
    };
    output.print(&(dropped + &repaired))?;
    if left.is_empty() {
        return Ok(Answer::Yes);
    }
    output.complain("not all could be repaired; see the journal (journalctl -t vmhook)");
    Ok(Answer::No)
}

/// The way from what the kernel has to what the records say, while no hook is at work.
fn to_repair(host: &dyn Host) -> Result<Plan> {
    let _lock = host.lock()?;
    let survey = survey(host)?;
    let (Some(observed), Some(record)) = (&survey.observed, &survey.records.host) else {
        return Ok(Plan::default());
    };
    let besides = Besides {
        capabilities: record.capabilities,
        ..Besides::default()
    };
    Ok(Plan::between(observed, &survey.records.state(), &besides))
}
