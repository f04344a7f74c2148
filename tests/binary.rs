//! What `vmhook-event` is made of.

#![expect(clippy::disallowed_types, reason = "this test is about a file")]

use std::process::Command;

/// The libraries that a program loads.
fn libraries(program: &str) -> Vec<String> {
    let output = Command::new("ldd")
        .arg(program)
        .output()
        .expect("ldd is part of libc");
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let names = text
        .lines()
        .filter_map(|line| line.split_whitespace().next());
    names.map(str::to_owned).collect()
}

#[test]
fn the_hook_links_no_libvirt_and_nothing_but_libc() {
    let libraries = libraries(env!("CARGO_BIN_EXE_vmhook-event"));
    let expected = [
        "libc.so",
        "libgcc_s.so",
        "linux-vdso.so",
        "ld-linux",
        "/lib",
        "libm.so",
    ];
    let other = |name: &&String| !expected.iter().any(|known| name.starts_with(known));
    assert_eq!(libraries.iter().filter(other).collect::<Vec<_>>(), [""; 0]);
    assert!(libraries.iter().any(|name| name.starts_with("libc.so")));
}

#[test]
fn a_program_that_links_libvirt_would_be_told_apart() {
    let libraries = libraries("/usr/bin/virsh");
    let is_libvirt = |name: &String| name.starts_with("libvirt.so");
    assert!(libraries.iter().any(is_libvirt), "{libraries:?}");
}
