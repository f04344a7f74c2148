//! libvirtd, or one of our hooks, dies in the middle of a machine's start or end.
//!
//! A libvirtd that is killed in `prepare` or `start` never calls again for that machine: its taps
//! went with it. From `started` on the machine lives without it.

use super::reference::assert_filter_tables_are_neutrons;
use super::{ADDRESS, BRIDGE, CONFIG, OTHER_PEOPLES, host, port, web1};
use crate::support::{DomainSpec, Guest, Lab, Nic, Outcome};

/// Stops another hook in an operation, until `/run/go` is written to.
fn stall_in(operation: &str) -> String {
    format!(
        "#!/bin/sh\n[ \"$2\" = {operation} ] || exit 0\necho >/run/reached; read -r go </run/go"
    )
}

/// Starts a guest whose hook comes to `/run/reached` and not further; there something happens.
fn start_until_stalled(lab: &Lab, guest: &mut Guest<'_>, then: impl FnOnce()) -> Outcome {
    lab.ok("rm -f /run/reached /run/go; mkfifo /run/reached /run/go");
    std::thread::scope(|scope| {
        let start = scope.spawn(|| guest.start());
        lab.ok("read -r line </run/reached");
        then();
        start.join().expect("virsh ends")
    })
}

fn kill_libvirtd_in_start_of(lab: &Lab, guest: &mut Guest<'_>) {
    let start = start_until_stalled(lab, guest, || lab.end_libvirtd("KILL"));
    assert!(!start.succeeded(), "{start:#?}");
}

#[test]
fn what_a_start_has_made_goes_when_libvirtd_dies_in_it() {
    let lab = host(CONFIG);
    lab.ok(OTHER_PEOPLES);
    let mut web1 = lab.define(&web1());
    for operation in ["prepare", "start"] {
        lab.install_script("qemu.d/60-stall", &stall_in(operation));
        let before = lab.dump();
        kill_libvirtd_in_start_of(&lab, &mut web1);

        lab.ok(&format!("ip link show {BRIDGE}"));
        lab.start_libvirtd();
        lab.assert_unchanged_since(&before);
    }
    lab.ok("rm /etc/libvirt/hooks/qemu.d/60-stall");
    web1.start().ok();
}

