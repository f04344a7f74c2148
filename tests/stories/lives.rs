//! What becomes of a guest between its start and its stop, and between two starts.

use super::reference::assert_filter_tables_are_neutrons;
use super::tenants::{OTHER_BRIDGE, OTHER_NETWORK, SECOND_MAC};
use super::{ADDRESS, BRIDGE, CONFIG, FORWARDED, MAC, TAP, host, web1};
use crate::support::{DomainSpec, Lab, Nic};

const UUID: &str = "df970ec9-8410-48a6-9f04-d4621c967fce";
const OTHER_TAP: &str = "tap5c1d2e3f-89";

/// Writes down what libvirt calls. It refuses to restore a guest as long as it is told to.
const RECORD: &str = "#!/bin/sh
echo \"$1 $2\" >>/run/calls
[ \"$2\" != restore ] || [ ! -e /run/refuse ]";

/// What libvirt has called since it was last asked.
fn calls(lab: &Lab) -> Vec<String> {
    let calls = lab.read("/run/calls");
    lab.write("/run/calls", "");
    calls.lines().map(str::to_owned).collect()
}

#[test]
fn what_libvirt_calls_no_hook_for_changes_nothing_and_a_saved_guest_comes_back() {
    let lab = host(CONFIG);
    lab.install_script("qemu.d/60-record", RECORD);
    let peer = lab.peer();
    let before = lab.dump();
    let mut web1 = lab.define(&web1());
    web1.boot();
    assert!(peer.pings(ADDRESS), "{}", lab.dump());
    let running = lab.dump();
    calls(&lab);

    web1.virsh("suspend").ok();
    assert!(!peer.pings(ADDRESS), "it stands still");
    lab.assert_unchanged_since(&running);
    web1.virsh("resume").ok();
    assert!(peer.pings(ADDRESS), "it goes on\n{}", lab.dump());
    web1.virsh("reset").ok();
    web1.wait();
    assert!(peer.pings(ADDRESS), "reset\n{}", lab.dump());
    web1.tell("reboot -f");
    web1.wait();
    assert!(peer.pings(ADDRESS), "rebooted\n{}", lab.dump());
    let link = |state: &str| {
        let words = ["domif-setlink", "web1", TAP, state];
        lab.virsh(&words).ok();
    };
    link("down");
    assert!(!peer.pings(ADDRESS), "its cable is pulled");
    lab.assert_unchanged_since(&running);
    link("up");
    assert!(
        peer.pings_at_last(ADDRESS),
        "its cable is back\n{}",
        lab.dump()
    );
    let describe = ["desc", "--live", "web1", "another purpose"];
    lab.virsh(&describe).ok();
    lab.assert_unchanged_since(&running);
    assert_eq!(calls(&lab), [""; 0], "no hook was called");

    web1.sh("echo before >/tmp/saved").ok();
    lab.virsh(&["save", "web1", "/run/saved"]).ok();
    lab.assert_unchanged_since(&before);
    assert_eq!(calls(&lab), ["web1 stopped", "web1 release"]);

    lab.write("/run/refuse", "");
    let refused = lab.virsh(&["restore", "/run/saved"]);
    assert!(!refused.succeeded(), "{refused:#?}");
    lab.assert_unchanged_since(&before);
    assert_eq!(calls(&lab), ["web1 restore"]);

    lab.ok("rm /run/refuse");
    lab.virsh(&["restore", "/run/saved"]).ok();
    let restored = ["restore", "prepare", "start", "started"].map(|call| format!("web1 {call}"));
    assert_eq!(calls(&lab), restored);
    assert!(peer.pings(ADDRESS), "restored\n{}", lab.dump());
    assert_eq!(web1.sh("cat /tmp/saved").ok(), "before\n");
    assert_filter_tables_are_neutrons(&lab);
    web1.destroy();
    lab.assert_unchanged_since(&before);
}

/// The reference's guest on another bridge, with another address and tap.
fn moved() -> DomainSpec {
    let nic = Nic::on_bridge(OTHER_BRIDGE, SECOND_MAC);
    DomainSpec::new("web1")
        .uuid(UUID)
        .nic(nic.target(OTHER_TAP).mtu(1450))
}

#[test]
fn a_stop_takes_down_what_ran_whatever_the_guest_is_called_and_defined_as_by_then() {
    let lab = host(&format!("{CONFIG}{OTHER_NETWORK}"));
    let before = lab.dump();
    let mut guest = lab.define(&web1().uuid(UUID));
    guest.start_paused().ok();
    let running = lab.dump();

    guest.redefine(&moved());
    lab.assert_unchanged_since(&running);
    lab.command(&["vmhook", "inspect", "web1"]).ok();
    guest.destroy();
    lab.assert_unchanged_since(&before);

    guest.start_paused().ok();
    lab.ok(&format!(
        "ip link show {OTHER_TAP} | grep -q 'master {OTHER_BRIDGE} ' && ! ip link show {TAP} && \
         ! ip link show {BRIDGE} && ! iptables-save | grep -e {TAP} -e {MAC}"
    ));
    lab.command(&["vmhook", "inspect", "web1"]).ok();
    guest.redefine(&web1().uuid(UUID));
    guest.destroy();
    lab.assert_unchanged_since(&before);

    guest.rename("web2");
    guest.start_paused().ok();
    assert_filter_tables_are_neutrons(&lab);
    let told = lab.command(&["vmhook", "inspect", "web2"]).ok();
    assert!(
        told.starts_with(&format!("domain web2 {UUID}, runs\n")),
        "{told}"
    );
    guest.destroy();
    lab.assert_unchanged_since(&before);
}

#[test]
fn a_guest_that_libvirt_forgets_when_it_stops_leaves_nothing_either() {
    let lab = host(CONFIG);
    let before = lab.dump();
    let mut web1 = lab.transient(&web1());
    web1.start_paused().ok();
    assert_filter_tables_are_neutrons(&lab);
    lab.command(&["vmhook", "inspect", "web1"]).ok();
    web1.destroy();
    assert_eq!(web1.state(), "gone");
    lab.assert_unchanged_since(&before);
}

#[test]
fn a_guest_starts_with_libvirtd_and_outlives_its_libvirt_network() {
    let lab = host(CONFIG);
    let before = lab.dump();
    lab.define_network("selfservice", FORWARDED);
    let nic = Nic::on_network("selfservice", MAC).mtu(1450);
    let spec = DomainSpec::new("web1").nic(nic.address("192.168.101.88/24"));
    let mut web1 = lab.define(&spec);
    lab.virsh(&["net-autostart", "selfservice"]).ok();
    web1.virsh("autostart").ok();

    lab.end_libvirtd("TERM");
    // The host has restarted, as far as libvirtd can tell.
    lab.ok("rm -r /run/libvirt");
    web1.await_start();
    lab.start_libvirtd();
    web1.wait();
    assert!(lab.peer().pings(ADDRESS), "{}", lab.dump());
    let running = lab.dump();

    lab.virsh(&["net-destroy", "selfservice"]).ok();
    lab.assert_unchanged_since(&running);
    lab.command(&["vmhook", "inspect", "web1"]).ok();
    web1.destroy();
    lab.assert_unchanged_since(&before);
}
