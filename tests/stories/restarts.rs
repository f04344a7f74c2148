//! libvirtd restarts, and the guest does not notice.

use super::reference::assert_filter_tables_are_neutrons;
use super::{ADDRESS, CONFIG, OTHER, host, web1};
use crate::support::{Guest, Lab};

/// Programs that are not what they should be while libvirtd starts and asks them to `reconnect`.
const BAD_PROGRAMS: [(&str, Option<&str>); 3] = [
    ("missing", None),
    // A fault that does not exist panics at once; needs the feature `faults`.
    (
        "panicking",
        Some("VMHOOK_FAULT=none-that-exists exec $EVENT \"$@\" 2>>/run/said"),
    ),
    ("killed", Some("echo killed >>/run/said; kill -9 $$")),
];

#[test]
fn a_guest_outlives_restarts_of_libvirtd_whatever_becomes_of_vmhook() {
    let lab = host(CONFIG);
    let before = lab.dump();
    let mut web1 = lab.define(&web1());
    web1.boot();
    assert_serves(&lab, &mut web1, "started");
    lab.configure("[network.broken");
    let running = lab.dump();

    restart(&lab, "true");
    assert_serves(&lab, &mut web1, "after a restart");
    lab.assert_unchanged_since(&running);

    restart(&lab, "nft flush ruleset");
    assert_serves(&lab, &mut web1, "after a flush of all rules");
    assert_filter_tables_are_neutrons(&lab);

    for (what, program) in BAD_PROGRAMS {
        lab.end_libvirtd("TERM");
        lab.replace_event(program);
        lab.start_libvirtd();
        assert_serves(&lab, &mut web1, &format!("the program is {what}"));
    }
    let said = lab.read("/run/said");
    assert!(
        said.contains("panicked"),
        "it panics, if built with the feature `faults`: {said}"
    );
    assert!(said.contains("killed"), "it was killed: {said}");

    lab.replace_event(Some("exec $EVENT \"$@\""));
    web1.destroy();
    lab.configure(CONFIG);
    lab.assert_unchanged_since(&before);
}

#[test]
fn a_saved_guest_comes_back_to_its_network() {
    let lab = host(CONFIG);
    let before = lab.dump();
    let mut web1 = lab.define(&web1());
    web1.boot();
    assert_serves(&lab, &mut web1, "started");

    lab.virsh(&["managedsave", "web1"]).ok();
    lab.assert_unchanged_since(&before);
    lab.virsh(&["start", "web1"]).ok();
    assert_serves(&lab, &mut web1, "restored");
    assert_filter_tables_are_neutrons(&lab);
}

/// libvirtd ends, something happens, libvirtd starts.
fn restart(lab: &Lab, meanwhile: &str) {
    lab.end_libvirtd("TERM");
    lab.ok(meanwhile);
    lab.start_libvirtd();
}

/// It runs, answers pings, and still knows what it knew: it is the same boot. Asking libvirt for the
/// state waits for the reconnection.
#[track_caller]
fn assert_serves(lab: &Lab, guest: &mut Guest<'_>, when: &str) {
    assert_eq!(guest.state(), "running", "{when}\n{}", lab.libvirtd_log());
    guest.sh(&format!("echo {when} >>/tmp/lived; ping -c 1 -W 2 {OTHER}"));
    let lived = guest.sh("head -n 1 /tmp/lived").ok();
    assert_eq!(lived, "started\n", "{when}");
    assert!(lab.peer().pings(ADDRESS), "{when}\n{}", lab.dump());
}
