//! A plan, step by step.

use anyhow::{Context, Result};

use crate::host::Host;
use crate::plan::{Judged, LinkChange, Plan, Step};

/// Runs a plan up to the first step that fails; what is left that is no reason to go back.
///
/// A set that no rule of ours names any more lets nobody in and keeps nobody out. The kernel keeps it
/// as long as somebody else's rule names it: no start may depend on that.
pub(super) fn run(host: &dyn Host, plan: &Plan) -> Result<Vec<anyhow::Error>> {
    let mut left = Vec::new();
    for step in &plan.steps {
        match (run_step(host, step), step) {
            (Err(error), Step::UnusedSets(_)) => left.push(error),
            (done, _) => done?,
        }
    }
    Ok(left)
}

/// Runs every step of a plan whatever becomes of the others, and says what failed.
///
/// What a failure leaves must be closed. While a port could not be closed its rules stay, and while
/// rules could not be written nothing opens: once the guard, a set or the rules fail, only links and
/// connections go.
pub(super) fn run_all(host: &dyn Host, plan: &Plan) -> Vec<anyhow::Error> {
    let one_by_one = plan.steps.iter().flat_map(|step| match step {
        Step::Links(changes) => changes
            .iter()
            .map(|change| Step::Links(vec![change.clone()]))
            .collect(),
        other => vec![other.clone()],
    });
    let mut in_doubt = false;
    let mut failed = Vec::new();
    for step in one_by_one {
        if in_doubt && !only_takes_away(&step) {
            continue;
        }
        if let Err(error) = run_step(host, &step) {
            in_doubt |= matches!(step, Step::Nft(_) | Step::Sets(_) | Step::Rules(_));
            failed.push(error);
        }
    }
    failed
}

fn only_takes_away(step: &Step) -> bool {
    match step {
        Step::Nft(_) | Step::Sets(_) | Step::UnusedSets(_) | Step::Rules(_) => false,
        Step::Connections(_) | Step::Judge(_) => true,
        Step::Links(changes) => changes.iter().all(|change| {
            matches!(
                change,
                LinkChange::Delete(_)
                    | LinkChange::RemoveFdb(_)
                    | LinkChange::RemoveNeighbour(_)
                    | LinkChange::ShutTap(_)
                    | LinkChange::TakeOut { .. }
            )
        }),
    }
}

fn run_step(host: &dyn Host, step: &Step) -> Result<()> {
    match step {
        Step::Nft(script) => host.nft(script).context("cannot change the guard's tables"),
        Step::Links(changes) => changes
            .iter()
            .try_for_each(|change| host.change_link(change))
            .map_err(Into::into),
        Step::Rules(input) => host
            .iptables_restore(input)
            .context("cannot change the rules"),
        Step::Sets(text) => host.ipset_restore(text).context("cannot change the sets"),
        Step::UnusedSets(text) => host
            .ipset_restore(text)
            .context("cannot delete sets that no rule of vmhook's names any more"),
        Step::Connections(forget) => host
            .forget_connections(forget)
            .context("cannot forget old connections"),
        Step::Judge(Judged { zone, judge }) => host
            .forget_connections_if(*zone, &|connection| judge.is_over(connection))
            .context("cannot forget connections that are over"),
    }
}
