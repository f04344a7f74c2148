//! What `make install` puts where, and how a running libvirt learns of it.

mod support;

use std::path::Path;

use support::{DomainSpec, Lab};

/// The folder of this build's binaries stands for `target/release`.
fn binaries() -> String {
    let event = Path::new(env!("CARGO_BIN_EXE_vmhook-event"));
    event
        .parent()
        .expect("a file has a folder")
        .display()
        .to_string()
}

fn script() -> String {
    concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/install").to_owned()
}

/// Every file below a folder, with its mode.
fn files(lab: &Lab, folder: &str) -> Vec<String> {
    let found = lab.ok(&format!(
        "cd {folder} && find . -type f -printf '%m %P\\n' | sort -k 2"
    ));
    found.lines().map(str::to_owned).collect()
}

#[test]
fn a_package_holds_programs_stubs_and_an_example_and_is_taken_away_whole() {
    let lab = Lab::new();
    lab.ok("mkdir /run/package");
    lab.ok(&format!(
        "DESTDIR=/run/package {} install {}",
        script(),
        binaries()
    ));
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
    assert_eq!(lab.ok("stat -c %a /run/package/etc/vmhook"), "755\n");

    lab.ok(&format!("DESTDIR=/run/package {} uninstall", script()));
    assert_eq!(files(&lab, "/run/package"), [""; 0]);
}

#[test]
fn an_upgrade_keeps_the_operators_configuration_and_other_hooks() {
    let lab = Lab::new();
    lab.configure("# mine\n");
    lab.write("/etc/vmhook/vmhook.toml.example", "# my notes\n");
    lab.install_script("qemu.d/10-mine", "#!/bin/sh\n");
    lab.ok(&format!(
        "{0} install {1}; {0} install {1}",
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
