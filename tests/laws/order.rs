//! What stands while a plan runs: its order is the security argument.

use std::collections::BTreeSet;
use std::net::IpAddr;

use ipnet::IpNet;
use proptest::collection::vec;
use proptest::prelude::*;
use vmhook::compile::compile_skeleton;
use vmhook::firewall::guard::{Class, Element, Guard};
use vmhook::firewall::iptables::{Chain, ChainName, Ruleset, Table, chain_suffix, repair};
use vmhook::model::{Family, IfName, Port, Zone};
use vmhook::state::{HostState, OwnLink, ReadBack};
use vmhook::transaction::{Records, Transaction};

use crate::hosts::{batches, farewells, secured, securities};
use crate::kernel::acts;
use crate::transactions::{Host, play, played};

/// One end of a plan.
struct End {
    records: Records,
    state: HostState,
}

impl End {
    fn of(records: &Records) -> Self {
        let (records, state) = (records.clone(), records.state());
        Self { records, state }
    }

    fn port(&self, tap: &IfName) -> Option<&Port> {
        let domains = self.records.domains.values();
        let mut open = domains.flat_map(|record| record.want.open_ports());
        open.find(|(_, its)| its.name == *tap).map(|it| it.0)
    }

    /// The zone of the network whose open port or way out has this name.
    fn zone(&self, name: &IfName) -> Option<Zone> {
        let mut networks = self.records.networks.values();
        let network = match self.port(name) {
            Some(port) => self.records.networks.get(&port.network),
            None => networks.find(|record| record.network.has_port(name.as_str())),
        };
        network.map(|record| record.zone)
    }

    fn rulesets(&self) -> [&Ruleset; 2] {
        [&self.state.v4, &self.state.v6]
    }
}

/// Whose DHCP replies reach a tap; `None` is anybody's.
fn dhcp_servers(guard: &Guard, tap: &IfName) -> Option<BTreeSet<IpAddr>> {
    let limited = Element::DhcpLimited(tap.clone());
    let server = |element: &Element| match element {
        Element::DhcpServer(of, server) if of == tap => Some(*server),
        _ => None,
    };
    let servers = || guard.elements.iter().filter_map(server).collect();
    guard.elements.contains(&limited).then(servers)
}

/// Whether DHCP replies reach a tap only from where they do at an end.
fn hears_no_other_dhcp_server(there: &Guard, tap: &IfName, end: &End) -> bool {
    let (has, had) = (
        dhcp_servers(there, tap),
        dhcp_servers(&end.state.guard, tap),
    );
    had.is_none_or(|had| has.is_some_and(|has| has.is_subset(&had)))
}

/// How much the guard checks of what a tap sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Checked {
    Nothing,
    AsNeutron,
    All,
}

fn checked(guard: &Guard, tap: &IfName) -> Checked {
    let has = |element| guard.elements.contains(&element);
    if has(Element::Port(tap.clone())) {
        Checked::All
    } else if has(Element::Unhardened(tap.clone())) {
        Checked::AsNeutron
    } else {
        Checked::Nothing
    }
}

/// What the guard has about a tap, but for its DHCP servers, for how much of it is checked, and for what
/// only the other family (0 or 1) needs.
fn about(guard: &Guard, tap: &IfName, family: usize) -> BTreeSet<Element> {
    let elements = guard.elements.iter().filter(|it| it.port() == Some(tap));
    let of_family = |it: &&Element| match it {
        Element::DhcpLimited(_)
        | Element::DhcpServer(..)
        | Element::Port(_)
        | Element::Unhardened(_) => false,
        Element::V4(..) | Element::V4Net(..) | Element::V4Any(..) => family == 0,
        Element::V6(..)
        | Element::V6Net(..)
        | Element::V6Any(..)
        | Element::Has6(_)
        | Element::Na(..)
        | Element::NaNet(..)
        | Element::NaAny(_) => family == 1,
        _ => true,
    };
    elements.filter(of_family).cloned().collect()
}

/// The chains of one port, by name.
fn chains_of(port: &Port, end: &End) -> Vec<ChainName> {
    let prefix = &end
        .records
        .host
        .as_ref()
        .expect("a port is open")
        .options
        .prefix;
    let suffix = chain_suffix(port);
    vec![
        prefix.ingress(&suffix),
        prefix.egress(&suffix),
        prefix.source_check(&suffix),
    ]
}

