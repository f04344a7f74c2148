//! The Debian package: what it holds, and what becomes of guests while it comes and goes.
//!
//! `scripts/deb test` builds two versions of it, which dpkg installs into a lab. Triggers of other
//! packages do not run: they would work on this host's caches.

mod support;

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};

use support::{DomainSpec, Guest, Lab, Nic, Outcome};

const CONFIG: &str = include_str!("../docs/example.toml");
const ADDRESS: &str = "192.168.101.88";

/// The earlier version and the later one.
const FIRST: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/target/debian-test/1.deb");
const SECOND: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/target/debian-test/2.deb");

/// A host on which packages can be installed.
fn host() -> Lab {
    let lab = Lab::new();
    lab.command(&[
        concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/lab"),
        "packages",
    ])
    .ok();
    for package in [FIRST, SECOND] {
        let there = lab.command(&["test", "-e", package]).succeeded();
        assert!(there, "{package} is missing: scripts/deb test builds it");
    }
    lab
}

/// Waits until somebody writes a line that contains a text into a file of the lab.
#[track_caller]
fn wait_for_line(lab: &Lab, path: &str, text: &str) {
    let wait = r#"touch "$0"; grep -q -m 1 -F -e "$1" < <(exec tail -n +1 -f "$0")"#;
    lab.command(&["bash", "-c", wait, path, text]).ok();
}

fn dpkg(lab: &Lab, arguments: &str) -> Outcome {
    lab.run(&format!("dpkg --no-triggers {arguments} 2>&1"))
}

/// Every file where a package puts some, with its mode.
fn files(lab: &Lab) -> BTreeSet<String> {
    let found = lab.ok("find /etc /usr /var/lib/dpkg/info -printf '%M %p\\n'");
    found.lines().map(str::to_owned).collect()
}

/// The files of the installed package.
fn packaged(lab: &Lab) -> Vec<String> {
    let listed = lab
        .ok("dpkg -L vmhook | while read -r path; do [ -d $path ] || stat -c '%a %n' $path; done");
    let mut files: Vec<String> = listed.lines().map(str::to_owned).collect();
    files.sort_by_key(|line| line.split_once(' ').map(|(_, path)| path.to_owned()));
    files
}

#[test]
fn it_holds_programs_pages_completions_and_what_puts_flushed_rules_back() {
    let lab = host();
    dpkg(&lab, &format!("-i {FIRST}")).ok();
    let files = packaged(&lab);
    let but_docs: Vec<&str> = files
        .iter()
        .map(String::as_str)
        .filter(|line| !line.contains("/man1/vmhook-") && !line.contains(".md"))
        .collect();
    assert_eq!(
        but_docs,
        [
            "755 /usr/bin/vmhook",
            "755 /usr/bin/vmhook-event",
            "644 /usr/lib/systemd/system/netfilter-persistent.service.d/50-vmhook.conf",
            "644 /usr/lib/systemd/system/nftables.service.d/50-vmhook.conf",
            "644 /usr/share/bash-completion/completions/vmhook",
            "644 /usr/share/doc/vmhook/changelog.Debian.gz",
            "644 /usr/share/doc/vmhook/copyright",
            "644 /usr/share/doc/vmhook/examples/vmhook.cil",
            "644 /usr/share/doc/vmhook/examples/vmhook.toml",
            "644 /usr/share/fish/vendor_completions.d/vmhook.fish",
            "644 /usr/share/man/man1/vmhook.1.gz",
            "644 /usr/share/man/man8/vmhook-event.8.gz",
            "644 /usr/share/zsh/vendor-completions/_vmhook",
        ],
        "no file of dpkg's is where libvirt runs what it finds"
    );
    // Not every machine has this service.
    let persistent = "[Service]\nType=oneshot\nExecStart=/bin/true\n";
    lab.write(
        "/etc/systemd/system/netfilter-persistent.service",
        persistent,
    );
    for service in ["nftables", "netfilter-persistent"] {
        let read = lab.run(&format!("systemd-analyze verify {service}.service"));
        assert_eq!(read.err, "", "systemd has nothing to complain about");
    }
    lab.ok("bash -n /usr/share/bash-completion/completions/vmhook");
    assert!(lab.ok("vmhook --version").starts_with("vmhook "));
}

