//! Starts that fail through no fault of ours, before, between and after what we do: libvirt always
//! calls `stopped` and `release` then, whether or not it called `prepare` or `start` before. Nothing
//! is left each time, and the same machine starts once the fault is mended.

use super::{BRIDGE, CONFIG, FORWARDED, MAC, OTHER_PEOPLES, TAP, host, web1};
use crate::support::{DomainSpec, Lab, Nic, Outcome};

const UUID: &str = "2f5d1c9e-7c1b-4d0a-9a39-0d8a3f6f5b11";
const QEMU: &str = "/usr/bin/qemu-system-x86_64";

/// What is wrong with a machine, how it becomes so, and what virsh says.
type Fault = (&'static str, fn(DomainSpec) -> DomainSpec, &'static str);

const FAULTS: [Fault; 3] = [
    (
        "a disk is missing",
        |spec| {
            spec.device(
                "<disk type='file'><source file='/nowhere.img'/><target dev='vda' bus='virtio'/>\
                 </disk>",
            )
        },
        "Cannot access storage file '/nowhere.img'",
    ),
    (
        "QEMU refuses an argument",
        |spec| {
            spec.element(
                "<qemu:commandline xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>\
                 <qemu:arg value='-bogus'/></qemu:commandline>",
            )
        },
        "-bogus: invalid option",
    ),
    (
        "a bridge besides ours is missing",
        |spec| spec.nic(Nic::on_bridge("br-nowhere", "fa:16:3e:00:00:01")),
        "'br-nowhere': No such device",
    ),
];

#[test]
fn nothing_is_left_of_a_start_that_fails_by_the_machines_own_fault() {
    let lab = host(CONFIG);
    lab.ok(OTHER_PEOPLES);
    let before = lab.dump();
    for (fault, broken, said) in FAULTS {
        let start = lab.define(&broken(web1().uuid(UUID))).start();
        assert_failed(&lab, fault, &start, said);
        lab.assert_unchanged_since(&before);
        assert_starts_and_leaves(&lab, &before);
    }
}

/// Hides QEMU, which libvirt has looked at by then, from the process that is to become it.
const HIDES_QEMU: &str = "#!/bin/sh
[ \"$2\" != start ] || mount --bind /dev/null /usr/bin/qemu-system-x86_64";

#[test]
fn nothing_is_left_of_a_start_without_qemu() {
    let lab = host(CONFIG);
    let before = lab.dump();
    let mut guest = lab.define(&web1().uuid(UUID));
    lab.ok(&format!("mount --bind /dev/null {QEMU}"));
    let start = guest.start();
    lab.ok(&format!("umount {QEMU}"));
    assert_failed(&lab, "QEMU is missing", &start, QEMU);
    lab.assert_unchanged_since(&before);

    lab.install_script("qemu.d/60-other", HIDES_QEMU);
    let start = guest.start();
    lab.ok(&format!(
        "umount {QEMU}; rm /etc/libvirt/hooks/qemu.d/60-other"
    ));
    assert_failed(&lab, "QEMU goes after `start`", &start, QEMU);
    lab.assert_unchanged_since(&before);
    assert_starts_and_leaves(&lab, &before);
}

#[test]
fn nothing_is_left_of_a_start_that_another_hook_refuses() {
    let lab = host(CONFIG);
    let before = lab.dump();
    let mut guest = lab.define(&web1().uuid(UUID));
    for operation in ["prepare", "start", "started"] {
        for (file, order) in [("40-other", "before"), ("60-other", "after")] {
            let script = format!("#!/bin/sh\n[ \"$2\" != {operation} ] || exit 7\n");
            lab.install_script(&format!("qemu.d/{file}"), &script);
            let start = guest.start();
            let fault = format!("another hook refuses {order} ours at {operation}");
            assert_failed(&lab, &fault, &start, "unexpected exit status 7");
            lab.ok(&format!("rm /etc/libvirt/hooks/qemu.d/{file}"));
            lab.assert_unchanged_since(&before);
        }
    }
    assert_starts_and_leaves(&lab, &before);
}

/// At `prepare` its bridge is not known yet: what is made for it is made at `port-created`, and
/// libvirt calls no `port-deleted` where that fails.
#[test]
fn nothing_is_left_of_a_start_that_another_hook_of_the_network_refuses() {
    let lab = host(CONFIG);
    lab.define_network("selfservice", FORWARDED);
    let before = lab.dump();
    let nic = Nic::on_network("selfservice", MAC).mtu(1450);
    let mut guest = lab.define(&DomainSpec::new("web1").nic(nic));
    let seen = format!("[ \"$2\" != port-created ] || {{ ip link show {BRIDGE}; exit 7; }}");
    lab.install_script("network.d/60-other", &format!("#!/bin/sh\n{seen} >&2\n"));
    let start = guest.start();
    assert_failed(
        &lab,
        "refused at port-created",
        &start,
        &format!(": {BRIDGE}: "),
    );
    lab.ok("rm /etc/libvirt/hooks/network.d/60-other");
    lab.assert_unchanged_since(&before);

    guest.start().ok();
    guest.destroy();
    lab.assert_unchanged_since(&before);
}

#[track_caller]
fn assert_failed(lab: &Lab, fault: &str, start: &Outcome, said: &str) {
    assert_eq!(start.code, 1, "{fault}: {start:#?}");
    assert!(start.err.contains(said), "{fault}: {start:#?}");
    let state = lab.virsh(&["domstate", "web1"]).ok();
    assert_eq!(state.trim(), "shut off", "{fault}");
}

/// The sound machine starts, has its rules, and leaves nothing.
#[track_caller]
fn assert_starts_and_leaves(lab: &Lab, before: &str) {
    let mut guest = lab.define(&web1().uuid(UUID));
    guest.start().ok();
    lab.ok(&format!(
        "nft list set bridge vmhook members | grep -q {TAP}"
    ));
    guest.destroy();
    lab.assert_unchanged_since(before);
}