/// Everything that filters a port at one end is there in one family: the skeleton with its jumps,
/// the network's zone, the port's lines in the shared chains, its own chains.
fn is_filtered(there: &Ruleset, family: usize, port: &Port, at: &End) -> bool {
    let host = at.records.host.as_ref().expect("a port is open");
    let skeleton = compile_skeleton(&host.options);
    let skeleton = [skeleton.v4, skeleton.v6][family].clone();
    let network = &at.records.networks[&port.network].applied;
    let network = [&network.v4, &network.v6][family];
    let wanted = at.rulesets()[family];
    let tap = format!(" {} ", port.tap.as_ref().expect("open").name);
    let has_lines = |of: &Ruleset, which: &dyn Fn(&str) -> bool| {
        let mut shared = of.chains().filter(|it| matches!(it.2, Chain::Shared(_)));
        shared.all(|(table, name, _)| {
            let there = there.rules(table, name);
            let mut lines = of.rules(table, name).into_iter();
            lines.all(|rule| !which(&rule.to_string()) || there.contains(&rule))
        })
    };
    let own = chains_of(port, at).into_iter().all(|name| {
        let has = |rules: &Ruleset| rules.has_chain(Table::Filter, &name);
        let lines = |rules: &Ruleset| rules.rules(Table::Filter, &name);
        has(there) == has(wanted) && lines(there) == lines(wanted)
    });
    let jumps = skeleton
        .jumps()
        .all(|jump| there.jumps().any(|it| it == jump));
    jumps && own && has_lines(network, &|_| true) && has_lines(wanted, &|it| it.contains(&tap))
}

/// Where nothing of an open port is checked at one of the ends, the guard checks it as at the other
/// while any rule of the host is not yet, or no more, that end's: what its neighbours take then no
/// rule of its own has to stop.
fn is_checked_beside_other_rules(there: &ReadBack, tap: &IfName, ends: &[&End; 2]) -> bool {
    let is_filtered = |end: &&End| {
        let port = end.port(tap);
        port.is_some_and(|port| port.security.is_filtered())
    };
    let [before, after] = ends.map(|end| is_filtered(&end));
    let (checking, other) = match (before, after) {
        (true, false) => (ends[0], ends[1]),
        (false, true) => (ends[1], ends[0]),
        _ => return true,
    };
    let guards = [&there.state.guard, &checking.state.guard];
    let is_checked = (0..2).all(|family| {
        let [has, had] = guards.map(|guard| about(guard, tap, family));
        has == had
    });
    let all = guards.map(|guard| (checked(guard, tap), dhcp_servers(guard, tap)));
    let rules = [&there.v4, &there.v6].into_iter().zip(other.rulesets());
    let is_others = rules
        .into_iter()
        .all(|(has, want)| repair(has, want).is_empty());
    is_others || is_checked && all[0] == all[1]
}

/// A port that is open has in each family the rules of one end with no address that this end does not
/// have, and the guard checks as much of it as at that end, or more. Where it is not filtered at one
/// of the ends, its own rules may be missing in between.
fn open_ports_are_filtered(there: &ReadBack, ends: &[&End; 2]) -> Result<(), TestCaseError> {
    let guard = &there.state.guard;
    let members = guard.elements.iter().filter_map(|element| match element {
        Element::Member(name) => Some(name),
        _ => None,
    });
    for tap in members {
        let way_out = |end: &&End| end.port(tap).is_none() && end.zone(tap).is_some();
        if ends.iter().any(way_out) {
            continue;
        }
        let unfiltered = |end: &&End| {
            let port = end.port(tap);
            port.is_some_and(|port| !port.security.is_filtered())
        };
        if ends.iter().any(unfiltered) {
            let is_checked = is_checked_beside_other_rules(there, tap, ends);
            prop_assert!(is_checked, "{} is open, and not checked", tap);
            continue;
        }
        for (family, rules) in [&there.v4.ruleset, &there.v6.ruleset]
            .into_iter()
            .enumerate()
        {
            let has = about(guard, tap, family);
            let holds = |end: &&End| {
                end.port(tap).is_some_and(|port| {
                    checked(guard, tap) >= checked(&end.state.guard, tap)
                        && has.is_subset(&about(&end.state.guard, tap, family))
                        && hears_no_other_dhcp_server(guard, tap, end)
                        && is_filtered(rules, family, port, end)
                })
            };
            prop_assert!(ends.iter().any(holds), "{} is open", tap);
        }
    }
    Ok(())
}

/// No line, no element, no link that neither end has.
fn nothing_is_new_to_both(there: &ReadBack, ends: &[&End; 2]) -> Result<(), TestCaseError> {
    for element in &there.state.guard.elements {
        let known = ends
            .iter()
            .any(|end| end.state.guard.elements.contains(element));
        prop_assert!(known, "{:?}", element);
    }
    for link in &there.state.links {
        // One that is down carries nothing yet.
        let known = |end: &&End| match (end.state.links.get(link.0), link.1) {
            (Some(_), OwnLink::Altered) => true,
            (other, link) => other == Some(link),
        };
        prop_assert!(ends.iter().any(known), "{:?}", link);
    }
    for (name, members) in there.state.sets.iter().filter(|it| it.0.family().is_some()) {
        let versions = ends.map(|end| end.state.sets.get(name));
        let is_known = |member| versions.iter().flatten().any(|set| set.contains(member));
        prop_assert!(members.iter().all(is_known), "{}", name);
    }
    prop_assert!(there.v4.is_regular() && there.v6.is_regular());
    for (family, rules) in [&there.v4.ruleset, &there.v6.ruleset]
        .into_iter()
        .enumerate()
    {
        for (table, name, chain) in rules.chains() {
            let versions = ends.map(|end| end.rulesets()[family].rules(table, name));
            let lines = rules.rules(table, name);
            let known = match chain {
                Chain::Owned(_) => versions.contains(&lines),
                Chain::Shared(_) => lines.iter().all(|line| versions.concat().contains(line)),
            };
            prop_assert!(known, "{}", name);
        }
    }
    Ok(())
}

