//! What the stubs in `hooks/` make of each operation, whatever the program behind them does.

mod support;

use support::{Lab, Outcome};

/// Operations whose failure may stop a machine's start, and only that.
const MAY_REFUSE: [&str; 3] = ["prepare", "start", "started"];
/// Operations whose failure would kill a machine or help nobody.
const MUST_SUCCEED: [&str; 4] = ["migrate", "reconnect", "stopped", "release"];
/// Operations that are not served, those of later libvirts among them.
const NOT_SERVED: [&str; 4] = ["restore", "attach", "plugged", ""];

/// A lab with the stubs in front of a program of the test's choice.
fn lab_with(program: &str) -> Lab {
    let lab = Lab::new();
    lab.install_hook();
    lab.ok("umount /usr/bin/vmhook-event; rm /usr/bin/vmhook-event");
    if !program.is_empty() {
        lab.write("/usr/bin/vmhook-event", program);
        lab.ok("chmod 755 /usr/bin/vmhook-event");
    }
    lab
}

/// Calls a stub as libvirt does, with an XML on standard input.
fn call(lab: &Lab, kind: &str, operation: &str) -> Outcome {
    let stub = format!("/etc/libvirt/hooks/{kind}.d/50-vmhook");
    lab.run(&format!(
        "echo '<domain/>' | {stub} 'a name' '{operation}' begin -"
    ))
}

#[test]
fn a_stub_is_plain_posix_shell() {
    let lab = lab_with("");
    for kind in ["qemu", "network", "daemon"] {
        let stub = format!("/etc/libvirt/hooks/{kind}.d/50-vmhook");
        lab.ok(&format!(
            "dash -n {stub}; bash --posix -n {stub}; busybox sh -n {stub}"
        ));
        assert!(lab.read(&stub).starts_with("#!/bin/sh\n"));
    }
}

#[test]
fn the_program_gets_the_arguments_and_the_xml_and_cannot_reach_stdout() {
    let lab = lab_with("#!/bin/sh\n{ printf '%s|' \"$@\"; cat; } >/run/seen\necho '<evil/>'\n");
    for (kind, operation) in [
        ("qemu", "migrate"),
        ("qemu", "prepare"),
        ("qemu", "start"),
        ("qemu", "started"),
        ("qemu", "stopped"),
        ("qemu", "release"),
        ("qemu", "reconnect"),
        ("network", "port-created"),
        ("network", "port-deleted"),
        ("daemon", "start"),
    ] {
        lab.ok("rm -f /run/seen");
        assert_eq!(
            call(&lab, kind, operation).ok(),
            "",
            "stdout would become the definition"
        );
        let expected = format!("{kind}|a name|{operation}|begin|-|<domain/>\n");
        assert_eq!(lab.read("/run/seen"), expected);
    }
}

#[test]
fn a_refusal_and_its_reason_reach_libvirt_only_where_a_start_may_be_refused() {
    let lab = lab_with("#!/bin/sh\necho 'no such group' >&2\nexit 1\n");
    for operation in MAY_REFUSE {
        let outcome = call(&lab, "qemu", operation);
        assert_eq!(
            (outcome.code, outcome.err.as_str()),
            (1, "no such group\n"),
            "{operation}"
        );
    }
    assert_eq!(call(&lab, "network", "port-created").code, 1);
    for operation in MUST_SUCCEED {
        call(&lab, "qemu", operation).ok();
    }
    call(&lab, "network", "port-deleted").ok();
    call(&lab, "daemon", "start").ok();
}

#[test]
fn a_missing_program_stops_starts_and_kills_nothing() {
    let lab = lab_with("");
    for operation in MAY_REFUSE {
        assert_eq!(call(&lab, "qemu", operation).code, 127, "{operation}");
    }
    assert_eq!(call(&lab, "network", "port-created").code, 127);
    for operation in MUST_SUCCEED {
        call(&lab, "qemu", operation).ok();
    }
    call(&lab, "network", "port-deleted").ok();
    call(&lab, "daemon", "start").ok();
}

#[test]
fn a_crashing_program_stops_starts_and_kills_nothing() {
    let lab = lab_with("#!/bin/sh\nkill -SEGV $$\n");
    for operation in MAY_REFUSE {
        assert_eq!(call(&lab, "qemu", operation).code, 128 + 11, "{operation}");
    }
    for operation in MUST_SUCCEED {
        call(&lab, "qemu", operation).ok();
    }
    call(&lab, "network", "port-deleted").ok();
    call(&lab, "daemon", "start").ok();
}

#[test]
fn operations_that_are_not_served_start_nothing() {
    let lab = lab_with("#!/bin/sh\ntouch /run/called\nexit 1\n");
    for operation in NOT_SERVED {
        call(&lab, "qemu", operation).ok();
    }
    for operation in ["start", "started", "stopped", "updated", "port-gone"] {
        call(&lab, "network", operation).ok();
    }
    for operation in ["shutdown", "reload"] {
        call(&lab, "daemon", operation).ok();
    }
    assert!(!lab.run("test -e /run/called").succeeded());
}

#[test]
fn at_a_start_the_caller_of_the_program_is_libvirt() {
    let lab = lab_with("#!/bin/sh\nps -o comm= -p $PPID >/run/parent\n");
    for operation in MAY_REFUSE {
        lab.ok(&format!(
            "bash -c '/etc/libvirt/hooks/qemu.d/50-vmhook vm {operation} begin -; :'"
        ));
        assert_eq!(
            lab.read("/run/parent"),
            "bash\n",
            "{operation}: no shell in between"
        );
    }
}
