//! What is said to the journal: one line a change, with the domain as a field.

use super::attempt::input_of;
use crate::host::{Host, Priority};
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
        let message = format!("left for the next repair: {error:#}");
        host.log(
            Priority::Error,
            &[("INPUT", input_of(error).unwrap_or(""))],
            &message,
        );
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
    host.log(
        Priority::Error,
        &[("INPUT", input_of(first).unwrap_or(""))],
        &message,
    );
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
