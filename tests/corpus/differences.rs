//! The listed differences of `docs/design.md`, section 7, done to what Neutron wrote: what must be in
//! the kernel then, line by line.

use std::collections::{BTreeMap, BTreeSet};

use super::case::{Case, Port, cut, prefix};
use super::dump::{Dump, Sets};
use super::words::bridge;

/// The two families, as their programs and sets call them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Family {
    V4,
    V6,
}

impl Family {
    pub(crate) const BOTH: [Self; 2] = [Self::V4, Self::V6];

    /// The program that prints its rules; a dump is named after it.
    pub(crate) fn save(self) -> &'static str {
        match self {
            Self::V4 => "iptables-save",
            Self::V6 => "ip6tables-save",
        }
    }

    fn is_of(self, prefix: &str) -> bool {
        prefix.contains(':') == (self == Self::V6)
    }
}

const PREFIX: &str = "neutron-linuxbri";

/// A snapshot: the case at that moment, and the devices that are there.
pub(crate) struct Moment<'a> {
    pub(crate) case: &'a Case,
    /// Those of its ports.
    pub(crate) here: &'a [String],
    /// Those that are no port's.
    pub(crate) unknown: &'a [String],
}

/// How vmhook calls the chains of the ports whose taps have no name of Neutron's, by device.
pub(crate) type OwnNames = BTreeMap<String, String>;

