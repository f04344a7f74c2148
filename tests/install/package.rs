//! `make install`, `make uninstall`, and with `DESTDIR` a package's folder.

use super::*;

fn script() -> String {
    concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/install").to_owned()
}

#[test]
fn a_package_holds_programs_stubs_and_an_example_and_is_taken_away_whole() {
    let lab = Lab::new();
    lab.ok("mkdir /run/package");
    let said = lab.ok(&format!(
        "DESTDIR=/run/package {} install {}",
        script(),
        binaries()
    ));
    let first = "below      /run/package\nmade       /etc/libvirt/hooks\n";
    assert!(said.starts_with(first), "{said}");
    assert_eq!(
        files(&lab, "/run/package"),
        [
            "755 etc/libvirt/hooks/daemon.d/50-vmhook",
            "755 etc/libvirt/hooks/network.d/50-vmhook",
            "755 etc/libvirt/hooks/qemu.d/50-vmhook",
            "644 etc/vmhook/vmhook.toml.example",
            "755 usr/bin/vmhook",
            "755 usr/bin/vmhook-event",
        ]
    );
    let folders = "find /run/package/etc -type d -printf '%m %P\\n' | sort -k 2";
    assert_eq!(
        lab.ok(folders),
        "755 \n755 libvirt\n755 libvirt/hooks\n755 libvirt/hooks/daemon.d\n\
         755 libvirt/hooks/network.d\n755 libvirt/hooks/qemu.d\n755 vmhook\n755 vmhook/conf.d\n"
    );

    lab.ok(&format!("DESTDIR=/run/package {} uninstall", script()));
    assert_eq!(files(&lab, "/run/package"), [""; 0]);
    assert_eq!(lab.ok("ls -A /run/package/etc"), "libvirt\n");
}

#[test]
fn an_upgrade_keeps_the_operators_configuration_and_other_hooks() {
    let lab = Lab::new();
    lab.configure("# mine\n");
    lab.write("/etc/vmhook/vmhook.toml.example", "# my notes\n");
    lab.install_script("qemu.d/10-mine", "#!/bin/sh\n");
    lab.ok(&format!(
        "{0} install {1} && {0} install {1}",
        script(),
        binaries()
    ));
    assert_eq!(lab.read("/etc/vmhook/vmhook.toml.example"), "# my notes\n");

    lab.ok(&format!("{} uninstall", script()));
    assert_eq!(lab.read("/etc/vmhook/vmhook.toml"), "# mine\n");
    assert_eq!(files(&lab, "/etc/libvirt/hooks"), ["755 qemu.d/10-mine"]);
}

#[test]
fn a_libvirt_that_was_started_before_calls_the_hook_from_then_on() {
    let lab = Lab::new();
    lab.start_libvirtd();
    // The daemon itself says when it has looked again; the pipe waits for that.
    lab.ok("mkfifo /run/reloaded");
    lab.install_script(
        "daemon.d/60-record",
        "#!/bin/sh\n[ $2 = start ] || echo $2 >/run/reloaded\n",
    );
    lab.install_script(
        "qemu.d/60-record",
        "#!/bin/sh\necho $2 >>/run/calls\nexit 1\n",
    );
    lab.ok(&format!("{} install {}", script(), binaries()));
    assert_eq!(lab.ok("timeout 20 cat /run/reloaded"), "reload\n");

    let mut guest = lab.define(&DomainSpec::new("web1"));
    assert!(
        !guest.start().succeeded(),
        "the recording hook refuses the start"
    );
    assert_eq!(lab.read("/run/calls"), "prepare\nstopped\nrelease\n");
}
