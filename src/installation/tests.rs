//! Laws of the plan of files. That the boundary does what it says: `tests/install`.

use super::file::is_stamped;
use super::*;

const STUB: &str = "/etc/libvirt/hooks/qemu.d/50-vmhook";
const ASIDE: &str = "/etc/libvirt/hooks/50-vmhook.qemu.changed";

fn file(content: &[u8], mode: u32) -> Found {
    Found::File {
        content: content.to_vec(),
        mode,
        owner: 0,
    }
}

/// What is there after an installation.
fn installed() -> Scene {
    let mut scene = Scene::default();
    for folder in Scene::folders() {
        let found = Found::Folder { mode: 0o755 };
        scene.places.insert(folder.to_owned(), found);
    }
    for own in STUBS.iter().chain([&EXAMPLE]) {
        let found = file(own.text().as_bytes(), own.mode());
        scene.places.insert(own.path.to_owned(), found);
    }
    scene
}

fn installed_but(path: &str, found: Found) -> Scene {
    let mut scene = installed();
    scene.places.insert(path.to_owned(), found);
    scene
}

/// What is really done.
fn done(steps: Vec<Step>) -> Vec<Step> {
    let is_done = |step: &Step| !matches!(step, Step::Already(_) | Step::Keep(..));
    steps.into_iter().filter(is_done).collect()
}

#[test]
fn an_installation_that_stands_needs_nothing() {
    assert_eq!(done(to_set_up(&installed())), []);
}

#[test]
fn on_an_empty_host_the_folders_come_first_and_the_stubs_last() {
    let steps = to_set_up(&Scene::default());
    let folders = Scene::folders().map(|path| Step::MakeFolder(path.to_owned()));
    assert_eq!(steps[..6], folders);
    assert_eq!(steps[6], Step::Write(EXAMPLE));
    assert_eq!(steps[7..], STUBS.map(Step::Write));
}

#[test]
fn a_stub_that_is_damaged_or_anothers_is_written_anew() {
    let text = STUBS[0].text();
    let elses = Found::File {
        content: text.clone().into_bytes(),
        mode: 0o755,
        owner: 1000,
    };
    for found in [
        file(b"", 0o755),
        file(&text.as_bytes()[..100], 0o755),
        file(text.as_bytes(), 0o644),
        file(text.as_bytes(), 0o777),
        elses,
        Found::Other,
        Found::Absent,
    ] {
        let steps = done(to_set_up(&installed_but(STUB, found.clone())));
        assert_eq!(steps, [Step::Write(STUBS[0])], "{found:?}");
    }
}

#[test]
fn what_somebody_has_changed_is_set_aside_by_both() {
    let text = STUBS[0].text().replace("exec ", "logger hook; exec ");
    let scene = installed_but(STUB, file(text.as_bytes(), 0o755));
    let aside = Step::SetAside {
        from: STUB.to_owned(),
        to: ASIDE.to_owned(),
    };
    let steps = done(to_set_up(&scene));
    assert_eq!(steps, [aside.clone(), Step::Write(STUBS[0])]);
    let steps = to_remove(&scene);
    assert_eq!(steps[..2], [aside, Step::Remove(STUB.to_owned())]);
}

#[test]
fn a_changed_example_stays_with_both() {
    let text = EXAMPLE.text() + "# my notes\n";
    let scene = installed_but(EXAMPLE.path, file(text.as_bytes(), 0o644));
    for steps in [to_set_up(&scene), to_remove(&scene)] {
        let kept = |step: &Step| matches!(step, Step::Keep(path, _) if path == EXAMPLE.path);
        assert!(steps.iter().any(kept), "{steps:?}");
        let touched = |step: &Step| *step == Step::Write(EXAMPLE);
        assert!(!steps.iter().any(touched), "{steps:?}");
    }
}

#[test]
fn another_versions_file_is_known_by_its_sum_and_replaced() {
    let body = "#!/bin/sh\n# an older stub\n";
    let text = format!(
        "{body}# vmhook setup wrote this; sum {:016x}\n",
        crate::model::fnv1a(body.as_bytes())
    );
    let scene = installed_but(STUB, file(text.as_bytes(), 0o755));
    assert_eq!(done(to_set_up(&scene)), [Step::Write(STUBS[0])]);
}

#[test]
fn no_change_of_a_single_byte_leaves_the_sum_right() {
    let text = STUBS[0].text().into_bytes();
    assert!(is_stamped(&text));
    for at in 0..text.len() {
        let mut changed = text.clone();
        changed[at] ^= 1;
        assert!(!is_stamped(&changed), "byte {at}");
    }
}

#[test]
fn an_executable_leftover_goes_if_it_is_ours_and_is_disarmed_else() {
    let ours = STUBS[0].text();
    for name in [
        ".50-vmhook",
        "50-vmhook~",
        "50-vmhook.dpkg-old",
        "#50-vmhook#",
        ".50-vmhook.swp",
    ] {
        let path = format!("/etc/libvirt/hooks/qemu.d/{name}");
        let scene = installed_but(&path, file(ours.as_bytes(), 0o755));
        assert_eq!(done(to_set_up(&scene)), [Step::Remove(path.clone())]);
        let scene = installed_but(&path, file(b"#!/bin/sh\nexit 1\n", 0o755));
        assert_eq!(done(to_set_up(&scene)), [Step::Disarm(path.clone(), 0o644)]);
        let scene = installed_but(&path, file(b"#!/bin/sh\nexit 1\n", 0o644));
        assert_eq!(done(to_set_up(&scene)), [], "libvirt does not run it");
    }
}

#[test]
fn the_operators_own_hooks_are_left_alone() {
    for name in [
        "10-mine",
        "50-vmhook-mine",
        "51-vmhook",
        "50-vmhook.sh",
        "mine~",
    ] {
        let path = format!("/etc/libvirt/hooks/qemu.d/{name}");
        let scene = installed_but(&path, file(b"#!/bin/sh\n", 0o755));
        assert_eq!(done(to_set_up(&scene)), [], "{name}");
        let touched = to_remove(&scene);
        assert!(!touched.contains(&Step::Remove(path)), "{name}");
    }
}

#[test]
fn a_folder_into_which_others_may_write_is_protected() {
    let scene = installed_but("/etc/libvirt/hooks/qemu.d", Found::Folder { mode: 0o777 });
    let protect = Step::Protect("/etc/libvirt/hooks/qemu.d".to_owned(), 0o755);
    assert_eq!(done(to_set_up(&scene)), [protect]);
    let scene = installed_but(HOOKS, Found::Folder { mode: 0o700 });
    assert_eq!(done(to_set_up(&scene)), [], "a closed one stays closed");
}

#[test]
fn debians_profile_lets_libvirt_run_hooks_and_one_without_that_rule_does_not() {
    let debians = "profile libvirtd /usr/sbin/libvirtd {\n  /usr/bin/* PUx,\n  \
                   /etc/libvirt/hooks/** rmix,\n}\n";
    assert!(!keeps_hooks_from_running(debians));
    let without = debians.replace("rmix", "r");
    assert!(keeps_hooks_from_running(&without));
    let commented = debians.replace("  /etc", "  # /etc");
    assert!(keeps_hooks_from_running(&commented));
}
