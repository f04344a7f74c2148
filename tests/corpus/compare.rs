//! A snapshot: what is in the kernel, held against Neutron's dump.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::net::Ipv4Addr;
use std::path::Path;

use ipnet::{IpNet, Ipv4Net};
use serde_json::Value;

use super::case::{cut, prefix};
use super::differences::{Family, Moment, OwnNames};
use super::dump::{self, Dump};
use super::support::World;
use super::support::netns::{attempt, run};

/// Everything that Neutron's dumps in this folder tell of the moment.
pub(crate) fn compare(world: &World, moment: &Moment<'_>, folder: &Path) {
    let place = folder.display();
    let read = |name: &str| fs::read_to_string(folder.join(name)).expect(name);
    let own_names = own_names(&Dump::parse(&run(Family::V4.save())), moment.here);
    let filters = Family::BOTH.map(|family| {
        let save = read(&format!("{}.txt", family.save()));
        let theirs = moment.dump(&save, &own_names);
        let ours = Dump::parse(&run(family.save()));
        let what = format!("{place}: {}", family.save());
        let mut filter = moment.filter(&theirs, &own_names, family);
        let mut own = ours.clone().table("filter");
        moment.in_one_order(&mut filter);
        moment.in_one_order(&mut own);
        assert_lines(&own, &filter, &what);
        assert_lines(&raw_and_nat(ours), &moment.raw_and_nat(&theirs), &what);
        filter
    });
    let theirs = moment.sets(dump::sets(&read("ipset.txt")), &filters);
    assert_eq!(dump::sets(&run("ipset save -sorted")), theirs, "{place}");
    let here: BTreeSet<_> = moment.here.iter().cloned().collect();
    assert_eq!(world.open_taps(), here, "{place}");
    assert_eq!(
        Layer2::of_guard(moment),
        Layer2::of_ebtables(&read("ebtables.txt"), moment),
        "{place}"
    );
}

/// How vmhook calls the chains of the taps that have not Neutron's names: no two alike, and none as Neutron
/// calls any.
pub(crate) fn own_names(ours: &Dump, here: &[String]) -> OwnNames {
    let jumps = ours.rules("filter neutron-linuxbri-sg-chain");
    let name = |device: &String| {
        let of_device = format!("-m physdev --physdev-in {device} ");
        let rule = jumps.iter().find(|rule| rule.starts_with(&of_device))?;
        let (_, name) = rule.split_once(" -j neutron-linuxbri-o").unwrap();
        Some((device.clone(), name.to_owned()))
    };
    let mut names: OwnNames = here.iter().filter_map(name).collect();
    let different: BTreeSet<_> = names.values().collect();
    assert_eq!(different.len(), names.len(), "{names:?}");
    names.retain(|device, name| *name != cut(device));
    for (device, name) in &names {
        let is_neutrons = device.starts_with("tap") && cut(device).len() == 10;
        let is_hash = name.len() == 10 && name.bytes().all(|byte| byte.is_ascii_hexdigit());
        assert!(is_hash && !is_neutrons, "{device} has the chains {name}");
    }
    names
}

fn assert_lines(ours: &Dump, theirs: &Dump, what: &str) {
    let (ours, theirs) = (ours.lines(), theirs.lines());
    let missing: Vec<_> = theirs.iter().filter(|line| !ours.contains(line)).collect();
    let extra: Vec<_> = ours.iter().filter(|line| !theirs.contains(line)).collect();
    assert!(
        ours == theirs,
        "{what}\nmissing {missing:#?}\nextra {extra:#?}\nours {ours:#?}\nexpected {theirs:#?}"
    );
}

/// raw and nat, the agent's rules in one order, without the chains of networks with stateless ports.
fn raw_and_nat(ours: Dump) -> Dump {
    let mut chains = ours.clone().table("raw");
    chains.0.extend(ours.table("nat").0);
    chains
        .0
        .retain(|chain, _| !chain.contains("neutron-linuxbri-zone"));
    let own = chains
        .0
        .iter_mut()
        .filter(|(chain, _)| chain.contains(" neutron-"));
    own.for_each(|(_, rules)| rules.sort());
    chains
}

const ANY: IpNet = IpNet::V4(Ipv4Net::new_assert(Ipv4Addr::UNSPECIFIED, 0));

/// By what a tap may speak.
#[derive(Debug, PartialEq, Eq)]
struct Layer2 {
    /// Tap and Ethernet address.
    macs: BTreeSet<(String, String)>,
    /// Tap and sender of ARP packets, as few prefixes.
    senders: BTreeSet<(String, String)>,
}

