//! What is said to the journal: one line for each domain and change, and one for each refusal.
//!
//! Whoever applies a want tells of it, by the want's own call: the hook that wrote it may be another
//! process, or dead. So what is told here must not be told again where the error comes out: a
//! [`Refusal`] that [`Store::take_failure`](super::Store::take_failure) hands over is told already,
//! and [`Stuck`] says whom it told.
//!
//! A call that changes nothing says nothing.

use super::attempt::Stuck;
use crate::event::Call;
use crate::host::{Host, HostError, Priority};
use crate::model::DomainUuid;
use crate::plan::{Plan, Summary};
use crate::record::{RecordError, Want};
use crate::refusal::Refusal;

/// What became of it: the field `RESULT`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It is as wanted.
    Applied,
    /// It is let in, and a guest may lose packets by it.
    Warned,
    /// Something that should go is left; the next repair takes it.
    Incomplete,
    /// It was not let in; nothing was changed.
    Refused,
    /// It did not work, and is undone as far as the message says.
    Failed,
    /// What somebody else or a dead hook left is as the records say again.
    Repaired,
}

impl Outcome {
    fn word(self) -> &'static str {
        match self {
            Self::Applied => "applied",
            Self::Warned => "warned",
            Self::Incomplete => "incomplete",
            Self::Refused => "refused",
            Self::Failed => "failed",
            Self::Repaired => "repaired",
        }
    }

    fn priority(self) -> Priority {
        match self {
            Self::Applied => Priority::Info,
            Self::Repaired | Self::Warned => Priority::Warning,
            Self::Incomplete | Self::Refused | Self::Failed => Priority::Error,
        }
    }
}

/// One line, before it is written.
#[derive(Debug, Clone, Copy)]
pub struct Line<'a> {
    /// The call that wanted it.
    pub call: Call,
    /// What became of it.
    pub outcome: Outcome,
    /// The domain's name, where it is about one.
    pub domain: Option<&'a str>,
    /// Its UUID, where that is known.
    pub uuid: Option<&'a DomainUuid>,
    /// The MAC address of the interface at fault, where one is.
    pub interface: Option<&'a str>,
    /// What changed, in [`Summary`]'s words.
    pub changed: Option<&'a str>,
    /// What a program was given that failed.
    pub input: Option<&'a str>,
}

impl<'a> Line<'a> {
    /// A line about no domain.
    pub fn of_host(call: Call, outcome: Outcome) -> Self {
        Self {
            call,
            outcome,
            domain: None,
            uuid: None,
            interface: None,
            changed: None,
            input: None,
        }
    }

    fn of(want: &'a Want, outcome: Outcome) -> Self {
        Self {
            domain: Some(&want.name),
            uuid: Some(&want.uuid),
            ..Self::of_host(want.call, outcome)
        }
    }

    /// Writes it, with the time that this process has taken so far.
    pub fn write(&self, host: &dyn Host, message: &str) {
        let call = self.call.to_string();
        let elapsed = format!("{:.1}", host.elapsed().as_secs_f64() * 1000.0);
        let fields = [
            ("DOMAIN", self.domain),
            ("DOMAIN_UUID", self.uuid.map(DomainUuid::as_str)),
            ("EVENT", Some(call.as_str())),
            ("RESULT", Some(self.outcome.word())),
            ("INTERFACE", self.interface),
            ("CHANGED", self.changed),
            ("MILLISECONDS", Some(elapsed.as_str())),
            ("INPUT", self.input),
        ];
        let known = fields
            .iter()
            .filter_map(|(name, value)| Some((*name, (*value)?)));
        host.log(self.outcome.priority(), &known.collect::<Vec<_>>(), message);
    }
}

/// This want is true now, but for what is `left`. Nothing is said where nothing was done.
pub(super) fn applied(host: &dyn Host, want: &Want, changed: &Summary, left: &[anyhow::Error]) {
    if changed.is_empty() && left.is_empty() {
        return;
    }
    let changed = changed.to_string();
    let mut message = format!("domain {}, {}: {changed}", want.name, want.call);
    let outcome = if left.is_empty() {
        Outcome::Applied
    } else {
        let left: Vec<String> = left.iter().map(|error| format!("{error:#}")).collect();
        message = format!("{message}; left for the next repair: {}", left.join("; "));
        Outcome::Incomplete
    };
    let line = Line {
        changed: Some(&changed),
        input: left.iter().find_map(input),
        ..Line::of(want, outcome)
    };
    line.write(host, &message);
}

/// This has changed, and no domain has it: a network of which nobody is a port now, a set.
pub(super) fn of_nobody(host: &dyn Host, call: Call, changed: &Summary) {
    if changed.is_empty() {
        return;
    }
    let changed = changed.to_string();
    let line = Line {
        changed: Some(&changed),
        ..Line::of_host(call, Outcome::Applied)
    };
    line.write(host, &format!("{call}, of no one domain: {changed}"));
}

/// The kernel was not as the records say, and is now.
pub(super) fn repaired(host: &dyn Host, call: Call, changed: &Summary, plan: &Plan) {
    let Some(changed) = changed.of_repair(plan) else {
        return;
    };
    let line = Line {
        changed: Some(&changed),
        ..Line::of_host(call, Outcome::Repaired)
    };
    line.write(host, &format!("repaired: {changed}"));
}

/// What a repair that belongs to nobody's want could not do.
pub(super) fn left(host: &dyn Host, call: Call, left: &[anyhow::Error]) {
    for error in left {
        let line = Line {
            input: input(error),
            ..Line::of_host(call, Outcome::Incomplete)
        };
        line.write(host, &format!("left for the next repair: {error:#}"));
    }
}

/// This want was not applied: not admitted, or, with an error, undone.
pub(super) fn refused(
    host: &dyn Host,
    want: &Want,
    refusal: &Refusal,
    error: Option<&anyhow::Error>,
) {
    let outcome = error.map_or(Outcome::Refused, |_| Outcome::Failed);
    let interface = refusal.interface.map(|mac| mac.to_string());
    let line = Line {
        interface: interface.as_deref(),
        input: error.and_then(input),
        ..Line::of(want, outcome)
    };
    line.write(host, &refusal.to_string());
}

/// A want that nobody can read is removed.
pub(super) fn unreadable(host: &dyn Host, uuid: &DomainUuid, refusal: &Refusal) {
    let line = Line {
        uuid: Some(uuid),
        ..Line::of_host(Call::Unknown, Outcome::Refused)
    };
    line.write(host, &refusal.to_string());
}

/// What a reload was writing when it died is removed, for nobody can read it.
pub(super) fn damaged_batch(host: &dyn Host, call: Call, error: &RecordError) {
    let message = format!(
        "what a reload was writing when it ended cannot be read (batch {error}); some machines may \
         have what they had before it: run `vmhook reload`"
    );
    Line::of_host(call, Outcome::Failed).write(host, &message);
}

/// A change failed, and going back failed too.
pub(super) fn stuck(host: &dyn Host, wants: &[Want], error: &Stuck) {
    for want in wants {
        let line = Line {
            input: input(&error.first),
            ..Line::of(want, Outcome::Failed)
        };
        line.write(host, &want.refusal(error).to_string());
    }
}

/// What a program was given that failed.
pub fn input(error: &anyhow::Error) -> Option<&str> {
    error.chain().find_map(|cause| match cause.downcast_ref() {
        Some(HostError::Command { input, .. }) => Some(input.as_str()),
        _ => None,
    })
}
