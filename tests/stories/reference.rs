//! The reference's guest on our host: the reference's links, Neutron's filter tables, and after
//! its stop the host as it was.

use super::link_details::{self, Details};
use super::{
    BRIDGE, CONFIG, DEVICE, OTHER_PEOPLES, TAP, filter, host, rules, web1, without_counters,
};
use crate::support::Lab;

const REFERENCE: &str = include_str!("../../fixtures/reference/ip-d-link.txt");
const NEUTRON: [(&str, &str); 2] = [
    (
        "iptables-save",
        include_str!("../../fixtures/neutron/01-seed-port/iptables-save.txt"),
    ),
    (
        "ip6tables-save",
        include_str!("../../fixtures/neutron/01-seed-port/ip6tables-save.txt"),
    ),
];

/// What we set otherwise, on purpose (docs: the bridge asks for iptables itself, so that the
/// host-wide setting can stay off; and it forwards what is sent to 01:80:c2:00:00:0e, which else
/// passes by the guard).
const ON_PURPOSE: [(&str, &str); 3] = [
    ("bridge.group_fwd_mask", "0x4000"),
    ("bridge.nf_call_iptables", "1"),
    ("bridge.nf_call_ip6tables", "1"),
];
/// What no two kernels, or no two starts, have in common: random and derived addresses, numbers in
/// order of arrival, timers and their rounding, offload limits, the speed that a tap claims.
const INVENTED_BY_THE_KERNEL: [&str; 13] = [
    "link.link/ether",
    "bridge.bridge_id",
    "bridge.gc_timer",
    "bridge.mcast_startup_query_interval",
    "designated_root",
    "designated_bridge",
    "designated_port",
    "port_id",
    "port_no",
    "gso_max_size",
    "tso_max_size",
    "gro_max_size",
    "bridge_slave.cost",
];
/// What an older `ip`, or a kernel without VLAN filtering, does not tell.
const NOT_TOLD_EVERYWHERE: [&str; 5] = [
    "bridge.vlan_protocol",
    "bridge.vlan_default_pvid",
    "bridge.vlan_stats_enabled",
    "bridge.vlan_stats_per_port",
    "bridge_slave.mab",
];

#[test]
fn the_references_guest_has_the_references_links_and_leaves_the_host_as_it_was() {
    let lab = host(CONFIG);
    lab.ok(OTHER_PEOPLES);
    let before = lab.dump();
    let theirs = rules_of_both_families(&lab);

    let mut web1 = lab.define(&web1());
    web1.start().ok();
    assert_links_are_the_references(&lab);
    let flood = lab.ok("bridge fdb show dev vxlan-267 | grep 00:00:00:00:00:00");
    assert_eq!(
        flood.trim(),
        "00:00:00:00:00:00 dst 172.16.0.32 self permanent"
    );
    assert_filter_tables_are_neutrons_beside(&lab, &theirs);

    web1.destroy();
    lab.assert_unchanged_since(&before);
    let after = rules_of_both_families(&lab);
    assert_eq!(after, theirs, "other people's rules, byte for byte");
}

/// The lines of `iptables-save` and of `ip6tables-save`.
pub(crate) fn rules_of_both_families(lab: &Lab) -> [Vec<String>; 2] {
    NEUTRON.map(|(save, _)| rules(lab, save))
}

/// Both filter tables are, rule for rule and in the same order, what Neutron's agent writes for the
/// reference's guest and nobody else's.
#[track_caller]
pub(crate) fn assert_filter_tables_are_neutrons(lab: &Lab) {
    for (save, neutron) in NEUTRON {
        assert_filter_is(lab, save, neutron, &[]);
    }
}

/// The same on a host with rules of other people, which stand as they stood.
#[track_caller]
pub(crate) fn assert_filter_tables_are_neutrons_beside(lab: &Lab, theirs: &[Vec<String>; 2]) {
    for ((save, neutron), theirs) in NEUTRON.iter().zip(theirs) {
        assert_others_rules_stand(lab, save, theirs);
        assert_filter_is(lab, save, neutron, theirs);
    }
}

#[track_caller]
fn assert_filter_is(lab: &Lab, save: &str, neutron: &str, theirs: &[String]) {
    let neutron: Vec<_> = neutron.lines().map(without_counters).collect();
    let builtin = |line: &String| line.starts_with(':') && !line.ends_with(" -");
    let without = |lines: &[String], known: &[String]| -> Vec<String> {
        let lines = filter(lines).into_iter();
        lines
            .filter(|line| !known.contains(line) && !builtin(line) && !line.starts_with('*'))
            .collect()
    };
    let ours = without(&rules(lab, save), theirs);
    assert_eq!(ours, without(&neutron, &[]), "{save}: ours, then Neutron's");
}

/// Every line of theirs is there, in its order.
#[track_caller]
fn assert_others_rules_stand(lab: &Lab, save: &str, theirs: &[String]) {
    let now = rules(lab, save);
    let mut left = now.iter();
    let missing: Vec<_> = theirs
        .iter()
        .filter(|line| !left.any(|there| there == *line))
        .collect();
    assert!(missing.is_empty(), "{save} lacks {missing:#?} in\n{now:#?}");
}

#[track_caller]
fn assert_links_are_the_references(lab: &Lab) {
    let reference = link_details::parse(REFERENCE);
    for name in [BRIDGE, DEVICE, TAP] {
        let listing = lab.ok(&format!("ip -d link show {name}"));
        let differences = differences(&reference[name], &link_details::parse(&listing)[name]);
        assert!(
            differences.is_empty(),
            "{name}: reference, then ours: {differences:#?}\n{listing}"
        );
    }
}

/// Attributes of the reference that ours has otherwise, without a listed reason; and attributes
/// that we set on purpose and have not.
fn differences(reference: &Details, ours: &Details) -> Vec<(String, String, Option<String>)> {
    let named = |list: &[&str], attribute: &str| {
        let last = attribute.split_once('.').expect("a section").1;
        list.contains(&attribute) || list.contains(&last)
    };
    let mut differences = Vec::new();
    for (attribute, value) in reference {
        let on_purpose = ON_PURPOSE.iter().find(|(name, _)| name == attribute);
        let expected = on_purpose.map_or(value.as_str(), |(_, value)| value);
        let excused = match ours.get(attribute) {
            Some(value) => value == expected || named(&INVENTED_BY_THE_KERNEL, attribute),
            None => named(&NOT_TOLD_EVERYWHERE, attribute),
        };
        if !excused {
            let ours = ours.get(attribute).cloned();
            differences.push((attribute.clone(), expected.to_owned(), ours));
        }
    }
    differences
}
