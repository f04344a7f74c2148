//! What is said to the journal: one line a change, with the domain as a field.

use crate::host::{Host, HostError, Priority};
use crate::plan::Plan;
use crate::record::{Phase, Want};
use crate::refusal::Refusal;

/// These wants are true now.
pub(super) fn applied(host: &dyn Host, wants: &[Want], plan: &Plan, left: &[anyhow::Error]) {
    for want in wants {
        let ports = want.open_ports().count();
        let what = match want.phase {
            Phase::Gone => "everything of it is gone".to_owned(),
            Phase::Prepared => "its networks are there, its ports are closed".to_owned(),
            Phase::Started => format!("{ports} ports are open"),
        };
        say(
            host,
            Priority::Info,
            want,
            &format!("domain {}: {what}", want.name),
        );
    }
    if wants.is_empty() && !plan.is_empty() {
        let message = format!("repaired: {} steps", plan.steps.len());
        host.log(Priority::Warning, &[], &message);
    }
    for error in left {
        failed(host, error, &format!("left for the next repair: {error:#}"));
    }
}

/// This want was refused.
pub(super) fn refused(host: &dyn Host, want: &Want, refusal: &Refusal) {
    say(host, Priority::Error, want, &format!("refused: {refusal}"));
}

/// A change failed, and going back failed too.
pub(super) fn closed(host: &dyn Host, first: &anyhow::Error, second: &anyhow::Error) {
    let message =
        format!("{first:#}; going back failed too: {second:#}; what is not done is closed");
    failed(host, first, &message);
}

/// With what the failed change was given.
fn failed(host: &dyn Host, error: &anyhow::Error, message: &str) {
    let input = error.chain().find_map(|cause| match cause.downcast_ref() {
        Some(HostError::Command { input, .. }) => Some(input.as_str()),
        _ => None,
    });
    let fields = [("INPUT", input.unwrap_or_default())];
    host.log(Priority::Error, &fields, message);
}

fn say(host: &dyn Host, priority: Priority, want: &Want, message: &str) {
    let elapsed = format!("{:.1}", host.elapsed().as_secs_f64() * 1000.0);
    let fields = [
        ("DOMAIN", want.name.as_str()),
        ("DOMAIN_UUID", want.uuid.as_str()),
        ("MILLISECONDS", elapsed.as_str()),
    ];
    host.log(priority, &fields, message);
}
