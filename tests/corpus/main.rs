//! The filter table is real Neutron's: every case of the corpus, played by the real programs on a real
//! kernel.
//!
//! `fixtures/neutron` holds what the unmodified Linux bridge agent wrote into the kernel, case by
//! case: ports and groups, steps, and a dump at each snapshot. Each case is one test here. In a
//! network namespace of its own the case becomes domains and a configuration, the test does what
//! libvirt does, and `vmhook-event` and `vmhook` do the rest. At every snapshot
//!
//! - the filter tables of both families are Neutron's under the listed differences of
//!   `docs/design.md`, section 7, and no other ([`differences`]);
//! - sets have Neutron's names and members, and networks its conntrack zones;
//! - raw and nat hold a rule a network; the guard knows the addresses that Neutron's ebtables know.
//!   That these are equal in effect is shown by packets, in `tests/packets`;
//! - rules of others are as they were;
//! - a second apply changes nothing.
//!
//! ```text
//!   case.json ──▶ vmhook.toml, domain XML ──▶ vmhook-event ──▶ kernel ──▶ iptables-save …
//!                                                                              ║ equal
//!   iptables-save.txt of real Neutron ──▶ listed differences ──────────────────╝
//! ```
//!
//! The rules are compared as text; nothing here is shared with `src/firewall`. A case that vmhook
//! cannot say is refused at a start or a reload, in words that the test knows. `VMHOOK_NEUTRON_CORPUS` names
//! another corpus of the format. Needs root.
#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::unwrap_used,
    reason = "a test is its own boundary, and fails by a panic"
)]

mod case;
mod compare;
mod differences;
mod dump;
mod player;
#[path = "../support/mod.rs"]
mod support;
mod words;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::{env, fs};

use player::{Refused, play};

const CORPUS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/neutron");

/// Cases that are refused, and a part of the refusal.
const REFUSED: &[(&str, &str)] = &[
    ("31-port-security-off", "not served yet"),
    ("32-trusted-port", "not served yet"),
    ("36-port-update", "not served yet"),
    ("50-neutron-owned-port", "not served yet"),
    // Neutron lets the two share their chains (listed difference 2).
    ("41-long-and-colliding-names", "chain"),
];

/// One test for each folder.
macro_rules! cases {
    ($($folder:literal $name:ident)*) => {
        const CASES: &[&str] = &[$($folder),*];
        $(
            #[test]
            fn $name() {
                is_neutrons($folder);
            }
        )*
    };
}

cases! {
    "01-seed-port" a_port_with_a_few_rules
    "02-no-rules" a_group_without_rules
    "03-default-group-ipset" the_default_group
    "05-tcp-udp-ports" ports_and_ranges
    "07-icmp-types" icmp_types_and_codes
    "08-protocol-numbers" protocols_by_name_and_number
    "09-any-protocol" any_protocol
    "10-remote-prefixes" remote_prefixes
    "13-remote-group-ports-ipset" a_remote_group_as_a_set
    "14-remote-group-ports-noipset" a_remote_group_as_single_rules
    "15-empty-remote-group" an_empty_remote_group
    "17-address-group" a_remote_address_group
    "19-stateless-group" a_stateless_group
    "20-several-groups" several_groups_with_rules_in_common
    "22-two-ports-one-network" two_ports_on_one_network
    "23-ports-two-networks" ports_on_two_networks
    "24-ports-added-one-by-one" ports_that_come_one_by_one
    "25-multi-fixed-ips" several_fixed_ips
    "26-v6-only" a_port_with_ipv6_alone
    "27-no-fixed-ip" a_port_without_fixed_ip
    "28-address-pairs" allowed_address_pairs
    "31-port-security-off" a_port_without_port_security
    "32-trusted-port" a_trusted_port
    "33-rule-update" rules_that_change
    "34-member-update-ipset" members_that_change
    "36-port-update" a_port_that_changes
    "38-foreign-rules" rules_of_others_beside
    "41-long-and-colliding-names" chain_names_that_collide
    "45-ipset-shared" a_set_that_two_groups_share
    "48-stateless-second-group" a_stateless_second_group
    "49-stateless-empty-group" a_stateless_group_without_rules
    "50-neutron-owned-port" a_port_of_a_service_of_neutron_s
    "55-address-group-update" an_address_group_that_changes
}

#[track_caller]
fn is_neutrons(case: &str) {
    let expected = REFUSED.iter().find(|row| row.0 == case).map(|row| row.1);
    let played = play(&Path::new(CORPUS).join(case));
    match (&played, expected) {
        (Ok(()), None) => {}
        (Ok(()), Some(_)) => panic!("vmhook can say {case} now: it belongs no longer in REFUSED"),
        (Err(Refused(words)), Some(expected)) => assert!(words.contains(expected), "{words}"),
        (Err(Refused(words)), None) => panic!("{case} was refused: {words}"),
    }
}

#[test]
fn every_case_of_security_groups_has_its_test() {
    let folders = cases_of(Path::new(CORPUS));
    assert_eq!(folders, CASES);
    assert!(REFUSED.iter().all(|(case, _)| CASES.contains(case)));
}

/// The cases of another corpus, or one of ours: here nothing may be refused.
#[test]
fn any_corpus_is_neutrons() {
    let (corpus, cases) = match env::var_os("VMHOOK_NEUTRON_CORPUS").map(PathBuf::from) {
        Some(corpus) => (corpus.clone(), cases_of(&corpus)),
        None => (PathBuf::from(CORPUS), vec!["01-seed-port".to_owned()]),
    };
    assert!(!cases.is_empty(), "{} has no case", corpus.display());
    let fault = |case: &String| {
        let played = catch_unwind(AssertUnwindSafe(|| play(&corpus.join(case))));
        match played {
            Ok(Ok(())) => None,
            Ok(Err(Refused(words))) => Some(format!("{case} was refused: {words}")),
            Err(_) => Some(format!("{case} differs: see above")),
        }
    };
    let faults: Vec<_> = cases.iter().filter_map(fault).collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// The folders whose case is not of another kind.
fn cases_of(corpus: &Path) -> Vec<String> {
    let folders = fs::read_dir(corpus).expect("the corpus is a folder");
    let names = folders.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<_> = names
        .filter(|name| is_of_groups(&corpus.join(name)))
        .collect();
    names.sort();
    names
}

/// Networks are cases of another kind.
fn is_of_groups(folder: &Path) -> bool {
    let Ok(json) = fs::read(folder.join("case.json")) else {
        return false;
    };
    let case: serde_json::Value = serde_json::from_slice(&json).expect("case.json is JSON");
    case["kind"] != "network"
}
