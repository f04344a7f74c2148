//! The laws of rules, rulesets and their differences.

mod firewall_gen;
mod firewall_model;

use firewall_gen::{
    Intrusion, families, filter_rules, hosts, intrusions, ports_numbered, raw_rules,
};
use firewall_model::Kernel;
use proptest::prelude::*;
use vmhook::firewall::Membership;
use vmhook::firewall::iptables::{
    Chain, ChainPrefix, Observed, Options, Rule, Ruleset, Table, Target, diff, parse_save,
    port_rules, repair, skeleton,
};
use vmhook::model::{Family, Port};

fn observe(kernel: &Kernel) -> Observed {
    parse_save(&kernel.save(), &ChainPrefix::default())
}

/// A kernel that has this ruleset, put there by us.
fn kernel_with(ruleset: &Ruleset) -> Kernel {
    let mut kernel = Kernel::new();
    kernel.restore(&diff(&Ruleset::default(), ruleset).restore_text());
    kernel
}

fn two_hosts() -> impl Strategy<Value = (Ruleset, Ruleset)> {
    families().prop_flat_map(|family| (hosts(family), hosts(family)))
}

fn one_host() -> impl Strategy<Value = Ruleset> {
    families().prop_flat_map(hosts)
}

/// What every part of a host needs, and what these ports add to it.
fn part(ports: &[Port], family: Family) -> Ruleset {
    let options = Options::default();
    let mut ruleset = skeleton(&options);
    for port in ports {
        ruleset.merge(&port_rules(&options, port, &Membership::new(), family));
    }
    ruleset
}

fn some_ports(numbers: std::ops::Range<u8>) -> impl Strategy<Value = Vec<Port>> {
    proptest::collection::btree_set(numbers, 0..3).prop_flat_map(ports_numbered)
}

/// Puts each line in before some line of some chain, ours or another's.
fn intrude(kernel: &mut Kernel, intrusions: &[Intrusion]) {
    for intrusion in intrusions {
        let chains = kernel.chains();
        let (table, chain) = intrusion.chain.get(&chains);
        let lines = kernel.lines(table, chain);
        let at = intrusion.at.index(lines.len() + 1);
        lines.insert(at, intrusion.line.to_owned());
    }
}

/// The lines of built-in chains that are not ours, in order.
fn foreign(kernel: &Kernel) -> Vec<String> {
    let ours = |line: &&str| line.contains("neutron-") || !line.starts_with("-A ");
    let text = kernel.save();
    text.lines()
        .filter(|line| !ours(line))
        .map(str::to_owned)
        .collect()
}

fn is_drop(rule: Option<&Rule>) -> bool {
    rule.is_some_and(|rule| match rule.target() {
        Target::Drop => rule.matches().len() <= 1,
        Target::Jump(chain) => chain.as_str().ends_with("-sg-fallback"),
        _ => false,
    })
}