#[test]
fn every_subcommand_has_a_page_that_says_what_its_help_says() {
    let lab = host();
    dpkg(&lab, &format!("-i {FIRST}")).ok();
    let help = lab.ok("vmhook --help");
    let listed = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    let names: Vec<&str> = listed
        .take_while(|line| !line.is_empty())
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| *name != "help")
        .collect();
    assert!(names.contains(&"sync"), "{help}");
    for command in names {
        let page = page(&lab, &format!("man1/vmhook-{command}.1"));
        let help = lab.ok(&format!("vmhook {command} -h"));
        let first = help.lines().next().expect("a line");
        assert!(page.contains(first), "{command}: {first}\n{page}");
    }
    for file in ["man1/vmhook.1", "man8/vmhook-event.8"] {
        let page = page(&lab, file);
        assert!(page.contains("SEE ALSO"), "{page}");
    }
}

/// A man page as it is read, in one line. groff finds nothing to complain about.
fn page(lab: &Lab, file: &str) -> String {
    let read =
        format!("zcat /usr/share/man/{file}.gz | groff -man -ww -Tascii -P-c -P-b -P-u -rLL=2000n");
    let outcome = lab.run(&read);
    assert_eq!(outcome.err, "", "{file}");
    outcome
        .ok()
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
}

#[test]
fn it_is_built_without_failures_on_demand() {
    let lab = host();
    dpkg(&lab, &format!("-i {FIRST}")).ok();
    let faulty = "VMHOOK_FAULT=none-that-exists";
    let packaged = lab.run(&format!(
        "{faulty} /usr/bin/vmhook-event daemon - start - start </dev/null"
    ));
    assert_eq!((packaged.err.as_str(), packaged.code), ("", 0));
    let tests = env!("CARGO_BIN_EXE_vmhook-event");
    let tests = lab.run(&format!(
        "{faulty} {tests} daemon - start - start </dev/null"
    ));
    assert!(
        tests.err.contains("panicked"),
        "what tests run has them: {tests:?}"
    );
}

#[test]
fn a_guest_notices_neither_an_upgrade_nor_a_removal_and_a_purge_leaves_nothing() {
    let lab = host();
    lab.join_peer();
    lab.install_script("daemon.d/60-note", "#!/bin/sh\necho $2 >>/run/daemon\n");
    lab.start_libvirtd();
    let (files_before, before) = (files(&lab), lab.dump());

    dpkg(&lab, &format!("-i {FIRST}")).ok();
    wait_for_line(&lab, "/run/daemon", "reload");
    lab.configure(&format!("{CONFIG}{SECOND_PORT}"));
    let (mut web1, web2) = (lab.define(&guest(1)), lab.define(&guest(2)));
    let installed = lab.dump();
    web1.boot();
    web1.sh("echo booted once >/tmp/lived").ok();
    let record = lab.ok("cat /run/vmhook/domains/*");
    flush_as_nftables_service_does(&lab);
    assert_all_is_there(&lab);

    let pings = Pings::start(&lab);
    upgrade_while_it_starts(&lab, web2);
    assert_eq!(lab.ok("cat /run/vmhook/domains/*"), record);
    assert_all_is_there(&lab);

    let said = dpkg(&lab, "-r vmhook").ok();
    assert!(said.contains("web1"), "it says who keeps rules: {said}");
    assert_eq!(lab.ok("ls -A /etc/libvirt/hooks/*.d"), "60-note\n");
    dpkg(&lab, &format!("-i {SECOND}")).ok();
    pings.assert_none_lost();
    assert_eq!(web1.sh("cat /tmp/lived").ok(), "booted once\n");

    web1.destroy();
    lab.assert_unchanged_since(&installed);
    lab.ok("virsh undefine web1; virsh undefine web2");
    dpkg(&lab, "-P vmhook").ok();
    lab.assert_unchanged_since(&before);
    let after = files(&lab);
    let differing: Vec<_> = after.symmetric_difference(&files_before).collect();
    assert!(differing.is_empty(), "{differing:#?}");
}

