//! What libvirt really did, played again to `vmhook-event` on a real kernel.
//!
//! `fixtures/libvirt` holds what a real libvirtd called its hooks with, one folder a situation. Each
//! is one test here: in a network namespace of its own the calls are made again, in their order and
//! with libvirt's environment, and between them this test does what libvirt does with taps. Beside
//! each capture lies `expected.txt`: every event, and what the kernel has of vmhook's after it.
//! `UPDATE_GOLDEN=1 cargo test --test replay` writes them anew; read the difference.
//!
//! Some things must hold whatever happens, in any corpus: see [`laws`]. `VMHOOK_LIBVIRT_CORPUS`
//! names another corpus of the format, for which they are checked alone. Needs root.
#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::unwrap_used,
    reason = "a test is its own boundary, and fails by a panic"
)]

mod configuration;
mod corpus;
mod kernel;
mod laws;
mod libvirtd;
mod player;
mod script;
mod summary;
#[path = "../support/mod.rs"]
mod support;
mod tap;
mod world;

use std::path::{Path, PathBuf};
use std::{env, fs};

use corpus::Situation;
use player::{Played, play};
use support::corpus::faults;
use support::netns::in_a_new_namespace;

const CORPUS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/libvirt");

/// One test for each folder.
macro_rules! situations {
    ($($folder:literal $name:ident)*) => {
        const SITUATIONS: &[&str] = &[$($folder),*];
        $(
            #[test]
            fn $name() {
                goes_as_expected($folder);
            }
        )*
    };
}