proptest! {
    #[test]
    fn a_rule_is_read_back_from_its_text(rule in families().prop_flat_map(|family| prop_oneof![
        filter_rules(family, &["neutron-linuxbri-sg-chain"]).boxed(),
        raw_rules(family).boxed(),
    ])) {
        prop_assert_eq!(rule.to_string().parse::<Rule>(), Ok(rule));
    }

    #[test]
    fn no_text_makes_the_parser_panic(line in "(-[sdiopmjg] |--[a-z-]{1,12} |\"|\\\\|[ -~]{1,6} ){0,9}") {
        let rule = line.parse::<Rule>();
        prop_assert_eq!(rule.as_ref().map(ToString::to_string).map(|text| text.parse()), rule.as_ref().map(|rule| Ok(rule.clone())));
    }

    #[test]
    fn the_difference_to_itself_is_empty(host in one_host()) {
        let changes = diff(&host, &host);
        prop_assert!(changes.is_empty() && changes.only_adds());
        prop_assert_eq!(changes.restore_text(), "");
    }

    #[test]
    fn applying_the_difference_gives_what_is_wanted((have, want) in two_hosts()) {
        let mut kernel = kernel_with(&have);
        prop_assert_eq!(observe(&kernel), Observed::from(have.clone()));
        let changes = diff(&have, &want);
        kernel.restore(&changes.restore_text());
        prop_assert_eq!(observe(&kernel), Observed::from(want.clone()));
        prop_assert!(diff(&observe(&kernel).ruleset, &want).is_empty());
    }

    #[test]
    fn the_difference_of_a_part_leaves_all_other_ports_alone(
        family in families(),
        others in some_ports(0..3),
        have in some_ports(3..6),
        want in some_ports(3..6),
    ) {
        let with_others = |ports: &[Port]| {
            let mut ruleset = part(&others, family);
            ruleset.merge(&part(ports, family));
            ruleset
        };
        let mut kernel = kernel_with(&with_others(&have));
        let changes = diff(&part(&have, family), &part(&want, family));
        kernel.restore(&changes.restore_text());
        prop_assert_eq!(observe(&kernel), Observed::from(with_others(&want)));
    }

    #[test]
    fn removing_everything_leaves_the_built_in_chains(host in one_host()) {
        let mut kernel = kernel_with(&host);
        kernel.restore(&diff(&host, &Ruleset::default()).restore_text());
        prop_assert_eq!(kernel, Kernel::new());
    }

    #[test]
    fn only_adds_means_no_line_and_no_chain_is_deleted((have, want) in two_hosts()) {
        let changes = diff(&have, &want);
        let text = changes.restore_text();
        let deletes = text.lines().any(|line| line.starts_with("-D") || line.starts_with("-X"));
        let flushes = have.chains().any(|(table, name, chain)| {
            want.has_chain(table, name) && matches!(chain, Chain::Owned(_))
                && have.rules(table, name) != want.rules(table, name)
        });
        prop_assert_eq!(changes.only_adds(), !deletes && !flushes);
    }

    #[test]
    fn a_repair_takes_every_foreign_line_out_of_our_chains_and_none_out_of_others(
        (have, want) in two_hosts(),
        intrusions in intrusions(),
    ) {
        let mut kernel = kernel_with(&have);
        intrude(&mut kernel, &intrusions);
        let others = foreign(&kernel);
        let changes = repair(&observe(&kernel), &want);
        kernel.restore(&changes.restore_text());
        prop_assert_eq!(observe(&kernel), Observed::from(want.clone()));
        prop_assert!(repair(&observe(&kernel), &want).is_empty());
        prop_assert_eq!(foreign(&kernel), others);
    }

    #[test]
    fn a_repair_puts_each_jump_back_at_the_top_once(
        host in one_host(),
        copies in proptest::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>()), 1..4),
    ) {
        let mut kernel = kernel_with(&host);
        for (jump, at) in copies {
            let jumps: Vec<_> = host.jumps().collect();
            if jumps.is_empty() {
                continue;
            }
            let (table, builtin, chain) = *jump.get(&jumps);
            let lines = kernel.lines(table.name(), builtin.name());
            lines.push("-i docker0 -j ACCEPT".to_owned());
            lines.insert(at.index(lines.len() + 1), format!("-j {chain}"));
        }
        let changes = repair(&observe(&kernel), &host);
        kernel.restore(&changes.restore_text());
        for (table, builtin) in host.jumps().map(|(table, builtin, _)| (table, builtin)) {
            let ours = host.jumps().filter(|jump| (jump.0, jump.1) == (table, builtin));
            let ours: Vec<_> = ours.map(|(_, _, chain)| format!("-j {chain}")).collect();
            let lines = kernel.lines(table.name(), builtin.name());
            prop_assert_eq!(&lines[..ours.len()], &ours);
            prop_assert!(!lines[ours.len()..].iter().any(|line| line.contains("neutron-")));
        }
        prop_assert_eq!(observe(&kernel), Observed::from(host));
    }

    #[test]
    fn every_jump_has_its_chain_and_every_port_chain_ends_in_a_drop(host in one_host()) {
        for (table, _, to) in host.jumps() {
            prop_assert!(host.has_chain(table, to), "{}", to);
        }
        for (table, name, _) in host.chains() {
            let rules = host.rules(table, name);
            for to in rules.iter().filter_map(|rule| rule.target().chain()) {
                prop_assert!(host.has_chain(table, to), "{}", to);
            }
            let part = name.as_str().strip_prefix("neutron-linuxbri-").unwrap_or_default();
            if table == Table::Filter && part.len() == 11 && part.starts_with(['i', 'o', 's']) {
                prop_assert!(is_drop(rules.last()), "{}", name);
            }
        }
    }

    /// A packet between a port that is filtered and one that is not must meet the chains of the first.
    #[test]
    fn what_accepts_stands_behind_every_jump_after_any_change(
        (have, want) in two_hosts(),
        intrusions in intrusions(),
        mend in any::<bool>(),
    ) {
        let mut kernel = kernel_with(&have);
        if mend {
            intrude(&mut kernel, &intrusions);
            kernel.restore(&repair(&observe(&kernel), &want).restore_text());
        } else {
            kernel.restore(&diff(&have, &want).restore_text());
        }
        for (table, chain) in kernel.chains() {
            if table == "filter" && chain.starts_with("neutron-linuxbri-") {
                let lines = kernel.lines(&table, &chain).clone();
                let accepts = |line: &String| line.ends_with("-j ACCEPT");
                prop_assert!(lines.is_sorted_by_key(accepts), "{} has {:?}", chain, lines);
            }
        }
    }

    #[test]
    fn a_line_that_accepts_before_one_that_jumps_is_put_behind_it(host in one_host()) {
        let mut kernel = kernel_with(&host);
        let there = kernel.chains();
        let forward = there.iter().find(|(table, chain)| {
            table == "filter" && chain == "neutron-linuxbri-FORWARD"
        });
        if let Some((table, chain)) = forward {
            kernel.lines(table, chain).reverse();
        }
        kernel.restore(&repair(&observe(&kernel), &host).restore_text());
        prop_assert_eq!(&observe(&kernel), &Observed::from(host.clone()));
        if let Some((table, chain)) = forward {
            let accepts = |line: &String| line.ends_with("-j ACCEPT");
            prop_assert!(kernel.lines(table, chain).is_sorted_by_key(accepts));
        }
    }

    #[test]
    fn a_record_keeps_a_ruleset(host in one_host()) {
        let json = serde_json::to_string(&host).unwrap();
        prop_assert_eq!(serde_json::from_str::<Ruleset>(&json).unwrap(), host);
    }

    #[test]
    fn merging_is_the_same_in_any_order_and_twice_as_once(host in one_host()) {
        let mut twice = host.clone();
        twice.merge(&host);
        prop_assert_eq!(&twice, &host);
        let mut from_nothing = Ruleset::default();
        from_nothing.merge(&host);
        prop_assert_eq!(from_nothing, host);
    }
}
