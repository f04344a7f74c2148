//! Guests that end otherwise than planned.

use super::reference::assert_filter_tables_are_neutrons;
use super::{BRIDGE, CONFIG, OTHER_PEOPLES, host, web1};
use crate::support::{Guest, Lab};

#[test]
fn a_guest_whose_qemu_is_killed_leaves_nothing() {
    let lab = host(CONFIG);
    lab.ok(OTHER_PEOPLES);
    let before = lab.dump();
    let mut web1 = lab.define(&web1());
    web1.start().ok();
    web1.kill();
    web1.wait_until_off();
    lab.assert_unchanged_since(&before);
}

#[test]
fn a_guest_stops_cleanly_whatever_has_become_of_the_configuration() {
    let lab = host(CONFIG);
    let before = lab.dump();
    let mut web1 = lab.define(&web1());
    for broken in [
        "[network.selfservice",
        "",
        "[firewall]\nchain_prefix = \"other\"\n",
    ] {
        web1.start().ok();
        lab.configure(broken);
        web1.destroy();
        lab.configure(CONFIG);
        lab.assert_unchanged_since(&before);
    }
}

/// Keeps `prepare` from its end, behind our hook.
const STALL_BEHIND_OURS: &str = "#!/bin/sh
[ \"$2\" = prepare ] || exit 0
echo >/run/reached; read -r never </run/never";

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
echo >/run/reached; read -r never </run/never"#;

/// Starts a guest whose hook comes to `/run/reached` and not further; there libvirtd is killed.
fn kill_libvirtd_in_prepare(lab: &Lab, guest: &mut Guest<'_>) {
    lab.ok("mkfifo /run/reached /run/never");
    std::thread::scope(|scope| {
        let start = scope.spawn(|| guest.start());
        lab.ok("read -r line </run/reached");
        lab.end_libvirtd("KILL");
        let start = start.join().expect("virsh ends");
        assert!(!start.succeeded(), "{start:#?}");
    });
}

#[test]
fn what_a_start_has_made_goes_when_libvirtd_dies_in_it() {
    let lab = host(CONFIG);
    lab.ok(OTHER_PEOPLES);
    lab.install_script("qemu.d/60-stall", STALL_BEHIND_OURS);
    let before = lab.dump();
    let mut web1 = lab.define(&web1());
    kill_libvirtd_in_prepare(&lab, &mut web1);

    lab.ok(&format!("ip link show {BRIDGE}"));
    lab.start_libvirtd();
    lab.assert_unchanged_since(&before);
}

#[test]
fn a_hook_that_dies_with_libvirtd_before_its_turn_leaves_nothing() {
    let lab = host(CONFIG);
    lab.replace_event(Some(KILLED_BEFORE_ITS_TURN));
    let before = lab.dump();
    let mut web1 = lab.define(&web1());
    kill_libvirtd_in_prepare(&lab, &mut web1);

    lab.ok("ls /run/vmhook/wants/*");
    lab.start_libvirtd();
    lab.assert_unchanged_since(&before);
    lab.replace_event(Some("exec $EVENT \"$@\""));
    web1.start().ok();
    assert_filter_tables_are_neutrons(&lab);
}
