//! Random packets under random configurations: who gets each on a real kernel, and who should.

use std::cell::Cell;
use std::path::Path;

use proptest::test_runner::{TestCaseError, TestError};

use crate::configuration::Configuration;
use crate::packet::Packet;
use crate::random::Size;
use crate::stage::{Stage, mark};
use crate::support::World;
use crate::traffic::{Case, cases};
use crate::tried;
use crate::verdict::Host;

const SIZE: Size = Size {
    rules: 8,
    ports: [3, 1],
};
const EXCHANGES: usize = 220;

/// A case that was written down: `VMHOOK_CASE=FILE cargo test --test evaluator written_down`.
const CASE: &str = "VMHOOK_CASE";

#[test]
fn everybody_gets_what_the_configuration_says_and_nothing_else() {
    let (passed, refused) = (Cell::new(0), Cell::new(0));
    let outcome = tried(10, &cases(SIZE, EXCHANGES), |case| {
        let (got, missed) = play(&case).map_err(TestCaseError::fail)?;
        passed.set(passed.get() + got);
        refused.set(refused.get() + missed);
        Ok(())
    });
    match outcome {
        Ok(()) => {}
        Err(TestError::Fail(reason, case)) => panic!("{reason}\n{}", written_down(&case)),
        Err(error) => panic!("{error}"),
    }
    // Packets that all fare alike would show nothing.
    let (passed, refused) = (passed.get(), refused.get());
    assert!(
        passed > refused / 10 && refused > passed / 10,
        "{passed} passed, {refused} did not"
    );
}

#[test]
fn a_case_that_is_written_down_is_played_again() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/evaluator");
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .expect("fixtures/evaluator is there")
        .map(|entry| entry.expect("it can be read").path())
        .collect();
    files.extend(std::env::var_os(CASE).map(Into::into));
    for file in files {
        let text = std::fs::read(&file).expect("a case can be read");
        let case: Case = serde_json::from_slice(&text).expect("a case");
        let played = play(&case);
        assert!(
            played.is_ok(),
            "{}: {}",
            file.display(),
            played.unwrap_err()
        );
    }
}

#[test]
fn the_verdict_shares_no_code_with_the_program() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/evaluator");
    let mut read = 0;
    for part in ["verdict", "packet", "configuration"] {
        let file = folder.join(format!("{part}.rs"));
        let beside = std::fs::read_dir(folder.join(part)).expect("its parts are there");
        let beside = beside.map(|entry| entry.expect("it can be read").path());
        for file in beside.chain([file]) {
            let text = std::fs::read_to_string(&file).expect("it can be read");
            assert!(!text.contains("vmhook::"), "{}", file.display());
            read += 1;
        }
    }
    assert!(read > 8, "{read} files");
}

/// Sends the packets of a case, one after the other; how many arrived somewhere, and how many nowhere.
/// `Err` tells the first that fared otherwise than it should.
fn play(case: &Case) -> Result<(u32, u32), String> {
    let configuration = &case.configuration;
    let mut played = Ok((0, 0));
    World::run(|world| {
        let stage = Stage::set(world, configuration);
        let mut host = Host::new(configuration);
        played =
            case.packets
                .iter()
                .zip(0..)
                .try_fold((0, 0), |(got, missed), (packet, number)| {
                    let compared = compare(&stage, &mut host, configuration, (packet, number));
                    let arrived = compared.map_err(|verdicts| told(case, number, &verdicts))?;
                    Ok(if arrived {
                        (got + 1, missed)
                    } else {
                        (got, missed + 1)
                    })
                });
    });
    played
}

fn compare(
    stage: &Stage,
    host: &mut Host<'_>,
    configuration: &Configuration,
    (packet, number): (&Packet, u32),
) -> Result<bool, String> {
    let network = host.network_of(packet.from);
    let everybody = host.stations(network);
    let should = host.takes(packet);
    let mark = mark(configuration, packet.from);
    let marked = host.takes(&mark);
    let mut others = everybody.clone();
    others.remove(&packet.from);
    assert_eq!(marked, others, "the mark is for everybody");
    let mut got = stage.send(packet, number, &everybody, &mark);
    let strangers = (0..configuration.networks.len()).filter(|other| *other != network);
    let strangers = strangers.flat_map(|other| host.stations(other));
    let frame = packet.frame(number);
    got.extend(strangers.filter(|station| stage.has_got(*station, &frame)));
    if got == should {
        return Ok(!got.is_empty());
    }
    Err(format!("gets it:       {got:?}\nshould get it: {should:?}"))
}

/// A disagreement, for somebody who is to find out who is right: the configuration, the packet and the
/// two before it, and who gets it.
fn told(case: &Case, number: u32, verdicts: &str) -> String {
    let number = usize::try_from(number).expect("it is a place in the case");
    let before = &case.packets[number.saturating_sub(2)..number];
    let (text, packet) = (case.configuration.toml(), &case.packets[number]);
    format!("{text}# after: {before:?}\n\n# packet {number}: {packet:?}\n{verdicts}")
}

/// Writes a case down; how to play it again.
fn written_down(case: &Case) -> String {
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join("evaluator-case.json");
    let json = serde_json::to_vec_pretty(case).expect("a case is plain");
    std::fs::write(&file, json).expect("the build's folder can be written");
    let file = file.display();
    format!("again: {CASE}={file} cargo test --features faults --test evaluator written_down")
}
