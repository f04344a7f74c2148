//! What a distribution's kernel has and a kernel made for build machines may lack: VLAN devices, the
//! bridge module's own netfilter that is loaded when it is needed, `meta ibrname`.
//!
//! The tests of [`inside`] run on Debian's kernel, in an emulated machine that is a host: the guest of
//! the other tests, with this very program, the hook, and what they start beside it. It has one
//! network namespace and no libvirt; the test plays libvirt.
//!
//! ```text
//! target/guest: vmlinuz, initrd ─┐
//! target/guest: host ────────────┼─▶ QEMU ─▶ this program --ignored ─▶ serial console
//! this program, vmhook-event ────┘
//! ```
#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "tests are outside of the program's boundary"
)]

#[path = "../support/mod.rs"]
mod support;

mod inside;

use std::env;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The program under test, where the tests inside look for it.
const EVENT: &str = env!("CARGO_BIN_EXE_vmhook-event");

/// An emulated host runs its story in half a minute; on a loaded machine it takes longer.
const LIMIT: &str = "420";

#[test]
fn a_host_with_debians_kernel_serves_vlan_networks() {
    let folder = tempfile::TempDir::new().expect("a folder can be made");
    let program = env::current_exe().expect("a program knows itself");
    let initrd = archive(folder.path(), &[&program, Path::new(EVENT)]);
    let said = boot(&initrd, &program);
    assert!(said.contains("ended with 0"), "{said}");
    assert!(said.contains("test result: ok. 1 passed"), "{said}");
}

/// The root of the emulated host: three archives, which the kernel unpacks one over the other.
fn archive(folder: &Path, programs: &[&Path]) -> PathBuf {
    let root = folder.join("root");
    fs::create_dir(&root).expect("a folder can be made");
    for program in programs {
        add(&root, program);
    }
    let initrd = folder.join("initrd");
    let mut whole = File::create(&initrd).expect("a file can be made");
    let image = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/guest");
    for part in ["initrd", "host"] {
        let part = fs::read(image.join(part)).expect("scripts/guest-image makes it");
        whole.write_all(&part).expect("a file can be written");
    }
    let own = sh(&root, "find . | cpio --quiet -o -H newc");
    whole.write_all(&own).expect("a file can be written");
    initrd
}

/// A program without what only debuggers read, with its libraries, where they are here.
fn add(root: &Path, program: &Path) {
    let program = program.display();
    sh(
        root,
        &format!(
            "install -D {program} ./{program} && strip ./{program} && \
             ldd {program} | grep -o '/[^ ]*' | xargs cp -L --parents -t ."
        ),
    );
}

fn sh(folder: &Path, script: &str) -> Vec<u8> {
    let output = Command::new("sh")
        .args(["-c", script])
        .current_dir(folder)
        .output()
        .expect("sh starts");
    let words = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{script}: {words}");
    output.stdout
}

/// Boots the host; what it said on its console until it switched itself off.
fn boot(initrd: &Path, program: &Path) -> String {
    let kernel = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/guest/vmlinuz");
    let line = format!(
        "console=ttyS0 quiet panic=-1 rdinit=/host vmhook.run={}",
        program.display()
    );
    let output = Command::new("timeout")
        .args([LIMIT, "qemu-system-x86_64", "-accel", "tcg", "-m", "768"])
        .args(["-nodefaults", "-display", "none", "-no-reboot"])
        .args(["-serial", "stdio", "-append", &line, "-kernel"])
        .arg(kernel)
        .arg("-initrd")
        .arg(initrd)
        .stdin(Stdio::null())
        .output()
        .expect("timeout starts");
    let [said, failed] = [&output.stdout, &output.stderr].map(|it| String::from_utf8_lossy(it));
    format!("{said}{failed}")
}
