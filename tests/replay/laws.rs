//! What must hold in every corpus.

use std::collections::BTreeSet;

use crate::corpus::Call;
use crate::kernel::Kernel;
use crate::summary::ports_with_chains;
use crate::support::Outcome;

/// The laws that a call broke, each as what was seen. Before and after it the kernel was read.
pub(crate) fn broken_laws(
    call: &Call,
    outcome: &Outcome,
    (before, after): (&Kernel, &Kernel),
) -> impl Iterator<Item = String> {
    let Outcome { code, out, err, .. } = outcome;
    let refusal = *code == 1 && call.may_refuse();
    let silent = (!out.is_empty()).then(|| format!("printed on standard output: {out}"));
    let in_the_table = (*code != 0 && !refusal).then(|| format!("exit {code}"));
    let whole = err.contains("panicked").then(|| err.clone());
    // libvirt shows it to whoever started the domain, and drops it where the exit code is 0.
    let one_line = err.lines().count() == usize::from(refusal);
    let one_line = (!one_line).then(|| format!("not one line for a refusal alone: {err:?}"));
    let without_a_trace = (refusal && before != after)
        .then(|| format!("a refusal left\n{}", before.difference(after)));
    [silent, in_the_table, whole, one_line, without_a_trace]
        .into_iter()
        .flatten()
}

/// What the kernel has that is not as the taps that are open by the records: a port is open if and
/// only if a record says so, and no two ports share chains.
pub(crate) fn broken_at_rest(kernel: &Kernel, recorded: &BTreeSet<String>) -> Vec<String> {
    let differs = |tap: &&str| kernel.is_open(tap) != recorded.contains(*tap);
    let taps = kernel.taps().filter(differs);
    let mut broken: Vec<String> = taps
        .map(|tap| format!("{tap} is open or closed, and by the records it is not"))
        .collect();
    let (chains, ports) = (ports_with_chains(kernel), recorded.len());
    if chains != ports {
        broken.push(format!("{ports} open ports have the chains of {chains}"));
    }
    broken
}
