//! Random configurations of every kind: what is written of them, and what becomes of packets.
//!
//! - [`configuration`], [`random`]: a configuration as a value, at random, and the TOML that says it;
//! - [`laws`]: what the program makes of it loads, is whole, and comes back from the kernel the same;
//! - [`packet`], [`traffic`]: packets at random, near the configuration's edges;
//! - [`verdict`]: who gets a packet, by the documentation. It shares no code with the program: what it
//!   takes is this test's own value, and nothing of it names the crate;
//! - [`stage`], [`packets`]: the real programs start the machines, the packets are sent for real, and
//!   those get them who should.
//!
//! The values are the same for the same `PROPTEST_RNG_SEED`. `make downpour` tries others, and many.
#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "these tests are about the kernel and its programs"
)]

#[path = "../support/mod.rs"]
mod support;

mod configuration;
mod laws;
mod packet;
mod packets;
mod random;
mod stage;
mod traffic;
mod verdict;

use std::fmt::Debug;

use proptest::strategy::Strategy;
use proptest::test_runner::{Config, TestCaseResult, TestError, TestRunner};

/// Tries a law on so many values; `PROPTEST_CASES` sets another number.
fn trials<T: Debug>(
    cases: u32,
    values: &impl Strategy<Value = T>,
    law: impl Fn(T) -> TestCaseResult,
) {
    tried(cases, values, law).unwrap_or_else(|error| panic!("{error}"));
}

/// The same; the first value that breaks it, made smaller for half a minute.
fn tried<T: Debug>(
    cases: u32,
    values: &impl Strategy<Value = T>,
    law: impl Fn(T) -> TestCaseResult,
) -> Result<(), TestError<T>> {
    let mut config = Config {
        failure_persistence: None,
        max_shrink_time: 30_000,
        ..Config::default()
    };
    if std::env::var_os("PROPTEST_CASES").is_none() {
        config.cases = cases;
    }
    TestRunner::new(config).run(values, law)
}