impl Layer2 {
    /// What Neutron's ebtables let through; where they do not look at ARP, all. A port without fixed IP
    /// they let send no ARP at all; with us it may have any address (listed difference 6).
    fn of_ebtables(save: &str, moment: &Moment<'_>) -> Self {
        let (mut macs, mut senders) = (BTreeSet::new(), BTreeMap::new());
        for line in save.lines() {
            let Some((tap, rule)) = line
                .strip_prefix("-A neutron")
                .and_then(|it| it.split_once(' '))
            else {
                continue;
            };
            let tap = tap.trim_start_matches("MAC-").trim_start_matches("ARP-");
            let words: Vec<_> = rule.split(' ').collect();
            match words[..] {
                ["-i", _, "--among-src", list, "-j", "RETURN"] => {
                    let list = list.split(',').filter(|mac| !mac.is_empty());
                    macs.extend(list.map(|mac| (tap.to_owned(), long(mac))));
                }
                ["-p", "ARP", "--arp-ip-src", from, "-j", "ACCEPT"] => {
                    let of_tap: &mut Vec<IpNet> = senders.entry(tap.to_owned()).or_default();
                    of_tap.push(prefix(from));
                }
                ["-j", "DROP"] => {}
                _ => panic!("ebtables printed {line:?}"),
            }
        }
        let checks_arp = |tap: &str| save.contains(&format!(":neutronARP-{tap} "));
        let anywhere = moment.ports().filter(|port| {
            let is_filtered = macs.iter().any(|(tap, _)| *tap == port.device);
            is_filtered && (port.fixed_ips.is_empty() || !checks_arp(&port.device))
        });
        let anywhere = anywhere.map(|port| (port.device.clone(), vec![ANY]));
        senders.extend(anywhere);
        let senders = widest(senders);
        Self { macs, senders }
    }

    /// What the guard lets through.
    fn of_guard(moment: &Moment<'_>) -> Self {
        let macs = elements("macs").map(|words| (words[0].clone(), words[1].clone()));
        let mut senders: BTreeMap<String, Vec<IpNet>> = BTreeMap::new();
        for words in elements("v4").chain(elements("v4nets")) {
            let of_tap = senders.entry(words[0].clone()).or_default();
            of_tap.push(prefix(&words[2]));
        }
        for words in elements("v4any") {
            senders.entry(words[0].clone()).or_default().push(ANY);
        }
        let here = |tap: &String| moment.here.contains(tap);
        let macs = macs.filter(|(tap, _)| here(tap)).collect();
        let senders = widest(senders);
        Self { macs, senders }
    }
}

/// ebtables writes Ethernet addresses without leading zeros.
fn long(mac: &str) -> String {
    let bytes = mac.split(':').map(|byte| format!("{byte:0>2}"));
    bytes.collect::<Vec<_>>().join(":")
}

fn widest(senders: BTreeMap<String, Vec<IpNet>>) -> BTreeSet<(String, String)> {
    let of_tap = |(tap, nets): (String, Vec<IpNet>)| {
        let nets = IpNet::aggregate(&nets);
        let nets = nets.into_iter();
        nets.map(move |net| (tap.clone(), net.to_string()))
    };
    senders.into_iter().flat_map(of_tap).collect()
}

/// The elements of a set of the guard, each as its parts. There are none where there is no table.
fn elements(set: &str) -> impl Iterator<Item = Vec<String>> {
    let (listed, text) = attempt(&format!("nft -j list set bridge vmhook {set}"));
    let json = if listed {
        serde_json::from_str(&text).unwrap()
    } else {
        Value::Null
    };
    let listed = json["nftables"].as_array().cloned().unwrap_or_default();
    let found = listed
        .iter()
        .find_map(|it| it["set"]["elem"].as_array().cloned());
    found
        .unwrap_or_default()
        .into_iter()
        .map(|element| parts(&element))
}

fn parts(element: &Value) -> Vec<String> {
    match element {
        Value::String(text) => vec![text.clone()],
        _ if element["prefix"].is_object() => {
            let prefix = &element["prefix"];
            vec![format!(
                "{}/{}",
                prefix["addr"].as_str().unwrap(),
                prefix["len"]
            )]
        }
        _ => {
            let of_concatenation = element["concat"].as_array();
            let of_concatenation =
                of_concatenation.unwrap_or_else(|| panic!("nft printed {element}"));
            of_concatenation.iter().flat_map(parts).collect()
        }
    }
}