situations! {
    "01-one-bridge" a_domain_starts_and_stops
    "02-two-ifs" two_interfaces_whose_chains_would_have_one_name_are_refused
    "04-auto-named" taps_that_libvirt_names_itself_are_known_from_start_on
    "05-net-nat" a_network_of_libvirt_s_own_is_left_alone
    "06-net-bridge" an_interface_of_a_libvirt_network_on_our_bridge_is_ours
    "08-user" an_interface_without_a_tap_is_left_alone
    "09-ethernet" a_tap_on_no_bridge_is_left_alone
    "10-ethernet-unmanaged" a_tap_that_somebody_else_made_is_left_alone
    "11-direct-macvtap" a_macvtap_is_left_alone
    "12-no-ifs" a_domain_without_interfaces_is_left_alone
    "16-nova-metadata" addresses_come_from_nova_s_metadata
    "17-custom-metadata" metadata_of_others_is_passed_over
    "18-filterref" libvirt_s_own_filters_do_not_matter
    "19-bandwidth" a_start_that_fails_at_its_tap_leaves_nothing
    "20-isolated-linkdown" an_interface_whose_link_is_down_is_served
    "21-ovs-fails" an_interface_for_open_vswitch_fails_without_a_trace
    "22-ipv6" a_domain_that_boots_from_the_network_is_served
    "23-vlan-linux-bridge" a_vlan_that_libvirt_refuses_leaves_nothing
    "25-acpi-minimal" a_minimal_domain_is_served
    "26a-name" a_name_may_be_japanese
    "26b-name" a_name_may_hold_quotes_and_blanks
    "26c-name" a_name_may_begin_with_a_dash
    "26d-name" a_name_may_be_an_option
    "30-network-hooks" networks_of_libvirt_come_without_us
    "40-no-bridge-no-hook-action" the_bridge_is_there_before_libvirt_looks_for_it
    "41-prepare-creates-bridge" the_bridge_is_made_at_prepare
    "42-prepare-fails-1" another_hook_s_refusal_at_prepare_is_cleaned_up
    "43-prepare-exit-77" another_hook_s_strange_exit_at_prepare_is_cleaned_up
    "43b-prepare-sig" another_hook_s_death_at_prepare_is_cleaned_up
    "43d-prepare-ok-stderr" another_hook_s_chatter_does_not_matter
    "44-start-fails" another_hook_s_refusal_at_start_is_cleaned_up
    "45-started-fails" another_hook_s_refusal_at_started_is_cleaned_up
    "46-stopped-release-fail" another_hook_s_failures_at_the_end_do_not_matter
    "48-noexec-mem" a_qemu_that_does_not_start_is_cleaned_up
    "49-missing-disk" a_disk_that_is_missing_is_cleaned_up
    "50-sigkill" a_qemu_that_is_killed_is_cleaned_up
    "51-libvirtd-restart" a_domain_survives_the_restart_of_libvirtd
    "51b-restart-hook-slow-state" the_end_of_a_domain_we_never_saw_is_nothing
    "52-reconnect-fails" a_domain_that_another_hook_kills_at_reconnect_is_cleaned_up
    "54-libvirtd-kill9-during-prepare" a_start_that_died_with_libvirtd_is_found_by_the_next_one
    "56-libvirtd-kill9-during-started" a_domain_survives_the_death_of_libvirtd
    "57-save-restore" a_saved_domain_comes_back
    "57b-restore-fails" a_restore_that_fails_changes_nothing
    "57c-restore-echo-input" a_restored_domain_stops_as_any_other
    "58-managedsave" a_managed_save_is_a_stop_and_a_start
    "60-hotplug" an_interface_that_is_plugged_in_stays_closed
    "61-update-bridge" a_tap_that_libvirt_moves_away_is_cleaned_up_all_the_same
    "62-transient" a_transient_domain_is_as_any_other
    "63-rename" a_renamed_domain_is_known_by_its_uuid
    "70-hung" a_domain_whose_chains_would_have_a_running_one_s_name_is_refused
    "71-ctrlc" a_start_that_is_given_up_is_cleaned_up
    "72-hung-stopped" a_domain_that_has_stopped_has_its_chain_names_until_release
    "73-cb-prepare" another_domain_is_refused_during_a_prepare
    "73-cb-release" another_domain_lives_and_ends_after_a_release
    "73-cb-start" another_domain_is_refused_during_a_start
    "73-cb-started" another_domain_is_refused_after_a_start
    "73-cb-stopped" another_domain_is_refused_during_a_stop
    "80-fds" a_domain_starts_and_stops_as_always
    "81-bg" a_child_that_another_hook_leaves_does_not_matter
    "81b-bg" a_quiet_child_that_another_hook_leaves_does_not_matter
    "83-qemud" another_hook_in_the_folder_may_refuse
    "84-late" a_hook_is_called_from_the_folder_too_and_reloads_are_nothing
    "90-port-created-fails" a_port_that_another_hook_refuses_leaves_nothing
    "91-network-ops" networks_of_libvirt_go_without_us
    "93-tap-exists" a_tap_of_the_same_name_that_is_nobody_s_stays
    "94-dup" a_domain_that_names_the_tap_of_a_running_one_is_refused
    "95-snap" snapshots_call_no_hook
    "96-term" a_libvirtd_that_is_terminated_comes_back
    "97-autostart" a_domain_starts_with_its_libvirtd
    "98-migrate-dst" an_incoming_migration_is_a_start
    "98-migrate-src" the_source_of_a_migration_that_we_never_saw_is_nothing
}

// Neutron cuts a port's chains off after ten characters of the tap's name, so the corpus's two taps
// cannot be open at once. With another name for the second they can.

#[test]
fn two_interfaces_are_two_ports() {
    goes_as_expected_with_another_tap("02-two-ifs");
}

#[test]
fn two_domains_start_across_each_other() {
    goes_as_expected_with_another_tap("70-hung");
}

#[test]
fn a_domain_stops_while_another_starts() {
    goes_as_expected_with_another_tap("72-hung-stopped");
}

#[test]
fn another_domain_lives_and_ends_during_a_prepare() {
    goes_as_expected_with_another_tap("73-cb-prepare");
}

