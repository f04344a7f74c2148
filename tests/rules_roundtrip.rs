//! What the kernel gives back is what we wrote: both variants of iptables, both families.
//!
//! Needs root, `iptables` with its nft and legacy variants, `ipset`, and a kernel with both
//! interfaces; each test has a network namespace of its own, so nothing of the host changes.
#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::unwrap_used,
    reason = "a test of the kernel runs its programs"
)]

mod firewall_gen;
mod neutron;

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use firewall_gen::{SETS, filter_rules, hosts, of_network, raw_rules};
use nix::sched::{CloneFlags, unshare};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use vmhook::firewall::ipset::Sets;
use vmhook::firewall::iptables::{
    ChainPrefix, Changes, Observed, Options, Rule, Ruleset, diff, parse_save, repair,
};
use vmhook::model::Family;

/// One variant of iptables for one family, in a network namespace of its own.
#[derive(Debug)]
struct Iptables {
    variant: &'static str,
    family: Family,
}

impl Iptables {
    /// All four, one after the other, each in a fresh network namespace that has the sets which
    /// random rules name.
    fn each(test: impl Fn(&Self)) {
        for variant in ["nft", "legacy"] {
            for family in Family::BOTH {
                unshare(CloneFlags::CLONE_NEWNET).expect("this test needs root");
                for (set, family) in SETS {
                    let inet = if family == Family::Ipv4 {
                        "inet"
                    } else {
                        "inet6"
                    };
                    run("ipset", &["create", set, "hash:net", "family", inet], "");
                }
                test(&Self { variant, family });
            }
        }
    }

    fn program(&self, verb: &str) -> String {
        let family = match self.family {
            Family::Ipv4 => "iptables",
            Family::Ipv6 => "ip6tables",
        };
        format!("{family}-{}{verb}", self.variant)
    }

    /// `iptables ARGUMENTS`, split at spaces.
    fn command(&self, arguments: &str) {
        let arguments: Vec<_> = arguments.split(' ').collect();
        run(&self.program(""), &arguments, "");
    }

    fn restore(&self, text: &str) {
        run(&self.program("-restore"), &["--noflush", "--test"], text);
        run(&self.program("-restore"), &["--noflush"], text);
    }

    /// `iptables-save`, without the lines that hold the time.
    fn save(&self) -> Vec<String> {
        let text = run(&self.program("-save"), &[], "");
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        lines.map(str::to_owned).collect()
    }

    fn observe(&self) -> Observed {
        parse_save(&self.save().join("\n"), &ChainPrefix::default())
    }

    /// Applies the changes to what the kernel has, and sees that it then has what is wanted.
    fn becomes(&self, changes: &Changes, want: &Ruleset) {
        self.restore(&changes.restore_text());
        let observed = self.observe();
        assert_eq!(observed, Observed::from(want.clone()), "{self:?}");
        assert!(repair(&observed, want).is_empty(), "{self:?}");
    }

    /// Makes what the kernel has into what is wanted.
    fn make(&self, want: &Ruleset) {
        self.becomes(&repair(&self.observe(), want), want);
    }

    /// Takes all of ours away, and sees that only built-in chains are left.
    fn clear(&self) {
        self.make(&Ruleset::default());
        for line in self.save() {
            let built_in = line.starts_with(':') && line.ends_with(" ACCEPT [0:0]");
            assert!(
                built_in || line.starts_with('*') || line == "COMMIT",
                "{line}"
            );
        }
    }
}

fn run(program: &str, arguments: &[&str], input: &str) -> String {
    let child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let mut child = child.unwrap_or_else(|error| panic!("{program} is needed: {error}"));
    child
        .stdin
        .take()
        .unwrap()
        .write_all(input.as_bytes())
        .unwrap();
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "{program} {arguments:?}: {said}\n{input}"
    );
    String::from_utf8(output.stdout).unwrap()
}

fn check<T: std::fmt::Debug>(cases: u32, strategy: impl Strategy<Value = T>, test: impl Fn(T)) {
    let config = Config {
        cases,
        failure_persistence: None,
        ..Config::default()
    };
    let test = |value| {
        test(value);
        Ok(())
    };
    TestRunner::new(config).run(&strategy, test).unwrap();
}

