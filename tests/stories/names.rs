//! A guest may be called anything that libvirt takes.

use super::reference::assert_filter_tables_are_neutrons;
use super::{BRIDGE, CONFIG, MAC, TAP, host};
use crate::support::{DomainSpec, Guest, Lab, Nic};

/// Legal names that somebody between libvirt and the kernel might misread: quotes and XML, an option,
/// commands of a shell, a format, a line that writes over another, a hidden file with the longest
/// name that libvirt's own files leave room for.
fn names() -> [String; 7] {
    [
        "a guest's \"name\" & <b>&amp;".to_owned(),
        "日本語".to_owned(),
        "--help".to_owned(),
        "-v %n{}\\".to_owned(),
        "$(reboot); `reboot`".to_owned(),
        "over\rwritten\tby".to_owned(),
        format!(".{}", "n".repeat(200)),
    ]
}

#[test]
fn a_guest_of_any_name_lives_as_any_other() {
    let lab = host(CONFIG);
    let journal = lab.journal();
    let before = lab.dump();
    for name in names() {
        let nic = Nic::on_bridge(BRIDGE, MAC).target(TAP).mtu(1450);
        let mut guest = lab.define(&DomainSpec::new(&name).nic(nic));
        assert_refused_in_one_line(&lab, &mut guest, &name);

        guest.start_paused().ok();
        assert_filter_tables_are_neutrons(&lab);
        assert_inspected(&lab, &name, "runs");
        let uuid = guest.virsh("domuuid").ok();
        let records = lab.ok("cd /run/vmhook; find . -type f | sort");
        let expected = [
            &format!("./domains/{}", uuid.trim()),
            "./host",
            "./index",
            "./networks/c08e7dcd-4acb-4cd0-ad08-ebd3b48467ee",
        ];
        assert_eq!(records.lines().collect::<Vec<_>>(), expected, "{name:?}");
        guest.destroy();
        assert_inspected(&lab, &name, "is shut off");
        lab.assert_unchanged_since(&before);

        let said = journal.entries();
        assert!(!said.is_empty(), "{name:?}");
        for entry in said {
            let message = &entry["MESSAGE"];
            assert!(!message.contains(char::is_control), "{message:?}");
            assert!(entry.contains_key("PRIORITY"), "{entry:?}");
        }
        guest.virsh("undefine").ok();
    }
}

/// With a configuration that does not serve it, `virsh start` shows one line that names it.
#[track_caller]
fn assert_refused_in_one_line(lab: &Lab, guest: &mut Guest<'_>, name: &str) {
    lab.configure(&CONFIG.replace(r#"["mysecurity"]"#, r#"["web"]"#));
    let refused = guest.start_paused();
    lab.configure(CONFIG);
    let (_, said) = refused
        .err
        .split_once("unexpected exit status 1: ")
        .unwrap_or_else(|| panic!("not a hook's refusal: {refused:#?}"));
    let line = said.strip_suffix("\n\n").unwrap_or(said);
    assert!(!line.contains(char::is_control), "{refused:#?}");
    assert!(line.contains(&printable(name)), "{refused:#?}");
}

/// `vmhook inspect` finds it by its name, and all is well.
#[track_caller]
fn assert_inspected(lab: &Lab, name: &str, state: &str) {
    let told = lab.command(&["vmhook", "inspect", "--", name]).ok();
    let head = told.lines().next().unwrap_or_default();
    let name = printable(name);
    assert!(head.starts_with(&format!("domain {name} ")), "{told}");
    assert!(head.ends_with(&format!(", {state}")), "{told}");
}

fn printable(name: &str) -> String {
    name.replace(char::is_control, "?")
}