/// Keeps our hook from its turn, as another hook that has the host lock, and kills it when what it
/// wants is written.
const KILLED_BEFORE_ITS_TURN: &str = r#"
[ "$3" = prepare ] || exec $EVENT "$@"
cat >/run/web1.xml
mkdir -p /run/vmhook
exec 9</run/vmhook
flock 9
$EVENT "$@" 9<&- </run/web1.xml &
until ls /run/vmhook/wants/* >/dev/null 2>&1; do :; done
kill -9 $!
exec 9<&-
echo >/run/reached; read -r go </run/go"#;
const WHOLE: &str = "exec $EVENT \"$@\"";

#[test]
fn a_hook_that_dies_with_libvirtd_before_its_turn_leaves_nothing() {
    let lab = host(CONFIG);
    lab.replace_event(Some(KILLED_BEFORE_ITS_TURN));
    let before = lab.dump();
    let mut web1 = lab.define(&web1());
    kill_libvirtd_in_start_of(&lab, &mut web1);

    lab.ok("ls /run/vmhook/wants/*");
    lab.start_libvirtd();
    lab.assert_unchanged_since(&before);
    lab.replace_event(Some(WHOLE));
    web1.start().ok();
    assert_filter_tables_are_neutrons(&lab);
}

/// The hook before ours stalls, so that ours never comes to its turn.
#[test]
fn a_guest_outlives_a_libvirtd_that_dies_in_started() {
    let lab = host(CONFIG);
    lab.install_script("qemu.d/40-stall", &stall_in("started"));
    let before = lab.dump();
    let mut web1 = lab.define(&web1());
    kill_libvirtd_in_start_of(&lab, &mut web1);
    web1.wait();
    assert!(
        lab.peer().pings(ADDRESS),
        "without libvirtd\n{}",
        lab.dump()
    );

    lab.start_libvirtd();
    assert_eq!(web1.state(), "running", "{}", lab.libvirtd_log());
    assert!(lab.peer().pings(ADDRESS), "with libvirtd\n{}", lab.dump());
    assert_filter_tables_are_neutrons(&lab);
    web1.destroy();
    lab.assert_unchanged_since(&before);
}

/// It then ends when the start has.
#[test]
fn a_start_goes_on_to_its_end_when_libvirtd_is_told_to_end_in_it() {
    let lab = host(CONFIG);
    lab.install_script("qemu.d/40-stall", &stall_in("start"));
    let before = lab.dump();
    let mut web1 = lab.define(&web1());
    start_until_stalled(&lab, &mut web1, || {
        lab.ok("kill -TERM $(cat /run/libvirtd.pid); echo >/run/go");
    });
    lab.end_libvirtd("TERM");
    lab.start_libvirtd();
    assert_eq!(web1.state(), "running", "{}", lab.libvirtd_log());
    assert_filter_tables_are_neutrons(&lab);
    web1.destroy();
    lab.assert_unchanged_since(&before);
}

const NEIGHBOURS_MAC: &str = "fa:16:3e:00:00:02";

fn neighbour() -> DomainSpec {
    let nic = Nic::on_bridge(BRIDGE, NEIGHBOURS_MAC).mtu(1450);
    DomainSpec::new("neighbour").nic(nic)
}

#[test]
fn a_guest_that_dies_while_libvirtd_is_down_goes_at_its_start_and_others_stay() {
    let lab = host(&format!(
        "{CONFIG}{}",
        port("neighbour", NEIGHBOURS_MAC, "192.168.101.2")
    ));
    let before = lab.dump();
    let (mut web1, mut neighbour) = (lab.define(&web1()), lab.define(&neighbour()));
    web1.start().ok();
    let alone = lab.dump();
    neighbour.start().ok();

    lab.end_libvirtd("KILL");
    neighbour.kill();
    lab.ok("until ! ip link show vnet0 2>/dev/null; do :; done");
    lab.start_libvirtd();
    let state = lab.virsh(&["domstate", "--reason", "neighbour"]).ok();
    assert_eq!(state.trim(), "shut off (crashed)");
    lab.assert_unchanged_but_for_the_count_since(&alone);
    assert_filter_tables_are_neutrons(&lab);
    assert_eq!(web1.state(), "running");
    web1.destroy();
    lab.assert_unchanged_since(&before);
}

/// Kills our hook in an operation, before its nth change of the machine. Needs the feature `faults`.
fn killed_in(operation: &str, change: u32) -> String {
    format!("[ \"$3\" = {operation} ] && export VMHOOK_FAULT=die-before:{change}\n{WHOLE}")
}

#[test]
fn nothing_is_left_of_a_start_whose_hook_is_killed() {
    let lab = host(CONFIG);
    lab.ok(OTHER_PEOPLES);
    let before = lab.dump();
    let mut web1 = lab.define(&web1());
    for (operation, change) in [("prepare", 1), ("prepare", 5), ("start", 2), ("start", 4)] {
        lab.replace_event(Some(&killed_in(operation, change)));
        let start = web1.start();
        let said = format!("web1 {operation} begin -) unexpected fatal signal 9");
        assert!(
            start.err.contains(&said),
            "{operation} {change}: {start:#?}"
        );
        lab.assert_unchanged_since(&before);
    }
    lab.replace_event(Some(WHOLE));
    web1.start().ok();
    web1.destroy();
    lab.assert_unchanged_since(&before);
}

/// libvirt pays no regard to it.
#[test]
fn what_hooks_that_fail_at_the_end_leave_goes_with_the_next_start_of_libvirtd_or_the_guest() {
    let lab = host(CONFIG);
    let before = lab.dump();
    let mut web1 = lab.define(&web1());
    let killed = "export VMHOOK_FAULT=die-before:1; exec $EVENT \"$@\"";
    for (what, program) in [("missing", None), ("killed", Some(killed))] {
        web1.start().ok();
        lab.replace_event(program);
        web1.destroy();
        assert_ne!(lab.dump(), before, "with its program {what} nothing can go");
        lab.replace_event(Some(WHOLE));
        lab.end_libvirtd("TERM");
        lab.start_libvirtd();
        lab.assert_unchanged_since(&before);

        web1.start().ok();
        lab.replace_event(program);
        web1.destroy();
        lab.replace_event(Some(WHOLE));
        web1.start().ok();
        assert_filter_tables_are_neutrons(&lab);
        web1.destroy();
        lab.assert_unchanged_since(&before);
    }
}