/// The lines of these rules in a port's chain and in a raw chain, as a record has them.
fn in_chains(filter: &[Rule], raw: &[Rule]) -> Ruleset {
    let line = |chain: &'static str| move |rule: &Rule| format!("-A {chain} {rule}");
    let raw = raw.iter().map(line("neutron-linuxbri-OUTPUT"));
    let filter = filter.iter().map(line("neutron-linuxbri-i0123456789"));
    let texts = |text: &str| text.split('|').map(str::to_owned).collect::<Vec<_>>();
    let lines: Vec<_> = texts("*raw|:neutron-linuxbri-OUTPUT - [0:0]")
        .into_iter()
        .chain(raw)
        .chain(texts(
            "COMMIT|*filter|:neutron-linuxbri-sg-fallback - [0:0]",
        ))
        .chain(texts(":neutron-linuxbri-i0123456789 - [0:0]"))
        .chain(filter)
        .chain(texts("COMMIT"))
        .collect();
    lines.try_into().unwrap()
}

#[test]
fn every_rule_comes_back_in_the_text_in_which_we_write_it() {
    Iptables::each(|iptables| {
        let filter = filter_rules(iptables.family, &["neutron-linuxbri-sg-fallback"]);
        let filter = proptest::collection::vec(filter, 1..60);
        let raw = proptest::collection::vec(raw_rules(iptables.family), 1..20);
        check(12, (filter, raw), |(filter, raw)| {
            let want = in_chains(&filter, &raw);
            iptables.make(&want);
            let saved = iptables.save();
            let saved = saved
                .iter()
                .filter_map(|line| line.strip_prefix("-A neutron-linuxbri-"));
            let rules: Vec<_> = saved.map(|line| line.split_once(' ').unwrap().1).collect();
            let filter_first: Vec<_> = filter.iter().chain(&raw).map(Rule::to_string).collect();
            let raw_first: Vec<_> = raw.iter().chain(&filter).map(Rule::to_string).collect();
            assert!(rules == filter_first || rules == raw_first, "{iptables:?}");
        });
        iptables.clear();
    });
}

#[test]
fn hosts_at_random_become_one_another() {
    Iptables::each(|iptables| {
        let two = (hosts(iptables.family), hosts(iptables.family));
        check(8, two, |(have, want)| {
            iptables.make(&have);
            iptables.becomes(&diff(&have, &want), &want);
        });
        iptables.clear();
    });
}

#[test]
fn every_case_of_the_corpus_loads_comes_back_and_goes() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/neutron");
    for case in [
        "01-seed-port",
        "03-default-group-ipset",
        "05-tcp-udp-ports",
        "07-icmp-types",
        "08-protocol-numbers",
        "10-remote-prefixes",
        "13-remote-group-ports-ipset",
        "14-remote-group-ports-noipset",
        "15-empty-remote-group",
        "17-address-group",
        "19-stateless-group",
        "20-several-groups",
        "22-two-ports-one-network",
        "23-ports-two-networks",
        "25-multi-fixed-ips",
        "26-v6-only",
        "27-no-fixed-ip",
        "28-address-pairs",
        "45-ipset-shared",
        "48-stateless-second-group",
    ] {
        let json = std::fs::read(corpus.join(case).join("case.json")).unwrap();
        let json: serde_json::Value = serde_json::from_slice(&json).unwrap();
        Iptables::each(|iptables| {
            for snapshot in neutron::snapshots(&json) {
                let mut want = snapshot.ruleset(iptables.family);
                let sets = Sets::default().change_to(&snapshot.sets());
                run("ipset", &["-exist", "restore"], &sets.before);
                let ports = snapshot.ports();
                for port in &ports {
                    let network = &port.network;
                    let on_it = ports.iter().filter(|it| it.network == *network).cloned();
                    let on_it: Vec<_> = on_it.collect();
                    let options = Options::default();
                    want.merge(&of_network(&options, network, &on_it, iptables.family));
                }
                iptables.make(&want);
            }
            iptables.clear();
        });
    }
}

