//! The command itself: arguments, exit codes, output.

use super::*;

#[test]
fn what_cannot_be_read_is_exit_code_2_and_names_the_file() {
    let user = User::with("reference");
    let Ended { err, .. } = user.run(&["plan", "--xml", "nowhere.xml"]).with_code(2);
    assert!(err.starts_with("vmhook: nowhere.xml: "), "{err}");
    let Ended { err, .. } = user.run(&["plan", "--xml", "vmhook.toml"]).with_code(2);
    assert!(err.starts_with("vmhook: vmhook.toml: "), "{err}");
}

#[test]
fn wrong_arguments_are_exit_code_2() {
    let user = User::with("reference");
    for arguments in [
        &[][..],
        &["paln"],
        &["plan"],
        &["plan", "--xml", "domain.xml", "--event", "reconnect"],
        &["plan", "--xml", "domain.xml", "--tap", "fa:16:3e:be:71:21"],
        &[
            "plan",
            "--xml",
            "domain.xml",
            "--tap",
            "fa:16:3e:be:71:21=a+",
        ],
        &["inspect"],
        &["inspect", "web1", "--xml", "domain.xml"],
        &["--color", "sometimes", "check"],
    ] {
        let Ended { out, err, .. } = user.run(arguments).with_code(2);
        assert_eq!(out, "", "{arguments:?}");
        assert!(err.contains("Usage: ") || err.contains("--help"), "{err}");
    }
}

#[test]
fn help_names_every_command() {
    let Ended { out, .. } = User::with("reference").run(&["--help"]).with_code(0);
    for command in ["plan", "check", "inspect", "sync"] {
        assert!(out.contains(&format!("\n  {command} ")), "{out}");
    }
    assert!(out.lines().all(|line| line.chars().count() <= 100), "{out}");
}

#[test]
fn what_looks_at_the_host_needs_root_and_says_so() {
    let user = User::with("reference");
    for (arguments, what) in [
        (&["sync"][..], "sync"),
        (&["inspect", "--xml", "domain.xml"], "inspect"),
        // Domains may be called so.
        (&["inspect", "--", "--help"], "inspect"),
        (&["inspect", "--", "--xml"], "inspect"),
        (
            &["plan", "--xml", "domain.xml", "--from-host"],
            "plan --from-host",
        ),
    ] {
        let Ended { err, .. } = user.run(arguments).with_code(2);
        assert_eq!(err, format!("vmhook: {what} needs root\n"));
    }
}

#[test]
fn colour_is_for_terminals_or_on_demand() {
    let user = User::with("reference");
    let Ended { out, .. } = user.run(&["check"]);
    assert!(!out.contains('\u{1b}'));
    let Ended { out, .. } = user.run(&["--color", "always", "check"]);
    assert!(out.contains("\u{1b}[1mhost"), "{out:?}");
}

#[test]
fn a_reader_that_has_read_enough_is_no_error() {
    let user = User::with("reference");
    let mut child = spawn(&mut user.command(&["plan", "--xml", "domain.xml"]));
    drop(child.stdout.take());
    let Ended { err, .. } = Ended::of(child).with_code(0);
    assert_eq!(err, "");
}
