//! `vmhook sync`: forget what is gone, repair the rest; for one domain also what libvirt changed.

use anyhow::Result;
use vmhook::apply::{repair, retire_stale, survey_in_peace, without_unplugged};
use vmhook::domain::Domain;
use vmhook::event::Call;
use vmhook::hook::{self, Change, Outcome, Synced};
use vmhook::host::Host;
use vmhook::model::DomainUuid;
use vmhook::plan::{Besides, Plan, Summary};
use vmhook::record::DomainRecord;
use vmhook::transaction::Records;

use crate::arguments::SyncArguments;
use crate::output::{BAD, GOOD, NOTE, Output, printable, styled};
use crate::{Answer, input, libvirt, need_root};

pub(crate) fn run(wanted: &SyncArguments, host: &dyn Host, output: &Output) -> Result<Answer> {
    need_root("sync")?;
    match (&wanted.xml, &wanted.domain) {
        (Some(file), _) => {
            let domain = input::domain(file)?;
            let name = domain.name.clone();
            one(&name, || Ok(domain.clone()), host, output)
        }
        (None, Some(name)) => one(name, || libvirt::domain(name), host, output),
        (None, None) => all(wanted.script, host, output),
    }
}

fn one(
    name: &str,
    ask: impl FnMut() -> Result<Domain>,
    host: &dyn Host,
    output: &Output,
) -> Result<Answer> {
    let domain = printable(name);
    let synced = hook::sync(host, ask)?;
    let (changes, refused) = match synced {
        Synced::Runs { changes, refused } => (changes, refused),
        Synced::NotOurs => {
            output.print(&format!(
                "domain {domain} has no interface on a managed bridge\n"
            ))?;
            return Ok(Answer::Yes);
        }
        Synced::ShutOff { left } => {
            let left = if left {
                "what was left of it is gone"
            } else {
                "nothing of it is left"
            };
            output.print(&format!("domain {domain} is shut off, and {left}\n"))?;
            return Ok(Answer::Yes);
        }
    };
    let lines: String = changes.iter().map(line).collect();
    output.print(&lines)?;
    if let Some(refusal) = refused {
        output.complain(&format!("{refusal}; nothing was opened that was closed"));
        return Ok(Answer::No);
    }
    Ok(Answer::Yes)
}

fn line(change: &Change) -> String {
    let style = match change.outcome {
        Outcome::Kept(_) => GOOD,
        Outcome::Opened(_) => NOTE,
        Outcome::Closed => BAD,
    };
    format!("{}\n", styled(style, &change.to_string()))
}

fn all(script: bool, host: &dyn Host, output: &Output) -> Result<Answer> {
    let Repair {
        records,
        plan,
        told,
    } = to_repair(host)?;
    let stale = retire_stale(host, Call::Sync)?;
    let unplugged = unplugged(host, &records, &stale)?;
    repair(host, Call::Sync)?;
    let left = to_repair(host)?.plan;
    let gone = match stale.len() {
        0 => String::new(),
        1 => "dropped what a machine left that is gone\n".to_owned(),
        several => format!("dropped what {several} machines left that are gone\n"),
    };
    let dropped = gone + &unplugged;
    let repaired = match (told, dropped.is_empty()) {
        (None, true) => "the kernel had everything as it was applied\n".to_owned(),
        (None, false) => "the kernel had everything else as it was applied\n".to_owned(),
        (Some(_), _) if script => format!("{}\n{plan}", styled(NOTE, "# repaired:")),
        (Some(told), _) => format!("{} {told}\n", styled(NOTE, "repaired:")),
    };
    output.print(&(dropped + &repaired))?;
    if left.is_empty() {
        return Ok(Answer::Yes);
    }
    output.complain("not all could be repaired; see the journal (journalctl -t vmhook)");
    Ok(Answer::No)
}

/// The interfaces that the repair will close because their tap went or moved, a line each; those of
/// machines that are gone altogether are told as one.
fn unplugged(host: &dyn Host, records: &Records, stale: &[DomainUuid]) -> Result<String> {
    let mut lines = Vec::new();
    for DomainRecord { want, .. } in records.domains.values() {
        if stale.contains(&want.uuid) {
            continue;
        }
        let Some(kept) = without_unplugged(host, want)? else {
            continue;
        };
        let closed = want.ports.iter().filter(|port| !kept.ports.contains(port));
        lines.extend(closed.map(|port| {
            format!(
                "domain {}, interface {}: closed, for its tap is gone or on another bridge\n",
                printable(&want.name),
                port.mac
            )
        }));
    }
    Ok(lines.concat())
}

/// The records, and the way from what the kernel has to what they say.
struct Repair {
    records: Records,
    plan: Plan,
    /// The plan in one line; `None` if nothing is to be done.
    told: Option<String>,
}

/// What is to be repaired, while no hook is at work.
fn to_repair(host: &dyn Host) -> Result<Repair> {
    let survey = survey_in_peace(host, Call::Sync)?;
    let records = survey.records;
    let (Some(observed), Some(record)) = (&survey.observed, &records.host) else {
        let (plan, told) = (Plan::default(), None);
        return Ok(Repair {
            records,
            plan,
            told,
        });
    };
    let besides = Besides {
        capabilities: record.capabilities,
        ..Besides::default()
    };
    let wanted = records.state();
    let plan = Plan::between(observed, &wanted, &besides);
    let told = Summary::between(observed, &wanted, []).of_repair(&plan);
    Ok(Repair {
        records,
        plan,
        told,
    })
}
