//! The filter table is real Neutron's, rule for rule, in every case that our model can say.
//!
//! `fixtures/neutron` holds what the unmodified Linux bridge agent wrote. An address group that
//! Neutron keeps in an ipset is one rule a prefix here; the test writes the agent's rule out before
//! it compares.
#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "a test reads its fixtures"
)]

mod neutron;

use std::path::Path;

use neutron::Snapshot;
use vmhook::firewall::ipset::parse_sets;
use vmhook::firewall::iptables::{ChainPrefix, Ruleset, SetName, chain_suffix, parse_save};
use vmhook::model::{Family, Port};

/// Cases that need a word our model does not have.
const NOT_OURS: [(&str, &str); 1] =
    [("41-long-and-colliding-names", "colliding names are refused")];

fn corpus() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/neutron")
}

fn security_group_cases() -> Vec<String> {
    let folders = std::fs::read_dir(corpus()).unwrap();
    let names = folders.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let is_case = |name: &String| name.as_bytes()[0].is_ascii_digit();
    let mut names: Vec<_> = names.filter(is_case).collect();
    names.sort();
    names
}

#[test]
fn every_case_that_the_model_can_say_is_neutrons_rule_for_rule() {
    let mut compared = 0;
    for case in security_group_cases() {
        if NOT_OURS.iter().any(|(name, _)| *name == case) {
            continue;
        }
        let json = std::fs::read(corpus().join(&case).join("case.json")).unwrap();
        let snapshots = neutron::snapshots(serde_json::from_slice(&json).unwrap());
        assert!(!snapshots.is_empty(), "{case}");
        for snapshot in snapshots {
            for family in Family::BOTH {
                compare(&case, &snapshot, family);
                compared += 1;
            }
            compare_sets(&case, &snapshot);
        }
    }
    assert!(compared >= 100, "{compared} tables compared");
}

fn compare(case: &str, snapshot: &Snapshot, family: Family) {
    let file = match family {
        Family::Ipv4 => "iptables-save.txt",
        Family::Ipv6 => "ip6tables-save.txt",
    };
    let path = corpus().join(case).join(&snapshot.dir).join(file);
    let dump = std::fs::read_to_string(path).unwrap();
    let observed = parse_save(&expected(&dump, snapshot, family), &ChainPrefix::default());
    let irregular: Vec<_> = observed.irregularities().collect();
    assert!(irregular.is_empty(), "{case}: {irregular:?}");
    let (theirs, ours) = (filter(&observed.ruleset), filter(&snapshot.ruleset(family)));
    let place = format!("{case}/{} {family}", snapshot.dir);
    let missing: Vec<_> = theirs.iter().filter(|line| !ours.contains(line)).collect();
    let extra: Vec<_> = ours.iter().filter(|line| !theirs.contains(line)).collect();
    assert!(
        ours == theirs,
        "{place}\nmissing {missing:#?}\nextra {extra:#?}"
    );
}

/// The sets of security groups are the agent's, member by member.
fn compare_sets(case: &str, snapshot: &Snapshot) {
    let path = corpus().join(case).join(&snapshot.dir).join("ipset.txt");
    let dump = parse_sets(&std::fs::read_to_string(path).unwrap());
    let of_security_group = |name: &SetName| snapshot.prefixes_of_set(name.as_str()).is_none();
    let theirs: Vec<_> = dump.iter().filter(|set| of_security_group(set.0)).collect();
    let sets = snapshot.sets();
    let ours: Vec<_> = sets.iter().collect();
    assert_eq!(ours, theirs, "{case}/{}", snapshot.dir);
}

/// The lines of the filter table that are ours: shared chains sorted, all others in order.
fn filter(ruleset: &Ruleset) -> Vec<String> {
    let text = ruleset.to_string();
    let lines = text.lines().skip_while(|line| *line != "*filter");
    lines
        .take_while(|line| *line != "COMMIT")
        .map(str::to_owned)
        .collect()
}

/// Neutron's dump with our listed differences: address groups written out, DHCP replies by unicast to a port
/// without fixed address, and no line of a stateless port that asks connection tracking.
fn expected(dump: &str, snapshot: &Snapshot, family: Family) -> String {
    let ports = snapshot.ports();
    let mut lines: Vec<String> = Vec::new();
    for line in dump.lines() {
        let port = ports.iter().find(|port| is_in_chain_of(port, line));
        for line in written_out(line, port, snapshot, family) {
            let rule_twice = port.is_some() && lines.contains(&line);
            if !rule_twice {
                lines.push(line);
            }
        }
    }
    lines.join("\n")
}

fn is_in_chain_of(port: &Port, line: &str) -> bool {
    let suffix = chain_suffix(port);
    ["i", "o"]
        .iter()
        .any(|way| line.starts_with(&format!("-A neutron-linuxbri-{way}{suffix} ")))
}

fn written_out(
    line: &str,
    port: Option<&Port>,
    snapshot: &Snapshot,
    family: Family,
) -> Vec<String> {
    let Some(port) = port else {
        return vec![line.to_owned()];
    };
    if port.is_stateless() && line.contains("-m state --state ") {
        return Vec::new();
    }
    if port.fixed_ips.is_empty() && line.contains("--sport 67 --dport 68 -j RETURN") {
        return vec![line.replace("-d 255.255.255.255/32 ", "")];
    }
    let Some((before, after)) = line.split_once("-m set --match-set ") else {
        return vec![line.to_owned()];
    };
    let words: Vec<_> = after.splitn(3, ' ').collect();
    let [set, side, rest] = words[..] else {
        panic!("{line}")
    };
    let Some(prefixes) = snapshot.prefixes_of_set(set) else {
        return vec![line.to_owned()];
    };
    let option = if side == "src" { "-s" } else { "-d" };
    let (chain, matches) = before["-A ".len()..].split_once(' ').unwrap();
    let prefixes = prefixes.into_iter();
    prefixes
        .filter(|prefix| Family::of(prefix.addr()) == family)
        .map(|prefix| format!("-A {chain} {option} {prefix} {matches}{rest}"))
        .collect()
}
