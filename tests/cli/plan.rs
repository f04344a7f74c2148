//! `vmhook plan`.

use super::*;

fn expected(case: &str, file: &str) -> String {
    fs::read_to_string(Path::new(CASES).join(case).join(file)).unwrap()
}

/// Runs a text through `sh -n`, which reads and runs nothing.
fn is_a_script(text: &str) -> bool {
    let mut shell = spawn(Command::new("sh").arg("-n").stdin(Stdio::piped()));
    let mut input = shell.stdin.take().unwrap();
    input.write_all(text.as_bytes()).unwrap();
    drop(input);
    shell.wait().unwrap().success()
}

#[test]
fn each_call_is_planned_as_the_cases_say() {
    let user = User::with("reference");
    for event in ["prepare", "start", "stopped", "release"] {
        let Ended { out, err, .. } = user.plan(&["--event", event]).with_code(0);
        let (head, plan) = out.split_once(&format!("\n# {event}\n")).unwrap();
        assert_eq!(plan, expected("reference", &format!("{event}.txt")));
        assert!(head.lines().all(|line| line.starts_with("# ")), "{head}");
        assert_eq!(err, "");
    }
}

#[test]
fn without_an_event_a_plan_is_of_prepare_and_start() {
    let Ended { out, .. } = User::with("reference").plan(&[]).with_code(0);
    let (_, plans) = out.split_once("\n# prepare\n").unwrap();
    let (prepare, start) = plans.split_once("\n# start\n").unwrap();
    assert_eq!(prepare, expected("reference", "prepare.txt"));
    assert_eq!(start, expected("reference", "start.txt"));
    assert!(is_a_script(&out));
}

#[test]
fn a_plan_says_what_it_takes_for_granted() {
    let Ended { out, .. } = User::with("reference").plan(&[]).with_code(0);
    for line in [
        "# vmhook plan: domain instance-0000000d",
        "# assumed: eth0 is up with local_ip 172.16.0.31 and MTU 1500",
        "# assumed: libvirt has made tap tap7a8c0a54-75 with MTU 1450 on brqc08e7dcd-4a",
    ] {
        assert!(out.lines().any(|it| it == line), "{line}\n{out}");
    }
}

#[test]
fn a_port_of_which_less_is_checked_is_named_with_who_says_so() {
    let user = User::with("reference");
    let reference = fs::read_to_string(user.path("vmhook.toml")).unwrap();
    let groups = "security_groups = [\"mysecurity\"]";
    assert!(reference.contains(groups));
    for (lines, plan, check) in [
        (
            "port_security = false",
            "not filtered ([port.web1])",
            ", not filtered",
        ),
        (
            "trusted = true",
            "not filtered (trusted) ([port.web1])",
            ", not filtered (trusted)",
        ),
        (
            "hardened = false",
            "filtered, not hardened ([port.web1])",
            ", not hardened",
        ),
    ] {
        user.configure(&reference.replace(groups, lines));
        let Ended { out, .. } = user.plan(&[]).with_code(0);
        let line = format!("# interface fa:16:3e:be:71:21 is {plan}");
        assert!(out.lines().any(|it| it == line), "{line}\n{out}");
        let Ended { out, .. } = user.run(&["check"]).with_code(0);
        let port = out.lines().find(|it| it.starts_with("port web1"));
        assert!(port.is_some_and(|it| it.ends_with(check)), "{out}");
    }
}

#[test]
fn a_plan_reads_standard_input_too() {
    let user = User::with("reference");
    let mut command = user.command(&["plan", "--xml", "-", "--event", "prepare"]);
    command.stdin(fs::File::open(user.path("domain.xml")).unwrap());
    let Ended { out, .. } = Ended::of(spawn(&mut command)).with_code(0);
    assert!(out.ends_with(&expected("reference", "prepare.txt")));
}

#[test]
fn a_plan_leaves_nothing_behind() {
    let user = User::with("reference");
    user.plan(&[]).with_code(0);
    assert!(!user.path("state").exists());
}

#[test]
fn a_tap_that_libvirt_would_name_is_given() {
    let user = User::with("auto-named-tap");
    let Ended { out, .. } = user.plan(&["--event", "prepare"]).with_code(0);
    assert!(out.ends_with(&expected("auto-named-tap", "prepare.txt")));

    let Ended { out, err, .. } = user.plan(&["--event", "start"]).with_code(1);
    assert_eq!(out, "", "half a script");
    assert!(err.contains("give one with --tap fa:16:3e:be:71:21=NAME"));

    let given = ["--event", "start", "--tap", "fa:16:3e:be:71:21=vnet7"];
    let Ended { out, .. } = user.plan(&given).with_code(0);
    assert!(out.ends_with(&expected("auto-named-tap", "start.txt")));
}

#[test]
fn a_refusal_is_one_line_and_exit_code_1() {
    let user = User::with("refused-unknown-security-group");
    let Ended { err, .. } = user.plan(&[]).with_code(1);
    let refusal = expected("refused-unknown-security-group", "refusal.txt");
    assert_eq!(err, format!("vmhook: {refusal}"));
}

#[test]
fn a_domain_that_is_none_of_ours_has_an_empty_plan() {
    let Ended { out, .. } = User::with("no-interface-of-ours").plan(&[]).with_code(0);
    assert!(out.contains("no interface on a managed bridge: nothing is run"));
}

#[test]
fn a_bridge_that_may_be_a_slip_is_named_with_those_that_are_managed() {
    let user = User::with("reference");
    let domain = fs::read_to_string(user.path("domain.xml")).unwrap();
    let slip = domain.replace("brqc08e7dcd-4a", "brqc08e7dcd-4b");
    assert_ne!(slip, domain);
    fs::write(user.path("domain.xml"), slip).unwrap();
    let Ended { out, .. } = user.plan(&[]).with_code(0);
    let line = "# bridge brqc08e7dcd-4b is no network's; did you mean \"brqc08e7dcd-4a\"? (the networks' \
                bridges are brqc08e7dcd-4a)";
    assert!(out.lines().any(|it| it == line), "{out}");
}
