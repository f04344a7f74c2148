//! A port's chains, and its lines in the shared chains.

use crate::firewall::Membership;
use crate::firewall::policy::{Policy, Source};
use crate::model::{Family, IfName, Port};

use super::compile::{Targets, rules};
use super::{
    ChainName, Comment, Match, Options, Physdev, Rule, Ruleset, Side, Table, Target, chain_suffix,
};

/// What one port adds, as Neutron writes it; empty while the port has no tap.
///
/// The `flat` dispatch: two lines a port in `<prefix>-FORWARD` and `<prefix>-sg-chain`, one in
/// `<prefix>-INPUT`. A packet between two ports of this host passes the chains of both. The
/// chains lead to `<prefix>-sg-fallback`, so it needs the [skeleton](super::skeleton).
pub fn port_rules(
    options: &Options,
    port: &Port,
    membership: &Membership,
    family: Family,
) -> Ruleset {
    let mut ruleset = Ruleset::default();
    let Some(tap) = &port.tap else { return ruleset };
    let chains = PortChains::of(options, port);
    let policy = Policy::of(port, membership, family);
    let targets = Targets {
        source_check: chains.source_check.clone(),
        fallback: options.prefix.chain("sg-fallback"),
    };
    let compiled = |clauses| rules(clauses, family, &targets, options);
    let ingress = compiled(&policy.ingress);
    let egress = compiled(&policy.egress);
    dispatch(options, &tap.name, &chains, &mut ruleset);
    ruleset.set_chain(Table::Filter, chains.ingress, ingress);
    ruleset.set_chain(Table::Filter, chains.egress, egress);
    if !policy.sources.is_empty() {
        let rules = source_rules(&policy.sources, options);
        ruleset.set_chain(Table::Filter, chains.source_check, rules);
    }
    ruleset
}

struct PortChains {
    ingress: ChainName,
    egress: ChainName,
    source_check: ChainName,
}

impl PortChains {
    fn of(options: &Options, port: &Port) -> Self {
        let suffix = chain_suffix(port);
        Self {
            ingress: options.prefix.ingress(&suffix),
            egress: options.prefix.egress(&suffix),
            source_check: options.prefix.source_check(&suffix),
        }
    }
}

fn dispatch(options: &Options, tap: &IfName, chains: &PortChains, ruleset: &mut Ruleset) {
    let line = |side, to: &ChainName, comment| {
        let physdev = Physdev {
            device: tap.clone(),
            side,
            is_bridged: true,
        };
        Rule::jump(to.clone())
            .matching(Match::Physdev(physdev))
            .comment(options.comments.then_some(comment))
    };
    let sg_chain = options.prefix.chain("sg-chain");
    let forward = [Side::Out, Side::In].map(|side| line(side, &sg_chain, Comment::TO_SG_CHAIN));
    let input = line(Side::In, &chains.egress, Comment::TO_HOST);
    let to_port = [
        line(Side::Out, &chains.ingress, Comment::TO_PORT),
        line(Side::In, &chains.egress, Comment::TO_PORT),
    ];
    for (chain, lines) in [
        (options.prefix.chain("FORWARD"), forward.to_vec()),
        (options.prefix.chain("INPUT"), vec![input]),
        (sg_chain, to_port.to_vec()),
    ] {
        ruleset.set_chain(Table::Filter, chain, lines);
    }
}

fn source_rules(sources: &[Source], options: &Options) -> Vec<Rule> {
    let allow = |source: &Source| {
        Rule::new(Target::Return)
            .from(source.ip)
            .matching(Match::Mac(source.mac))
            .comment(options.comments.then_some(Comment::SOURCE))
    };
    let drop = Rule::new(Target::Drop).comment(options.comments.then_some(Comment::NO_SOURCE));
    sources.iter().map(allow).chain([drop]).collect()
}