impl Moment<'_> {
    /// The ports that are there.
    pub(crate) fn ports(&self) -> impl Iterator<Item = &Port> {
        self.here.iter().map(|device| self.case.port(device))
    }

    /// Neutron's dump without what it has for devices that are no port's, which it trusts; the chains of taps
    /// whose names are not Neutron's by our names.
    pub(crate) fn dump(&self, save: &str, own_names: &OwnNames) -> Dump {
        let renamed = own_names.iter().flat_map(|(device, own)| {
            let chain = |direction: &str, name: &str| format!("{PREFIX}-{direction}{name}");
            ["i", "o", "s"].map(|it| (chain(it, cut(device)), chain(it, own)))
        });
        let renamed: BTreeMap<String, String> = renamed.collect();
        let word = |word: &str| {
            let (mark, name) = word.split_at(usize::from(word.starts_with(':')));
            let name = renamed.get(name).map_or(name, String::as_str);
            format!("{mark}{name}")
        };
        let of_unknown = |line: &str| {
            let mut unknown = self.unknown.iter();
            unknown.any(|device| line.contains(&format!(" {device} ")))
        };
        let lines = save.lines().filter(|line| !of_unknown(line));
        let line = |line: &str| line.split(' ').map(word).collect::<Vec<_>>().join(" ");
        Dump::parse(&lines.map(line).collect::<Vec<_>>().join("\n"))
    }

    /// What the filter table must be, of what Neutron's dump says.
    pub(crate) fn filter(&self, theirs: &Dump, own_names: &OwnNames, family: Family) -> Dump {
        if self.here.is_empty() {
            // After the last port the skeleton goes too.
            return theirs.clone().table("filter").foreign();
        }
        let mut filter = theirs.clone().table("filter");
        for port in self.ports() {
            let stateless = is_stateless(theirs, port);
            let suffix = own_names
                .get(&port.device)
                .map_or(cut(&port.device), String::as_str);
            for direction in ["i", "o"] {
                let chain = format!("filter {PREFIX}-{direction}{suffix}");
                if let Some(rules) = filter.0.get_mut(&chain) {
                    *rules = self.port_chain(rules, port, stateless, family);
                }
            }
            let sources = filter.0.get_mut(&format!("filter {PREFIX}-s{suffix}"));
            sources.map(last_of_equal);
        }
        filter
    }

    fn port_chain(
        &self,
        theirs: &[String],
        port: &Port,
        stateless: bool,
        family: Family,
    ) -> Vec<String> {
        let mut rules: Vec<String> = Vec::new();
        for rule in theirs {
            if stateless && rule.contains("-m state --state ") {
                continue;
            }
            for rule in self.written_out(rule, family) {
                let of_dhcp = rule.ends_with("--sport 67 --dport 68 -j RETURN");
                let rule = if of_dhcp && port.fixed_ips.is_empty() {
                    rule.replace("-d 255.255.255.255/32 ", "")
                } else {
                    rule
                };
                if !rules.contains(&rule) {
                    rules.push(rule);
                }
            }
        }
        rules
    }

    /// A rule of an address group that Neutron keeps in a set is one for each prefix.
    fn written_out(&self, rule: &str, family: Family) -> Vec<String> {
        let as_it_is = || vec![rule.to_owned()];
        let Some((before, after)) = rule.split_once("-m set --match-set ") else {
            return as_it_is();
        };
        let words: Vec<_> = after.splitn(3, ' ').collect();
        let [set, side, rest] = words[..] else {
            panic!("{rule}")
        };
        let Some(members) = self.members_of(set) else {
            return as_it_is();
        };
        let option = if side == "src" { "-s" } else { "-d" };
        let members = members.iter().filter(|member| family.is_of(member));
        let line = |member: &String| match prefix(member).trunc() {
            any if any.prefix_len() == 0 => format!("{before}{rest}"),
            prefix => format!("{option} {prefix} {before}{rest}"),
        };
        members.map(line).collect()
    }

    /// The members of the address group that has this set.
    fn members_of(&self, set: &str) -> Option<&[String]> {
        let key = set.get("NIPv4".len()..)?;
        let mut groups = self.case.address_groups.iter();
        let (_, group) = groups.find(|(id, _)| id.starts_with(key))?;
        Some(&group.members)
    }

    /// What sets there must be: those that a rule names. A new agent forgets those of the old one.
    pub(crate) fn sets(&self, mut theirs: Sets, filters: &[Dump; 2]) -> Sets {
        let is_named = |name: &str| {
            let of_set = format!("--match-set {name} ");
            let mut rules = filters
                .iter()
                .flat_map(|filter| filter.0.values().flatten());
            rules.any(|rule| rule.contains(&of_set))
        };
        theirs.retain(|name, _| self.members_of(name).is_none() && is_named(name));
        theirs
    }

    /// Puts what is equal as a set into one order.
    pub(crate) fn in_one_order(&self, filter: &mut Dump) {
        for (chain, rules) in &mut filter.0 {
            let Some(own) = chain.strip_prefix(&format!("filter {PREFIX}-")) else {
                continue;
            };
            match own {
                "FORWARD" | "INPUT" => rules.sort(),
                "sg-chain" => {
                    assert_eq!(
                        rules.last().map(String::as_str),
                        Some("-j ACCEPT"),
                        "{chain}"
                    );
                    let lines = rules.len() - 1;
                    rules[..lines].sort();
                }
                _ if !self.case.has("enable_ipset") => sort_members(rules),
                _ => {}
            }
        }
    }

    /// What raw and nat must be: in the agent's own chains a rule a network, with Neutron's zone.
    /// Networks with a stateless port have a chain of their own, which packets show.
    pub(crate) fn raw_and_nat(&self, theirs: &Dump) -> Dump {
        let mut tables = theirs.clone().table("raw");
        tables.0.extend(theirs.clone().table("nat").0);
        if self.here.is_empty() {
            return tables.foreign();
        }
        let (mut raw, mut nat) = (Vec::new(), Vec::new());
        for (network, zone) in self.zones(theirs) {
            let bridge = bridge(&network);
            nat.push(format!("-i {bridge} -j ACCEPT"));
            let mut ports = self.ports().filter(|port| port.network_id == network);
            let target = if ports.any(|port| is_stateless(theirs, port)) {
                format!("-j {PREFIX}-zone{zone}")
            } else {
                format!("-m comment --comment \"Set zone for {network}\" -j CT --zone {zone}")
            };
            raw.push(format!("-i {bridge} {target}"));
        }
        for (table, mut rules) in [("raw", raw), ("nat", nat)] {
            rules.sort();
            let chain = format!("{table} {PREFIX}-PREROUTING");
            tables.0.insert(chain, rules);
        }
        tables
    }

    /// The zone of each network that is in use. Neutron gives none to one whose ports are all
    /// stateless; that gets the lowest that is left.
    fn zones(&self, theirs: &Dump) -> BTreeMap<String, u16> {
        let rules = theirs.rules(&format!("raw {PREFIX}-PREROUTING"));
        let mut zones = BTreeMap::new();
        let mut without = Vec::new();
        for port in self.ports() {
            let network = &port.network_id;
            let coming = format!("-i {} ", bridge(network));
            let mut own = rules.iter().filter(|rule| rule.starts_with(&coming));
            match own.find_map(|rule| rule.split_once("-j CT --zone ")) {
                Some((_, zone)) => {
                    zones.insert(network.clone(), zone.parse().unwrap());
                }
                None => without.push(network.clone()),
            }
        }
        for network in without {
            if !zones.contains_key(&network) {
                let free = (4097..u16::MAX).find(|zone| zones.values().all(|taken| taken != zone));
                zones.insert(network, free.unwrap());
            }
        }
        zones
    }
}

/// Whether Neutron keeps the port's packets from connection tracking.
fn is_stateless(theirs: &Dump, port: &Port) -> bool {
    let rules = theirs.rules(&format!("raw {PREFIX}-PREROUTING"));
    let of_port = format!("-m physdev --physdev-in {} ", port.device);
    let mut own = rules.iter().filter(|rule| rule.starts_with(&of_port));
    own.any(|rule| rule.ends_with("-j CT --notrack"))
}

/// Of sources that are equal once their prefix is canonical, one, where the last stood.
fn last_of_equal(rules: &mut Vec<String>) {
    let mut seen = BTreeSet::new();
    rules.reverse();
    rules.retain(|rule| seen.insert(rule.clone()));
    rules.reverse();
}

/// Without sets a remote group is a rule a member. Neutron's order is that of their arrival.
fn sort_members(rules: &mut [String]) {
    let less_address = |rule: &str| {
        let words = rule.strip_prefix("-s ").or(rule.strip_prefix("-d "));
        let rest = words.and_then(|words| words.split_once(' '));
        rest.map(|(_, rest)| rest.to_owned())
    };
    let member = |one: &String, other: &String| {
        less_address(one).is_some() && less_address(one) == less_address(other)
    };
    for run in rules.chunk_by_mut(member) {
        run.sort();
    }
}
