//! The calls that are yet to come.

use std::collections::VecDeque;

use vmhook::domain::Domain;
use vmhook::model::DomainUuid;

use crate::corpus::{Call, Situation};

/// The calls that are yet to come. They are the capture's until a hook refuses what was allowed
/// there.
#[derive(Debug)]
pub(crate) struct Script(VecDeque<Call>);

impl Script {
    /// What was captured.
    pub(crate) fn of(situation: &Situation) -> Self {
        Self(situation.calls.iter().cloned().collect())
    }

    pub(crate) fn next(&mut self) -> Option<Call> {
        self.0.pop_front()
    }

    /// A running domain as it is when it stops, if it does.
    pub(crate) fn end_of(&self, uuid: &DomainUuid) -> Option<Domain> {
        let next = self.next_turn(uuid)?;
        self.0[next].domain().filter(|_| self.0[next].is("stopped"))
    }

    /// libvirt gives a start up: of this domain's calls only `stopped` and `release` come. Where the
    /// capture has none, because there the domain went on running, they come at once.
    pub(crate) fn abandon(&mut self, uuid: &DomainUuid, prepared: &Call) {
        let until = self.next_turn(uuid);
        let stops = until.is_some_and(|index| self.0[index].is("stopped"));
        let mut later = self.0.split_off(until.unwrap_or(self.0.len()));
        self.0.retain(|call| call.owner().as_ref() != Some(uuid));
        self.0.append(&mut later);
        if !stops {
            let end = |operation| prepared.with_operation(operation, "end");
            self.0.push_front(end("release"));
            self.0.push_front(end("stopped"));
        }
    }

    /// The call with which this domain stops, or comes up again.
    fn next_turn(&self, uuid: &DomainUuid) -> Option<usize> {
        const TURNS: [&str; 4] = ["stopped", "prepare", "migrate", "restore"];
        let is_turn = |call: &Call| TURNS.iter().any(|turn| call.is(turn));
        self.0
            .iter()
            .position(|call| is_turn(call) && call.owner().as_ref() == Some(uuid))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: &str = "df970ec9-8410-48a6-9f04-d4621c967fce";
    const SECOND: &str = "df970ec9-8410-48a6-9f04-d4621c967fcf";

    fn call(uuid: &str, operation: &str) -> Call {
        let words = ["vm", operation, "begin", "-"];
        Call {
            label: String::new(),
            driver: "qemu".to_owned(),
            words: words.map(Into::into).into(),
            xml: format!("<domain><name>vm</name><uuid>{uuid}</uuid></domain>").into(),
        }
    }

    /// What comes after the first domain's `prepare` was refused.
    fn abandoned(captured: &[(&str, &str)]) -> Vec<String> {
        let calls = captured
            .iter()
            .map(|(uuid, operation)| call(uuid, operation));
        let mut script = Script(calls.collect());
        script.abandon(&FIRST.parse().unwrap(), &call(FIRST, "prepare"));
        let calls = std::iter::from_fn(|| script.next());
        let shown = |call: Call| {
            let name = if call.owner() == SECOND.parse().ok() {
                "second"
            } else {
                "first"
            };
            format!("{name} {}", call.operation())
        };
        calls.map(shown).collect()
    }

    #[test]
    fn a_refused_domain_stops_where_it_stopped_in_the_capture() {
        let calls = abandoned(&[
            (FIRST, "start"),
            (SECOND, "prepare"),
            (FIRST, "started"),
            (FIRST, "stopped"),
            (FIRST, "release"),
            (FIRST, "prepare"),
        ]);
        let expected = [
            "second prepare",
            "first stopped",
            "first release",
            "first prepare",
        ];
        assert_eq!(calls, expected);
    }

    #[test]
    fn a_refused_domain_stops_at_once_where_it_ran_on_in_the_capture() {
        let calls = abandoned(&[(SECOND, "prepare"), (FIRST, "start"), (FIRST, "reconnect")]);
        let expected = ["first stopped", "first release", "second prepare"];
        assert_eq!(calls, expected);
    }
}