#[test]
fn every_folder_of_the_corpus_has_its_test() {
    let folders = Situation::all(Path::new(CORPUS));
    let folders: Vec<String> = folders.iter().map(Situation::name).collect();
    assert_eq!(folders, SITUATIONS);
}

#[test]
fn a_running_domain_keeps_every_rule_while_another_names_its_tap() {
    let played = replay(&Situation::read(&Path::new(CORPUS).join("94-dup")));
    let at = |label: &str| {
        let noted = played
            .kernels
            .iter()
            .find(|(event, _)| event.starts_with(label));
        &noted.unwrap_or_else(|| panic!("{label} was called")).1
    };
    let running = at("03-started-begin");
    assert!(running.is_open("tap7a8c0a54-75"));
    for label in ["04-prepare-begin", "05-stopped-end", "06-release-end"] {
        let now = at(label);
        assert!(now == running, "{label}: {}", running.difference(now));
    }
    assert!(!at("07-stopped-end").is_open("tap7a8c0a54-75"));
}

/// Those of ours that are played without expectations and with a configuration made for them: all
/// kinds of events are in these.
const ANY: &[&str] = &[
    "04-auto-named",
    "06-net-bridge",
    "60-hotplug",
    "61-update-bridge",
    "72-hung-stopped",
    "94-dup",
];

/// Without expectations, and with a configuration made from what the XMLs name.
#[test]
fn in_any_corpus_all_stays_closed_and_nothing_is_left() {
    let foreign = env::var_os("VMHOOK_LIBVIRT_CORPUS").map(PathBuf::from);
    let ours = |folder: &&str| Situation::read(&Path::new(CORPUS).join(folder));
    let situations = match &foreign {
        Some(corpus) => Situation::all(corpus),
        None => ANY.iter().map(ours).collect(),
    };
    assert!(!situations.is_empty(), "{foreign:?} has no situation");
    let configuration = configuration::for_corpus(&situations);
    let faults = faults(&situations, Situation::name, |situation| {
        play_apart(situation, &configuration).faults
    });
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// In a namespace of its own.
fn play_apart(situation: &Situation, configuration: &str) -> Played {
    let taps: &[&str] = match situation.name().as_str() {
        "93-tap-exists" => &["tap7a8c0a54-75"],
        _ => &[],
    };
    let mut played = None;
    in_a_new_namespace(|| played = Some(play(situation, configuration, taps)));
    played.expect("it was played, or has panicked")
}

/// By the situation's own configuration, or else the corpus's.
fn replay(situation: &Situation) -> Played {
    let own = fs::read_to_string(situation.folder.join("vmhook.toml"));
    let configuration = own.or_else(|_| fs::read_to_string(Path::new(CORPUS).join("vmhook.toml")));
    play_apart(situation, &configuration.unwrap())
}

#[track_caller]
fn goes_as_expected(folder: &str) {
    compare(
        &Situation::read(&Path::new(CORPUS).join(folder)),
        "expected.txt",
    );
}

#[track_caller]
fn goes_as_expected_with_another_tap(folder: &str) {
    let mut situation = Situation::read(&Path::new(CORPUS).join(folder));
    for call in &mut situation.calls {
        let xml = String::from_utf8(std::mem::take(&mut call.xml)).unwrap();
        call.xml = xml.replace("tap7a8c0a54-76", "tap7b8c0a54-76").into();
    }
    compare(&situation, "expected-with-another-tap.txt");
}

#[track_caller]
fn compare(situation: &Situation, golden: &str) {
    let Played {
        transcript, faults, ..
    } = replay(situation);
    assert!(faults.is_empty(), "{}\n{transcript}", faults.join("\n"));
    let golden = situation.folder.join(golden);
    if env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(&golden, &transcript).unwrap();
    }
    let expected = fs::read_to_string(&golden).unwrap_or_default();
    assert!(
        expected == transcript,
        "expected:\n{expected}\nis:\n{transcript}"
    );
}
