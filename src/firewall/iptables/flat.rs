//! A port's chains, and its lines in the shared chains.

use crate::firewall::Membership;
use crate::firewall::policy::{Policy, Source};
use crate::model::{Family, IfName, Port, PortSecurity};

use super::compile::{Targets, Translation};
use super::{
    ChainName, Comment, Match, Options, Physdev, Rule, Ruleset, Side, Table, Target, chain_suffix,
};

/// What one port adds, as Neutron writes it; empty while the port has no tap.
///
/// The `flat` dispatch: two lines a port in `<prefix>-FORWARD` and `<prefix>-sg-chain`, one in
/// `<prefix>-INPUT`. A packet between two ports of this host passes the chains of both. The
/// chains lead to `<prefix>-sg-fallback`, so it needs the [skeleton](super::skeleton()).
///
/// A port that is not filtered has no chains: its lines accept, and stand after those of all filtered
/// ports, so that a packet between the two passes the chains of the one that has them.
pub fn port_rules(
    options: &Options,
    port: &Port,
    membership: &Membership,
    family: Family,
) -> Ruleset {
    let mut ruleset = Ruleset::default();
    let Some(tap) = &port.tap else { return ruleset };
    if !port.security.is_filtered() {
        accept(options, port, &tap.name, &mut ruleset);
        return ruleset;
    }
    let chains = PortChains::of(options, port);
    let policy = Policy::of(port, family);
    let translation = Translation {
        port,
        membership,
        family,
        options,
        targets: Targets {
            source_check: chains.source_check.clone(),
            fallback: options.prefix.chain("sg-fallback"),
        },
    };
    let ingress = translation.rules(&policy.ingress);
    let egress = translation.rules(&policy.egress);
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
        let jump = Rule::jump(to.clone()).matching(bridged(tap, side));
        jump.comment(options.comments.then_some(comment))
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

/// The lines of a port that is not filtered. Neutron leaves what a trusted port sends to the host
/// itself to the host's own rules.
fn accept(options: &Options, port: &Port, tap: &IfName, ruleset: &mut Ruleset) {
    let (comment, to_host): (_, &[Side]) = match port.security {
        PortSecurity::Trusted => (Comment::TRUSTED, &[]),
        _ => (Comment::NO_PORT_SECURITY, &[Side::In]),
    };
    let lines = |sides: &[Side]| -> Vec<Rule> {
        let line = |side: &Side| {
            let accept = Rule::new(Target::Accept).matching(bridged(tap, *side));
            accept.comment(options.comments.then(|| comment.clone()))
        };
        sides.iter().map(line).collect()
    };
    let chain = |name| options.prefix.chain(name);
    ruleset.set_chain(
        Table::Filter,
        chain("FORWARD"),
        lines(&[Side::Out, Side::In]),
    );
    ruleset.set_chain(Table::Filter, chain("INPUT"), lines(to_host));
}

fn bridged(tap: &IfName, side: Side) -> Match {
    Match::Physdev(Physdev {
        device: tap.clone(),
        side,
        is_bridged: true,
    })
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::firewall::iptables::{Place, network_rules, skeleton};
    use crate::firewall::tracking::Tracking;
    use crate::model::{SecurityGroup, Tap, Zone};

    fn port(tap: Option<&str>) -> Port {
        let tap = tap.map(|name| Tap {
            name: name.parse().unwrap(),
            index: 7,
        });
        Port {
            network: "lab".parse().unwrap(),
            mac: "fa:16:3e:be:71:21".parse().unwrap(),
            tap,
            target: None,
            fixed_ips: vec!["192.0.2.1".parse().unwrap()],
            allowed_address_pairs: Vec::new(),
            security_groups: vec![SecurityGroup::builtin_default()],
            ipv6_addresses: crate::model::Ipv6Addresses::default(),
            dhcp_servers: None,
            remote_groups: Vec::new(),
            security: crate::model::PortSecurity::default(),
        }
    }

    #[test]
    fn a_port_without_tap_adds_nothing() {
        let rules = port_rules(
            &Options::default(),
            &port(None),
            &Membership::new(),
            Family::Ipv4,
        );
        assert!(rules.is_empty());
    }

    #[test]
    fn without_comments_only_the_zone_keeps_its_own() {
        let options = Options {
            comments: false,
            ..Options::default()
        };
        let port = port(Some("vnet0"));
        let mut host = skeleton(&options);
        host.merge(&port_rules(
            &options,
            &port,
            &Membership::new(),
            Family::Ipv4,
        ));
        let bridge = port.network.bridge();
        let place = Place {
            bridge: &bridge,
            network: &port.network,
            zone: Zone::FIRST,
        };
        host.merge(&network_rules(
            &options,
            place,
            &Tracking::default(),
            Family::Ipv4,
        ));
        let text = host.to_string();
        let comments: Vec<_> = text
            .lines()
            .filter(|line| line.contains("comment"))
            .collect();
        assert_eq!(
            comments,
            [
                "-A neutron-linuxbri-PREROUTING -i brqlab -m comment --comment \"Set zone for lab\" \
              -j CT --zone 4097"
            ]
        );
    }

    #[test]
    fn a_member_of_its_own_group_is_let_in_but_not_from_itself() {
        let mut membership = Membership::new();
        let port = port(Some("vnet0"));
        membership.add_port(&port);
        membership.add("default", ["192.0.2.2/32".parse().unwrap()]);
        let options = Options {
            ipset: false,
            ..Options::default()
        };
        let text = port_rules(&options, &port, &membership, Family::Ipv4).to_string();
        assert!(text.contains("-s 192.0.2.2/32 -j RETURN"));
        assert!(!text.contains("-s 192.0.2.1/32 -j RETURN"));
    }
}
