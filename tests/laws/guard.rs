//! The guard against the real nft and kernel: what is written is what is read back.

#[allow(dead_code, reason = "this test needs a part of it")]
#[path = "../support/netns.rs"]
mod netns;

use std::io::Write;
use std::process::{Command, Stdio};

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use vmhook::firewall::guard::{Capabilities, Guard, IBRNAME_PROBE, Tables, read_tables};
use vmhook::model::IfName;

use crate::hosts::batches;
use crate::transactions::{Host, play};

/// `nft -f -`, checked first; whether the kernel took it.
fn nft(arguments: &[&str], script: &str) -> bool {
    let mut child = Command::new("nft")
        .args(arguments)
        .args(["-f", "-"])
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("nft is installed");
    let mut input = child.stdin.take().expect("a pipe");
    input.write_all(script.as_bytes()).expect("nft reads it");
    drop(input);
    let output = child.wait_with_output().expect("nft ends");
    output.status.success()
}

fn load(script: &str) {
    assert!(nft(&["--check"], script), "nft --check refuses:\n{script}");
    assert!(nft(&[], script), "the kernel refuses:\n{script}");
}

/// What stands in the two tables.
fn there() -> Guard {
    let table = |family| {
        let (is_there, text) =
            netns::attempt(&format!("nft --stateless list table {family} vmhook"));
        is_there.then_some(text)
    };
    let (bridge, inet) = (table("bridge"), table("inet"));
    read_tables(bridge.as_deref(), inet.as_deref())
        .expect("nft's form")
        .guard
}

/// Random guards as hosts have them.
fn guards() -> impl Strategy<Value = Vec<Guard>> {
    batches().prop_map(|batches| {
        let mut guards = Vec::new();
        let see = |host: &Host, _: &_, _: &_| {
            guards.push(host.records.state().guard);
            Ok(())
        };
        let last = play(&batches, see).expect("no law is broken");
        guards.push(last.records.state().guard);
        guards
    })
}

#[test]
fn what_is_written_is_read_back_from_the_kernel() {
    netns::in_a_new_namespace(|| {
        let capabilities = Capabilities {
            ibrname: nft(&["--check"], IBRNAME_PROBE),
        };
        let becomes = |want: &Guard, opening: &[IfName]| {
            let change = there().change_to(want, opening, capabilities);
            for script in [change.close, change.open] {
                load(&script);
            }
            assert_eq!(there(), *want);
            let again = there().change_to(want, &[], capabilities);
            assert_eq!((again.close.as_str(), again.open.as_str()), ("", ""));
        };
        let config = Config {
            cases: 12,
            failure_persistence: None,
            ..Config::default()
        };
        let law = |guards: Vec<Guard>| {
            for guard in &guards {
                becomes(guard, &[]);
                // Each tap that is open opens again: it goes whole, and comes whole.
                let open: Vec<IfName> = guard.open_ports().into_iter().cloned().collect();
                let again = there().change_to(guard, &open, capabilities);
                load(&again.close);
                assert!(there().open_ports().is_empty());
                load(&again.open);
                assert_eq!(there(), *guard);
            }
            becomes(&Guard::default(), &[]);
            assert_eq!(there().tables, Tables::Absent);
            Ok(())
        };
        TestRunner::new(config)
            .run(&guards(), law)
            .expect("the law holds");
    });
}
