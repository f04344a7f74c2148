//! What is written of random groups and ports, whole hosts of them: the laws of the text.
//!
//! [`rules_roundtrip`](../../rules_roundtrip.rs) tries lines and rulesets that the program could write;
//! here it writes what it makes of configurations, and the kernel's own print is read by other eyes.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::process::{Command, Stdio};

use vmhook::config::{Config, Source, load};
use vmhook::domain::parse_domain;
use vmhook::firewall::ipset::Sets;
use vmhook::firewall::iptables::{ChainPrefix, Observed, Ruleset, diff, parse_save, repair};
use vmhook::hook::rehearsal::{Act, Rehearsal, World};
use vmhook::state::HostState;

use crate::configuration::{Checked, Configuration, Port};
use crate::random::{Size, configurations};
use crate::support::netns::in_a_new_namespace;
use crate::trials;

const SIZE: Size = Size {
    rules: 24,
    ports: [4, 2],
};

#[test]
fn what_is_written_of_groups_loads_leads_nowhere_but_to_chains_and_comes_back_the_same() {
    trials(12, &configurations(SIZE), |configuration| {
        let host = host_of(&configuration);
        let filtered = |port: &&Port| configuration.checked(port) != Checked::Nothing;
        let ports = configuration.ports.iter().filter(filtered).count();
        in_a_new_namespace(|| {
            run(
                "ipset",
                &["restore"],
                &Sets::default().change_to(&host.sets).before,
            );
            for variant in ["nft", "legacy"] {
                for (family, want) in [("iptables", &host.v4), ("ip6tables", &host.v6)] {
                    let saved = loaded(&format!("{family}-{variant}"), want);
                    assert_every_jump_has_its_chain(&saved);
                    assert_port_chains_end_closed(&saved, ports);
                }
            }
        });
        Ok(())
    });
}

/// All that a host has on which one machine has all of the ports.
fn host_of(configuration: &Configuration) -> HostState {
    let text = configuration.toml();
    let config = read(&text);
    let ports = configuration.ports.iter();
    let interfaces: String = ports.map(Port::interface).collect();
    let xml = format!(
        "<domain type='qemu'><name>vm</name><uuid>00000000-0000-4000-8000-000000000001</uuid>\
         <devices>{interfaces}</devices></domain>"
    );
    let domain = parse_domain(xml.as_bytes()).expect("the XML is right");
    let world = World::empty(&config);
    let started = Rehearsal::new(&config, domain, BTreeMap::new(), world).and_then(|mut it| {
        it.advance_to(Act::Start)?;
        it.play(Act::Start)?;
        Ok(it.world().records.state())
    });
    started.unwrap_or_else(|refusal| panic!("{refusal}\n{text}"))
}

fn read(text: &str) -> Config {
    let source = Source {
        name: "vmhook.toml".to_owned(),
        text: Ok(text.to_owned()),
    };
    load(&[source])
}

/// Tries a ruleset, loads it, and sees that the kernel then has it: what the kernel prints.
fn loaded(program: &str, want: &Ruleset) -> String {
    let text = diff(&Ruleset::default(), want).restore_text();
    let restore = format!("{program}-restore");
    run(&restore, &["--noflush", "--test"], &text);
    run(&restore, &["--noflush"], &text);
    let saved = run(&format!("{program}-save"), &[], "");
    let observed = parse_save(&saved, &ChainPrefix::default());
    assert_eq!(observed, Observed::from(want.clone()), "{program}");
    assert!(repair(&observed, want).is_empty(), "{program}");
    saved
}

/// A table as `iptables-save` prints it.
#[derive(Debug, Default)]
struct Printed<'a> {
    chains: BTreeSet<&'a str>,
    /// Each with its chain.
    lines: Vec<(&'a str, &'a str)>,
}

impl Printed<'_> {
    /// The chains of a kind that ports have: `i`, `o`, `s`, and ten characters.
    fn port_chains(&self, kind: &str) -> Vec<&str> {
        let prefix = format!("neutron-linuxbri-{kind}");
        let is_ports = |name: &&&str| {
            let rest = name.strip_prefix(&prefix);
            rest.is_some_and(|rest| rest.len() == 10 && rest != "g-fallback")
        };
        self.chains.iter().filter(is_ports).copied().collect()
    }

    fn last_line(&self, chain: &str) -> &str {
        let mut from_the_end = self.lines.iter().rev();
        let last = from_the_end.find(|(name, _)| *name == chain);
        last.expect("a port's chain has a line").1
    }
}

fn tables(saved: &str) -> BTreeMap<&str, Printed<'_>> {
    let mut tables: BTreeMap<&str, Printed<'_>> = BTreeMap::new();
    let mut name = "";
    for text in saved.lines() {
        name = text.strip_prefix('*').unwrap_or(name);
        let table = tables.entry(name).or_default();
        if let Some(chain) = text.strip_prefix(':') {
            let chain = chain.split(' ').next().expect("a name");
            table.chains.insert(chain);
        } else if let Some(line) = text.strip_prefix("-A ") {
            table.lines.push(line.split_once(' ').expect("a rule"));
        }
    }
    tables
}

/// A line without its comment, which may say anything.
fn uncommented(line: &str) -> &str {
    line.rsplit_once("\" ").map_or(line, |(_, rest)| rest)
}

/// Where a line leads.
fn target(line: &str) -> &str {
    let words: Vec<_> = uncommented(line).split(' ').collect();
    let at = words.iter().rposition(|word| ["-j", "-g"].contains(word));
    words[at.expect("every rule leads somewhere") + 1]
}

fn assert_every_jump_has_its_chain(saved: &str) {
    let verdicts = ["ACCEPT", "DROP", "RETURN", "CT"];
    for Printed { chains, lines } in tables(saved).values() {
        for (_, line) in lines {
            let target = target(line);
            let leads_somewhere = verdicts.contains(&target) || chains.contains(target);
            assert!(leads_somewhere, "{line}");
        }
    }
}

/// Two chains a port lead to the fallback with their last line, whatever the packet is, and the chain
/// that checks the source drops.
fn assert_port_chains_end_closed(saved: &str, ports: usize) {
    const FALLBACK: &str = "neutron-linuxbri-sg-fallback";
    let tables = tables(saved);
    let filter = &tables["filter"];
    let closed = format!("-j {FALLBACK}");
    for (kind, end) in [("i", closed.as_str()), ("o", &closed), ("s", "-j DROP")] {
        let chains = filter.port_chains(kind);
        assert!(chains.len() == ports || kind == "s", "{chains:?}");
        for chain in chains {
            let line = filter.last_line(chain);
            let is_bare = !line.contains("comment") || line.starts_with("-m comment --comment \"");
            assert!(is_bare && uncommented(line) == end, "{chain} {line}");
        }
    }
    let drops = filter.lines.iter().filter(|(chain, _)| *chain == FALLBACK);
    let drops: Vec<_> = drops.map(|(_, line)| uncommented(line)).collect();
    assert_eq!(drops, ["-j DROP"]);
}

fn run(program: &str, arguments: &[&str], input: &str) -> String {
    let child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let mut child = child.unwrap_or_else(|error| panic!("{program} is needed: {error}"));
    let mut stdin = child.stdin.take().expect("stdin is a pipe");
    stdin.write_all(input.as_bytes()).expect("it reads");
    drop(stdin);
    let output = child.wait_with_output().expect("a child ends");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "{program} {arguments:?}: {said}\n{input}"
    );
    String::from_utf8(output.stdout).expect("text")
}
