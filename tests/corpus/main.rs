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
//! The rules are compared as text; nothing here is shared with `src/firewall`. Where Neutron lets two ports
//! share their chains, or two groups their set, the test sees it in the case, wants it refused, and ends there.
//! `VMHOOK_NEUTRON_CORPUS` names another corpus of the format. Needs root.
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

use std::path::{Path, PathBuf};
use std::{env, fs};

use player::{Refused, play};
use support::corpus::faults;

const CORPUS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/neutron");
/// Cases of ours, by the same agent.
const AT_THE_EDGES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/neutron-edges");

/// One test for each folder.
macro_rules! cases {
    ($names:ident of $corpus:ident: $($folder:literal $name:ident)*) => {
        const $names: &[&str] = &[$($folder),*];
        $(
            #[test]
            fn $name() {
                is_neutrons($corpus, $folder);
            }
        )*
    };
}

cases! {
    CASES of CORPUS:
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

cases! {
    EDGES of AT_THE_EDGES:
    "address-group-in-odd-text" an_address_group_in_odd_text
    "agent-restarts" libvirtd_restarts
    "agent-restarts-alone" libvirtd_restarts_after_the_last_port
    "any-in-a-set" any_address_in_a_set
    "any-in-an-address-group" any_address_in_an_address_group
    "chains-alike" chain_names_that_collide_with_neutron_alone
    "ipv6-in-odd-text" ipv6_addresses_in_odd_text
    "members-change-without-sets" members_that_change_without_sets
    "no-comments" rules_without_comments
    "other-mac-address" a_port_that_gets_another_mac_address
    "other-names-of-taps" taps_with_names_of_another_form
    "pair-of-any-address" an_address_pair_of_any_address
    "pair-of-any-address-alone" an_address_pair_of_any_address_without_a_fixed_ip
    "pairs-twice" address_pairs_that_are_there_already
    "ports-without-meaning" ports_of_a_protocol_that_has_none
    "remote-group-unknown" a_remote_group_that_nothing_defines
    "rule-comes-with-a-set" a_set_that_comes_with_its_rule_and_goes_with_it
    "rules-of-others-later" rules_of_others_that_come_later
    "set-of-the-other-family" a_set_whose_members_are_of_the_other_family
    "sets-alike" set_names_that_collide
    "stateless-beside-stateful" stateless_ports_beside_stateful_ones
    "unknown-port" a_tap_that_nobody_knows
}

#[track_caller]
fn is_neutrons(corpus: &str, case: &str) {
    if let Err(Refused(words)) = play(&Path::new(corpus).join(case)) {
        panic!("{case} was refused: {words}");
    }
}

#[test]
fn every_case_of_security_groups_has_its_test() {
    assert_eq!(cases_of(Path::new(CORPUS)), CASES);
    assert_eq!(cases_of(Path::new(AT_THE_EDGES)), EDGES);
}

/// The cases of another corpus, or one of ours: here nothing may be refused.
#[test]
fn any_corpus_is_neutrons() {
    let (corpus, cases) = match env::var_os("VMHOOK_NEUTRON_CORPUS").map(PathBuf::from) {
        Some(corpus) => (corpus.clone(), cases_of(&corpus)),
        None => (PathBuf::from(CORPUS), vec!["01-seed-port".to_owned()]),
    };
    assert!(!cases.is_empty(), "{} has no case", corpus.display());
    let faults = faults(&cases, String::clone, |case| {
        let refused = play(&corpus.join(case)).err();
        let fault = refused.map(|Refused(words)| format!("was refused: {words}"));
        fault.into_iter().collect()
    });
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