/// What Docker, libvirt and an operator leave on a host.
const FOREIGN: &str = "\
*raw
-A PREROUTING -i eth9 -j ACCEPT
COMMIT
*filter
:DOCKER - [0:0]
:DOCKER-USER - [0:0]
:LIBVIRT_FWI - [0:0]
-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT
-A FORWARD -j DOCKER-USER
-A FORWARD -o docker0 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A FORWARD -o docker0 -j DOCKER
-A FORWARD -i docker0 ! -o docker0 -j ACCEPT
-A FORWARD -j LIBVIRT_FWI
-A DOCKER ! -i docker0 -o docker0 -p tcp -m tcp --dport 80 -j ACCEPT
-A DOCKER-USER -m comment --comment \"neutron-linuxbri is not ours\" -j RETURN
-A LIBVIRT_FWI -o virbr0 -m limit --limit 5/min -j LOG --log-prefix \"fwi: \"
COMMIT
*nat
:DOCKER - [0:0]
-A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER
-A POSTROUTING ! -o docker0 -j MASQUERADE
COMMIT
";

/// A port, so that there is something of ours.
fn seed(family: Family) -> Ruleset {
    let json = include_str!("../fixtures/neutron/01-seed-port/case.json");
    let snapshots = neutron::snapshots(&serde_json::from_str(json).unwrap());
    let mut ruleset = snapshots[0].ruleset(family);
    let id = "c08e7dcd-4acb-4cd0-ad08-ebd3b48467ee".parse().unwrap();
    let options = Options::default();
    ruleset.merge(&of_network(&options, &id, &[], family));
    ruleset
}

fn not_ours(lines: Vec<String>) -> Vec<String> {
    let ours = |line: &String| {
        let chain = line.trim_start_matches("-A ").trim_start_matches(':');
        chain.starts_with("neutron-") || line.contains("-j neutron-")
    };
    lines.into_iter().filter(|line| !ours(line)).collect()
}

#[test]
fn rules_of_other_programs_stay_byte_for_byte() {
    Iptables::each(|iptables| {
        iptables.restore(FOREIGN);
        let before = iptables.save();
        iptables.make(&seed(iptables.family));
        // Docker puts its chain on top whenever it starts.
        iptables.command("-I FORWARD 1 -j DOCKER-USER");
        assert!(!iptables.observe().is_regular());
        iptables.make(&seed(iptables.family));
        iptables.command("-D FORWARD -j DOCKER-USER");
        assert_eq!(not_ours(iptables.save()), before, "{iptables:?}");
        iptables.make(&Ruleset::default());
        assert_eq!(iptables.save(), before, "{iptables:?}");
    });
}

#[test]
fn damage_is_found_and_repaired() {
    for damage in [
        "-A FORWARD -j neutron-linuxbri-FORWARD",
        "-I FORWARD 1 -i eth0 -j neutron-linuxbri-FORWARD",
        "-I FORWARD 1 -p tcp -j ACCEPT",
        "-D FORWARD -j neutron-filter-top",
        "-t raw -F PREROUTING",
        "-I neutron-linuxbri-FORWARD 1 -j ACCEPT",
        "-A neutron-linuxbri-FORWARD -m limit --limit 1/sec -j LOG",
        "-I neutron-linuxbri-i7a8c0a54-7 1 -s 10.0.0.0/8 -j RETURN",
        "-A neutron-linuxbri-i7a8c0a54-7 -p tcp --tcp-flags SYN SYN -j RETURN",
        "-F neutron-linuxbri-sg-fallback",
        "-F neutron-linuxbri-sg-chain",
        "-I neutron-linuxbri-sg-chain 1 -j ACCEPT",
        "-A neutron-linuxbri-sg-chain -i eth0 -j DROP",
        "-D neutron-linuxbri-i7a8c0a54-7 1",
        "-t nat -F neutron-linuxbri-PREROUTING",
        "-N neutron-linuxbri-i0000000000",
    ] {
        Iptables::each(|iptables| {
            if iptables.family == Family::Ipv6 && damage.contains("10.0.0.0/8") {
                return;
            }
            let want = seed(iptables.family);
            iptables.make(&want);
            iptables.command(damage);
            let observed = iptables.observe();
            assert_ne!(observed, Observed::from(want.clone()), "{damage}");
            let changes = repair(&observed, &want);
            iptables.becomes(&changes, &want);
        });
    }
}
