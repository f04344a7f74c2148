//! Domains as an operator defines them, and what vmhook runs for them.
//!
//! A case is a folder under `fixtures/cases`: `README` says what it is about, `domain.xml` and
//! `vmhook.toml` are given, `taps` names those that libvirt would choose. Expected are the plans of
//! an empty host for each call of a domain's life, and what stands while it runs: `rules.v4`,
//! `rules.v6`, `guard.nft`; or `refusal.txt`. A new case is a new folder.
//!
//! `UPDATE_GOLDEN=1 cargo test --test golden` writes the expectations anew.
#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "a test is its own boundary: it reads the cases, and helpers are tests too"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::{env, fs};

use vmhook::config::{Config, Source, load};
use vmhook::domain::{Domain, parse_domain};
use vmhook::firewall::guard::{Capabilities, Guard};
use vmhook::hook::rehearsal::{Act, Rehearsal, World};
use vmhook::inspect::{Kind, Status, Subject, Verdict, inspect};
use vmhook::model::{IfName, MacAddr};
use vmhook::refusal::Refusal;
use vmhook::state::{HostState, ReadBack};

const GIVEN: [&str; 4] = ["README", "domain.xml", "taps", "vmhook.toml"];

fn cases() -> Vec<PathBuf> {
    let entries = fs::read_dir("fixtures/cases").unwrap();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

fn taps(case: &Path) -> BTreeMap<MacAddr, IfName> {
    let text = fs::read_to_string(case.join("taps")).unwrap_or_default();
    let pair = |line: &str| {
        let (mac, name) = line.split_once('=').unwrap();
        (mac.parse().unwrap(), name.parse().unwrap())
    };
    text.lines().map(pair).collect()
}

/// The files that a case produces.
type Files = BTreeMap<String, String>;

fn config(case: &Path) -> Config {
    load(&[Source {
        name: "vmhook.toml".to_owned(),
        text: Ok(fs::read_to_string(case.join("vmhook.toml")).unwrap()),
    }])
}

fn domain(case: &Path) -> Domain {
    parse_domain(&fs::read(case.join("domain.xml")).unwrap()).unwrap()
}

/// Plays a domain's life on an empty host.
fn produce(case: &Path) -> Files {
    let (config, domain) = (config(case), domain(case));
    let world = World::empty(&config);
    let mut files = Files::new();
    let played = Rehearsal::new(&config, domain, taps(case), world)
        .and_then(|rehearsal| play(rehearsal, &mut files));
    if let Err(refusal) = played {
        files.insert("refusal.txt".to_owned(), format!("{refusal}\n"));
    }
    files
}

fn play(mut rehearsal: Rehearsal<'_>, files: &mut Files) -> Result<(), Refusal> {
    if !rehearsal.concerns_us()? {
        return Ok(());
    }
    for act in [Act::Prepare, Act::Start, Act::Stopped, Act::Release] {
        let plan = rehearsal.play(act)?;
        files.insert(format!("{act}.txt"), plan.to_string());
        if act == Act::Start {
            let state = rehearsal.world().records.state();
            files.insert("rules.v4".to_owned(), state.v4.to_string());
            files.insert("rules.v6".to_owned(), state.v6.to_string());
            files.insert("guard.nft".to_owned(), guard(&state));
        }
    }
    let left = rehearsal.world().records.state();
    assert_eq!(left, HostState::default(), "nothing is left after release");
    Ok(())
}

/// The script that makes the guard as it stands.
fn guard(state: &HostState) -> String {
    let capabilities = Capabilities { ibrname: true };
    let change = Guard::default().change_to(&state.guard, &[], capabilities);
    change.close + &change.open
}

/// What an earlier run expected: every file of the folder that is not given.
fn expected(case: &Path) -> Files {
    let entries = fs::read_dir(case).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    let name = |path: &Path| path.file_name().unwrap().to_str().unwrap().to_owned();
    let files = paths.map(|path| (name(&path), path));
    let expected = files.filter(|(name, _)| !GIVEN.contains(&name.as_str()));
    expected
        .map(|(name, path)| (name, fs::read_to_string(path).unwrap()))
        .collect()
}

fn update(case: &Path, produced: &Files) {
    for name in expected(case).keys() {
        fs::remove_file(case.join(name)).unwrap();
    }
    for (name, text) in produced {
        fs::write(case.join(name), text).unwrap();
    }
}

/// One line for each file that is not as expected, with the first line that differs.
fn differences(case: &Path, produced: &Files, expected: &Files) -> Vec<String> {
    let names: BTreeSet<&String> = produced.keys().chain(expected.keys()).collect();
    let lines = |files: &Files, name: &String| -> Vec<String> {
        let text = files.get(name).map_or("(no such file)", String::as_str);
        text.lines().map(str::to_owned).collect()
    };
    let mut found = Vec::new();
    for name in names {
        let (got, want) = (lines(produced, name), lines(expected, name));
        let at = (0..got.len().max(want.len())).find(|at| got.get(*at) != want.get(*at));
        if produced.get(name) != expected.get(name) {
            let at = at.unwrap_or_default();
            let file = case.join(name);
            found.push(format!(
                "{}:{}: expected {:?}, got {:?}",
                file.display(),
                at + 1,
                want.get(at),
                got.get(at)
            ));
        }
    }
    found
}

#[test]
fn each_domain_gets_what_its_folder_says() {
    let mut wrong = Vec::new();
    for case in cases() {
        let produced = produce(&case);
        if env::var_os("UPDATE_GOLDEN").is_some() {
            update(&case, &produced);
        }
        wrong.extend(differences(&case, &produced, &expected(&case)));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A case while its machine runs, unless it is refused or none of ours.
fn running(case: &Path, judge: impl Fn(&Path, Subject<'_>)) {
    let (config, domain) = (config(case), domain(case));
    let rehearsal = Rehearsal::new(&config, domain.clone(), taps(case), World::empty(&config));
    let Ok(mut rehearsal) = rehearsal else { return };
    let started = rehearsal.advance_to(Act::Stopped);
    let World { facts, records, .. } = rehearsal.world();
    if started.is_ok() && records.host.is_some() {
        let subject = Subject {
            domain: &domain,
            config: &config,
            facts,
            records,
            observed: None,
        };
        judge(case, subject);
    }
}

#[test]
fn what_was_applied_is_well_against_itself() {
    for case in cases() {
        running(&case, |case, subject| {
            let observed = Some(&subject.records.state().into());
            let report = inspect(Subject {
                observed,
                ..subject
            });
            let wrong: Vec<_> = report.checks.iter().filter(|it| !it.is_well()).collect();
            assert!(wrong.is_empty(), "{}: {wrong:#?}", case.display());
            assert_eq!(report.verdict, Verdict::AsApplied);
            assert_eq!(report.notes, [""; 0]);
        });
    }
}

#[test]
fn of_a_kernel_that_has_nothing_all_rules_and_elements_are_missing() {
    for case in cases() {
        running(&case, |case, subject| {
            let observed = Some(&ReadBack::default());
            let report = inspect(Subject {
                observed,
                ..subject
            });
            let by_facts = [Kind::Link, Kind::Tap, Kind::Port];
            let read = report.checks.iter();
            let read = read.filter(|check| !by_facts.contains(&check.kind));
            for check in read {
                assert_eq!(
                    check.status,
                    Status::Missing,
                    "{}: {check:?}",
                    case.display()
                );
            }
            assert_eq!(report.verdict, Verdict::Differs);
        });
    }
}

#[test]
fn each_case_says_what_it_is_about_and_refused_ones_are_refused() {
    let cases = cases();
    assert!(cases.len() > 20, "the cases are there");
    for case in cases {
        let about = fs::read_to_string(case.join("README")).unwrap();
        assert!(about.ends_with(".\n"), "{}", case.display());
        let name = case.file_name().unwrap().to_str().unwrap();
        let refused = case.join("refusal.txt").exists();
        assert_eq!(refused, name.starts_with("refused-"), "{name}");
    }
}

#[test]
fn a_tap_is_given_only_where_the_domain_names_none() {
    let case = Path::new("fixtures/cases/reference");
    let config = load(&[]);
    let refused = |mac: &str, tap: &str| {
        let taps = [(mac.parse().unwrap(), tap.parse().unwrap())].into();
        let refusal = Rehearsal::new(&config, domain(case), taps, World::empty(&config));
        refusal.unwrap_err().cause
    };
    assert_eq!(
        refused("fa:16:3e:00:00:09", "tap1"),
        "the domain has no interface with this MAC address"
    );
    assert_eq!(
        refused("fa:16:3e:be:71:21", "tap1"),
        "its tap is named tap7a8c0a54-75 in the XML, not tap1"
    );
}
