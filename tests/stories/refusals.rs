//! A start that vmhook refuses: the operator reads why, and nothing is left.

use super::{BRIDGE, CONFIG, MAC, OTHER_PEOPLES, TAP, host, web1};
use crate::support::Outcome;

/// `virsh start` failed, and what our hook said is one line.
#[track_caller]
fn assert_refused(start: &Outcome, line: &str) {
    assert_eq!(start.code, 1, "{start:#?}");
    let (_, said) = start
        .err
        .split_once("unexpected exit status 1: ")
        .unwrap_or_else(|| panic!("not a hook's refusal: {start:#?}"));
    assert_eq!(said.trim_end(), line);
}

#[test]
fn an_unknown_security_group_is_told_in_one_line_of_virsh() {
    let lab = host(&CONFIG.replace(
        r#"security_groups = ["mysecurity"]"#,
        r#"security_groups = ["web"]"#,
    ));
    lab.ok(OTHER_PEOPLES);
    let before = lab.dump();
    let mut web1 = lab.define(&web1());

    assert_refused(
        &web1.start(),
        "vmhook: domain web1, interface fa:16:3e:be:71:21: port.web1.security_groups[0]: \
         no security group is named \"web\" (/etc/vmhook/vmhook.toml:24)",
    );
    assert_eq!(web1.state(), "shut off");
    lab.assert_unchanged_since(&before);

    lab.configure(CONFIG);
    web1.start().ok();
}

#[test]
fn a_tap_that_is_not_where_it_must_be_is_refused_before_the_guest_runs() {
    let lab = host(CONFIG);
    let before = lab.dump();
    lab.install_script(
        "qemu.d/40-mischief",
        &format!("#!/bin/sh\n[ \"$2\" != start ] || ip link set {TAP} nomaster\n"),
    );
    let mut web1 = lab.define(&web1());

    assert_refused(
        &web1.start(),
        &format!(
            "vmhook: domain web1, interface {MAC}: its tap {TAP} is on no bridge, not on {BRIDGE}"
        ),
    );
    assert_eq!(web1.state(), "shut off");
    lab.ok("rm /etc/libvirt/hooks/qemu.d/40-mischief");
    lab.assert_unchanged_since(&before);
}