const SECOND_PORT: &str = r#"
[port.web2]
mac = "fa:16:3e:be:71:22"
fixed_ips = ["192.168.101.89"]
security_groups = ["mysecurity"]
"#;

/// The guest of one of the two ports.
fn guest(number: u8) -> DomainSpec {
    let nic = Nic::on_bridge("brqc08e7dcd-4a", &format!("fa:16:3e:be:71:2{number}"));
    let address = format!("192.168.101.{}/24", 87 + number);
    DomainSpec::new(&format!("web{number}")).nic(nic.mtu(1450).address(&address))
}

/// No systemd runs here, so this is what it would do at a restart of nftables.service, which is
/// `ProtectSystem=full`: the flush, and what the package adds.
fn flush_as_nftables_service_does(lab: &Lab) {
    const ADDED: &str = "/usr/lib/systemd/system/nftables.service.d/50-vmhook.conf";
    lab.ok("nft flush ruleset");
    lab.ok(&format!(
        "unshare --mount sh -e -c '
            mount -o remount,bind,ro /usr
            mount -o remount,bind,ro /etc
            eval \"$(sed -n s/^ExecStartPost=-//p {ADDED})\"'"
    ));
}

#[track_caller]
fn assert_all_is_there(lab: &Lab) {
    let inspected = lab.ok("vmhook inspect web1");
    assert!(inspected.contains("as they were applied"), "{inspected}");
}

/// dpkg replaces the programs while libvirt starts them: a guest starts and stops until it is done.
fn upgrade_while_it_starts(lab: &Lab, mut guest: Guest<'_>) {
    let upgraded = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let starts = scope.spawn(|| {
            let mut starts = 0;
            while starts == 0 || !upgraded.load(Ordering::Relaxed) {
                guest.start().ok();
                guest.destroy();
                starts += 1;
            }
        });
        let upgrade = dpkg(lab, &format!("-i {SECOND}"));
        upgraded.store(true, Ordering::Relaxed);
        upgrade.ok();
        starts.join().expect("every start succeeds");
    });
    let version = lab.ok("dpkg-query -W -f '${Version}' vmhook");
    assert!(version.ends_with("-test2"), "{version}");
}

/// The other host pings the guest, twenty times a second.
struct Pings<'lab>(&'lab Lab);

impl<'lab> Pings<'lab> {
    fn start(lab: &'lab Lab) -> Self {
        let pings = Self(lab);
        let ping = format!("exec setsid ping -n -i 0.05 {ADDRESS} >/run/pings 2>&1 </dev/null &");
        lab.peer().run(&ping).ok();
        pings.wait_for(1);
        pings
    }

    fn wait_for(&self, number: usize) {
        wait_for_line(self.0, "/run/pings", &format!(" icmp_seq={number} ttl="));
    }

    /// Everything up to now and a little further is answered.
    fn assert_none_lost(self) {
        let last = self.answered().last().copied().unwrap_or(0) + 10;
        self.wait_for(last);
        let answered = self.answered();
        let missing: Vec<_> = (1..=last)
            .filter(|number| !answered.contains(number))
            .collect();
        assert!(missing.is_empty(), "of {last}: {missing:?}");
    }

    fn answered(&self) -> BTreeSet<usize> {
        let said = self.0.read("/run/pings");
        let numbers = said.lines().filter(|line| line.contains(" bytes from "));
        let numbers = numbers.filter_map(|line| line.split_once("icmp_seq=")?.1.split(' ').next());
        numbers.filter_map(|number| number.parse().ok()).collect()
    }
}
