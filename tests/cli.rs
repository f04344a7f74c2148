//! `vmhook` as an operator meets it: what needs no root runs here as an ordinary user.
#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::unwrap_used,
    reason = "these tests run a program on files of their own, and helpers are tests too"
)]

use std::fs::{self, Permissions};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tempfile::TempDir;

const CASES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/cases");
const NOBODY: u32 = 65534;

/// A program that is being written cannot be run, and a process that is being started holds the
/// files open that others write: one at a time.
static ALONE: Mutex<()> = Mutex::new(());

fn alone() -> MutexGuard<'static, ()> {
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// An ordinary user with a copy of the program, a configuration and a domain.
struct User {
    folder: TempDir,
}

/// How the program ended.
#[derive(Debug)]
struct Ended {
    code: i32,
    out: String,
    err: String,
}

impl User {
    /// The user with the files of a case.
    fn with(case: &str) -> Self {
        let folder = TempDir::new().unwrap();
        let user = Self { folder };
        user.put(env!("CARGO_BIN_EXE_vmhook"), "vmhook", 0o755);
        for file in ["vmhook.toml", "domain.xml"] {
            user.put(&format!("{CASES}/{case}/{file}"), file, 0o644);
        }
        fs::set_permissions(user.folder.path(), Permissions::from_mode(0o755)).unwrap();
        user
    }

