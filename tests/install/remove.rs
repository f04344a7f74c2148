//! `vmhook remove`, with and without `--purge`, around guests that run.

use super::*;

const BRIDGE: &str = "brqc08e7dcd-4a";
const TAP: &str = "tap7a8c0a54-75";
const VM1_TAP: &str = "tap00000001-75";

/// The reference's guest, on a host that had libvirt before it had vmhook.
fn reference() -> DomainSpec {
    let nic = Nic::on_bridge(BRIDGE, "fa:16:3e:be:71:21")
        .target(TAP)
        .mtu(1450);
    DomainSpec::new("web1").nic(nic.address("192.168.101.88/24"))
}

#[track_caller]
fn assert_answers(guest: &mut Guest<'_>) {
    guest.sh("ping -c 1 -W 5 192.168.101.1").ok();
}

#[test]
fn an_installation_comes_and_goes_around_a_running_guest() {
    let lab = with_programs();
    lab.join_peer();
    lab.start_libvirtd();
    let before = lab.dump();
    lab.ok("mkfifo /run/reloaded");
    lab.install_script(
        "daemon.d/60-record",
        "#!/bin/sh\n[ $2 = start ] || echo $2 >/run/reloaded\n",
    );
    let said = lab.ok("vmhook setup");
    assert!(said.contains("told       libvirtd (pid "), "{said}");
    assert_eq!(lab.ok("timeout 20 cat /run/reloaded"), "reload\n");
    lab.ok("rm /etc/libvirt/hooks/daemon.d/60-record");
    lab.configure(include_str!("../../docs/example.toml"));
    let mut web1 = lab.define(&reference());
    web1.boot();
    assert_answers(&mut web1);

    let said = lab.ok("vmhook remove");
    assert!(said.contains("guests that run: web1\n"), "{said}");
    assert!(
        said.contains("kept       /etc/vmhook/vmhook.toml: "),
        "{said}"
    );
    assert_eq!(files(&lab, "/etc/libvirt/hooks"), [""; 0]);
    assert_answers(&mut web1);
    lab.ok("vmhook inspect web1");

    let said = lab.ok("vmhook remove --purge");
    assert!(
        said.contains("note       web1 runs on without a network\n"),
        "{said}"
    );
    assert!(
        said.contains("removed    bridges, tunnels, rules and records\n"),
        "{said}"
    );
    assert!(!web1.sh("ping -c 1 -W 1 192.168.101.1").succeeded());
    let tap = lab.ok(&format!("ip -o link show {TAP}"));
    assert!(
        !tap.contains("UP"),
        "a guest cannot reach the host by it: {tap}"
    );
    assert_eq!(web1.state(), "running");
    web1.destroy();
    lab.ok("rm /etc/vmhook/vmhook.toml; rmdir /etc/vmhook");
    lab.assert_unchanged_since(&before);
}

/// Sets vmhook up and starts a machine as libvirt would; its tap lives as long as what is returned.
fn with_a_machine(lab: &Lab) -> Tap {
    lab.ok("vmhook setup");
    lab.configure(include_str!("../../docs/example.toml"));
    lab.write("/run/vm1.xml", &Vm::new(1).xml());
    lab.ok(&format!("{QEMU} vm1 prepare begin - </run/vm1.xml"));
    let tap = lab.tap_on(BRIDGE, VM1_TAP, "fa:16:3e:00:00:01");
    lab.ok(&format!("{QEMU} vm1 start begin - </run/vm1.xml"));
    tap
}

#[track_caller]
fn assert_purged(lab: &Lab, tap: Tap, before: &str) {
    assert!(!lab.ok(&format!("ip -o link show {VM1_TAP}")).contains("UP"));
    drop(tap);
    lab.ok("rm -r /etc/vmhook");
    lab.assert_unchanged_since(before);
}

#[test]
fn a_purge_needs_no_record() {
    let lab = with_programs();
    lab.join_peer();
    let before = lab.dump();
    for lost in [
        "for file in $(find /run/vmhook -type f); do echo damaged >$file; done",
        "rm -r /run/vmhook",
    ] {
        let tap = with_a_machine(&lab);
        lab.ok(lost);
        lab.ok("vmhook remove --purge");
        assert_purged(&lab, tap, &before);
    }
}

#[test]
fn a_purge_that_fails_or_dies_says_so_and_the_next_one_finishes_it() {
    let lab = with_programs();
    lab.join_peer();
    let before = lab.dump();
    for fault in ["fail", "die-after"] {
        let tap = with_a_machine(&lab);
        // Each is interrupted one change later than the one before it.
        let interrupted = (1..=3).filter(|at| {
            let purge = lab.run(&format!("VMHOOK_FAULT={fault}:{at} vmhook remove --purge"));
            purge.code != 0
        });
        assert_eq!(interrupted.count(), 3, "{fault}");
        lab.ok("vmhook remove --purge");
        assert_purged(&lab, tap, &before);
    }
}