/// A member is of one network, which is that of its port or its way out at one end.
fn members_are_of_their_network_alone(
    there: &ReadBack,
    ends: &[&End; 2],
) -> Result<(), TestCaseError> {
    let guard = &there.state.guard;
    let places = |of: &Guard, name: &IfName| -> BTreeSet<Class> {
        let elements = of.elements.iter().filter_map(|element| match element {
            Element::Place(member, class) if member == name => Some(*class),
            _ => None,
        });
        elements.collect()
    };
    for name in guard.elements.iter().filter_map(Element::port) {
        let has = places(guard, name);
        prop_assert!(has.len() <= 1, "{} has {:?}", name, has);
        for class in &has {
            let is_own = |end: &&End| end.zone(name).map(Class::from) == Some(*class);
            prop_assert!(ends.iter().any(is_own), "{} has {}", name, class);
        }
    }
    Ok(())
}

/// While the old rules are there a set has nobody that only comes, and while the new ones are there
/// nobody that only goes.
fn rules_meet_their_own_members(there: &ReadBack, ends: &[&End; 2]) -> Result<(), TestCaseError> {
    for (name, members) in there.state.sets.iter() {
        let [Some(before), Some(after)] = ends.map(|end| end.state.sets.get(name)) else {
            continue;
        };
        let (family, rules) = match name.family() {
            Some(Family::Ipv6) => (1, &there.v6),
            _ => (0, &there.v4),
        };
        let are_rules_of = |end: &End| repair(rules, end.rulesets()[family]).is_empty();
        prop_assert!(are_rules_of(ends[0]) || are_rules_of(ends[1]));
        if !are_rules_of(ends[1]) {
            prop_assert!(holds_all(before, members), "{} before the rules", name);
        }
        if !are_rules_of(ends[0]) {
            prop_assert!(holds_all(after, members), "{} after the rules", name);
        }
    }
    Ok(())
}

fn holds_all(set: &BTreeSet<IpNet>, members: &BTreeSet<IpNet>) -> bool {
    let whole = IpNet::aggregate(&set.iter().copied().collect());
    let is_in = |member: &IpNet| whole.iter().any(|net| net.contains(member));
    members.iter().all(is_in)
}

/// A device on a bridge: both are known to the guard, so a tap that is no member is closed there.
fn bridges_that_stand_are_closed(there: &ReadBack) -> Result<(), TestCaseError> {
    let HostState {
        enslaved, guard, ..
    } = &there.state;
    for (device, bridge) in enslaved {
        prop_assert!(guard.elements.contains(&Element::Bridge(bridge.clone())));
        prop_assert!(guard.elements.contains(&Element::Member(device.clone())));
    }
    Ok(())
}

/// Plays a transaction, and looks at what stands after each of its acts.
pub(crate) fn at_every_point(host: &Host, transaction: &Transaction) -> Result<(), TestCaseError> {
    let (before, after) = (End::of(&host.records), End::of(&transaction.after));
    let ends = [&before, &after];
    let mut kernel = host.kernel.clone();
    for act in acts(&transaction.plan) {
        kernel.act(&act);
        let there = kernel.observed();
        open_ports_are_filtered(&there, &ends)?;
        nothing_is_new_to_both(&there, &ends)?;
        members_are_of_their_network_alone(&there, &ends)?;
        rules_meet_their_own_members(&there, &ends)?;
        bridges_that_stand_are_closed(&there)?;
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn nothing_is_open_at_any_point_that_is_not_filtered_and_wanted_at_an_end(batches in batches()) {
        play(&batches, |host, wants, _| at_every_point(host, &host.settle_whole(wants)))?;
    }

    #[test]
    fn nor_where_more_or_less_of_open_ports_is_checked(
        batches in batches(), securities in vec(securities(), 1..7),
    ) {
        let host = played(&batches)?;
        let wants = secured(&host.records, &securities);
        at_every_point(&host, &host.settle_whole(&wants))?;
    }

    #[test]
    fn nor_where_all_go_at_once(batches in batches()) {
        let host = played(&batches)?;
        at_every_point(&host, &host.settle_whole(&farewells(&host.records)))?;
    }
}