    fn put(&self, from: &str, name: &str, mode: u32) {
        let _alone = alone();
        fs::copy(from, self.path(name)).unwrap();
        fs::set_permissions(self.path(name), Permissions::from_mode(mode)).unwrap();
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn configure(&self, text: &str) -> &Self {
        fs::write(self.path("vmhook.toml"), text).unwrap();
        self
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(self.path("vmhook"));
        command
            .args(arguments)
            .current_dir(self.folder.path())
            .env("VMHOOK_CONFIG_DIR", self.folder.path())
            .env("VMHOOK_STATE_DIR", self.path("state"))
            .uid(NOBODY)
            .gid(NOBODY)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    fn run(&self, arguments: &[&str]) -> Ended {
        Ended::of(spawn(&mut self.command(arguments)))
    }

    fn plan(&self, arguments: &[&str]) -> Ended {
        let plan = ["plan", "--xml", "domain.xml"];
        self.run(&[&plan, arguments].concat())
    }
}

impl Ended {
    fn of(child: Child) -> Self {
        let output = child.wait_with_output().unwrap();
        Self {
            code: output.status.code().unwrap(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    #[track_caller]
    fn with_code(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{self:#?}");
        self
    }
}

fn spawn(command: &mut Command) -> Child {
    let _alone = alone();
    command.spawn().unwrap()
}

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
fn a_right_configuration_is_told_in_a_few_lines() {
    let Ended { out, .. } = User::with("reference").run(&["check"]).with_code(0);
    for line in [
        "firewall                   chains neutron-linuxbri-…, with comments",
        "network selfservice        bridge brqc08e7dcd-4a, VNI 267, MTU 1450, to 172.16.0.32",
        "security group mysecurity  2 ingress rules, 1 egress rule",
        "port web1                  fa:16:3e:be:71:21, addresses 192.168.101.88, groups mysecurity",
    ] {
        assert!(out.lines().any(|it| it == line), "{line}\n{out}");
    }
    // Its tunnel end point is another host's: that is said, and is no error elsewhere.
    assert!(out.ends_with("the configuration is right, but not for this host: see above\n"));
}

#[test]
fn each_error_of_the_configuration_is_shown_with_its_place() {
    let user = User::with("refused-broken-network");
    let Ended { out, .. } = user.run(&["check"]).with_code(1);
    let report = "error: network.selfservice.vni: VNI 0 is outside 1 to 16777215\n --> ";
    assert!(out.starts_with(report), "{out}");
    assert!(
        out.contains("/vmhook.toml:7:7\n  |\n7 | vni = 0\n  |       ^\n"),
        "{out}"
    );
    assert!(out.ends_with("\n1 error\n"), "{out}");
}

#[test]
fn a_part_that_is_wrong_hides_nothing_of_the_rest() {
    let user = User::with("reference");
    user.configure("[network.a]\nvni = 0\n[port.b]\nmac = 5\n");
    let Ended { out, .. } = user.run(&["check"]).with_code(1);
    assert!(out.contains("error: network.a.vni: "), "{out}");
    assert!(out.contains("error: port.b.mac: "), "{out}");
    assert!(out.contains("network a               broken: "), "{out}");
    assert!(
        out.contains("security group default  1 ingress rule, 1 egress rule"),
        "{out}"
    );
}

#[test]
fn two_ports_with_one_address_are_a_note_unless_their_networks_keep_them_apart() {
    let port = |name: &str, mac: u8, network: &str| {
        format!(
            "[port.{name}]\nmac = \"52:54:00:00:00:0{mac}\"\nfixed_ips = [\"192.0.2.1\"]\n{network}\n"
        )
    };
    let network = |name: &str, vni: u8| {
        format!("[network.{name}]\nid = \"{name}\"\ntype = \"vxlan\"\nvni = {vni}\nmtu = 1450\n")
    };
    let config = network("x", 1) + &network("y", 2) + &port("a", 1, "network = \"x\"");
    let note = "note: ports a and b both have 192.0.2.1\n";
    for (other, noted) in [
        ("", true),
        ("network = \"x\"", true),
        ("network = \"y\"", false),
    ] {
        let user = User::with("reference");
        user.configure(&(config.clone() + &port("b", 2, other)));
        let Ended { out, .. } = user.run(&["check"]);
        assert_eq!(out.contains(note), noted, "{other}: {out}");
    }
}

#[test]
fn a_configuration_that_is_not_there_is_exit_code_2() {
    let user = User::with("reference");
    let nowhere = ["--config-dir", "/nonexistent", "check"];
    let Ended { err, .. } = user.run(&nowhere).with_code(2);
    assert_eq!(
        err,
        "vmhook: /nonexistent/vmhook.toml: there is no such file; `vmhook setup` puts an example, \
         vmhook.toml.example, into /etc/vmhook\n"
    );
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

/// Right, and seldom meant, beside the reference.
const SELDOM_MEANT: &str = r#"
[address_group.offices]
addresses = []
[security_group.default]
members = ["10.1.2.3/8", "0.0.0.0/0"]
[security_group.web]
stateful = false
ingress = [{ protocol = "tcp", port = 80, remote_group = "web" }]
[port.web8]
mac = "fa:16:3e:00:00:08"
network = "selfservice"
fixed_ips = ["192.168.101.8"]
security_groups = ["web", "mysecurity"]
[port.balancer]
mac = "fa:16:3e:00:00:0a"
fixed_ips = []
security_groups = ["web"]
device_owner = "neutron:LOADBALANCERV2"
[port.silent]
mac = "fa:16:3e:00:00:09"
fixed_ips = []
security_groups = []
"#;

#[test]
fn what_is_right_and_seldom_meant_is_noted_and_no_error() {
    let user = User::with("reference");
    let reference = fs::read_to_string(user.path("vmhook.toml")).unwrap();
    user.configure(&format!("{reference}{SELDOM_MEANT}"));
    let Ended { out, .. } = user.run(&["check"]).with_code(0);
    for words in [
        "note: address_group.offices.addresses: no address: a rule that names this group allows nothing",
        "note: security_group.default.members[0]: 10.1.2.3/8 has host bits: it is read as 10.0.0.0/8",
        "note: security_group.default.members[1]: 0.0.0.0/0 is every address of its family",
        "note: port web8 is in group web, which rules name as remote group: ",
        "note: port web8 has stateful and stateless groups: its first, web, decides for all",
        "note: port balancer has a stateless group and a device_owner of \"neutron:…\": all its packets \
         are tracked",
    ] {
        assert!(out.contains(words), "{words}\n{out}");
    }
    for (name, words) in [
        ("address group offices", "no address"),
        // Its rules are the built-in ones: it says nothing of them.
        (
            "security group default",
            "1 ingress rule, 1 egress rule, 2 members elsewhere",
        ),
        (
            "security group web ",
            "1 ingress rule, 0 egress rules, stateless",
        ),
        (
            "port silent",
            "fa:16:3e:00:00:09, addresses any, no groups: no packet",
        ),
    ] {
        let line = out.lines().find(|line| line.starts_with(name));
        assert!(
            line.is_some_and(|line| line.ends_with(words)),
            "{words}\n{out}"
        );
    }
    assert!(!out.contains("is in group default"), "{out}");
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
