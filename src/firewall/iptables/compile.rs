//! A clause of a policy as rules.

use std::collections::BTreeSet;
use std::num::NonZeroU8;

use ipnet::IpNet;

use crate::firewall::Membership;
use crate::firewall::policy::{Clause, End, Member, State, Traffic, Verdict};
use crate::model::{Family, Port, PortProtocol, PortRange, Protocol};

use super::{ChainName, Comment, CtStates, Match, Options, Rule, SetName, SetSide, Target};

/// Everything that decides how the clauses of one port are written in one family.
pub(super) struct Translation<'a> {
    pub(super) port: &'a Port,
    pub(super) membership: &'a Membership,
    pub(super) family: Family,
    pub(super) options: &'a Options,
    pub(super) targets: Targets,
}

/// Where a port's clauses lead.
pub(super) struct Targets {
    /// The chain that checks the source.
    pub(super) source_check: ChainName,
    /// The chain that drops.
    pub(super) fallback: ChainName,
}

impl Translation<'_> {
    /// The rules of these clauses, equal ones once (the first stays).
    pub(super) fn rules(&self, clauses: &[Clause]) -> Vec<Rule> {
        let mut seen = BTreeSet::new();
        let mut is_new = |rule: &Rule| seen.insert(rule.clone());
        let rules = clauses.iter().flat_map(|clause| self.rules_of(clause));
        rules.filter(|rule| is_new(rule)).collect()
    }

    fn rules_of(&self, clause: &Clause) -> Vec<Rule> {
        match &clause.member {
            None => self.rule(clause, None).into_iter().collect(),
            Some(member) if self.options.ipset => {
                let in_set = self.in_set(member);
                let rule = in_set.and_then(|in_set| self.rule(clause, Some(in_set)));
                rule.into_iter().collect()
            }
            Some(member) => {
                let members = self.members(member);
                let one = |prefix| clause.clone().at(member.end, prefix);
                members
                    .filter_map(|prefix| self.rule(&one(prefix), None))
                    .collect()
            }
        }
    }

    /// The match of a group's set; `None` if no set can have its name.
    fn in_set(&self, member: &Member) -> Option<Match> {
        let side = match member.end {
            End::Source => SetSide::Src,
            End::Destination => SetSide::Dst,
        };
        let group = self.port.remote_group(&member.group);
        Some(Match::Set(
            SetName::of_group(group.key(), self.family)?,
            side,
        ))
    }

    /// A group's members but for the port's own fixed addresses: Neutron leaves them out here.
    fn members(&self, member: &Member) -> impl Iterator<Item = IpNet> {
        let members = self.membership.of(&member.group).iter().copied();
        let is_own = |member: &IpNet| {
            let mut own = self.port.fixed_ips.iter();
            own.any(|ip| IpNet::from(*ip) == *member)
        };
        members.filter(move |member| Family::of(member.addr()) == self.family && !is_own(member))
    }

    /// The rule of a clause; `None` where iptables cannot say it and every other rule would let more
    /// through.
    fn rule(&self, clause: &Clause, member: Option<Match>) -> Option<Rule> {
        let targets = &self.targets;
        let target = match clause.verdict {
            Verdict::Pass => Target::Return,
            Verdict::Drop => Target::Drop,
            Verdict::CheckSource => Target::Jump(targets.source_check.clone()),
            Verdict::Unmatched => Target::Jump(targets.fallback.clone()),
        };
        let rule = Rule::new(target).from(clause.source).to(clause.destination);
        let rule = with_traffic(rule, clause.traffic, self.family)?;
        let rule = member.into_iter().fold(rule, Rule::matching);
        let comment = Comment::of(clause.reason).filter(|_| self.options.comments);
        Some(rule.comment(comment))
    }
}

fn with_traffic(rule: Rule, traffic: Traffic, family: Family) -> Option<Rule> {
    Some(match traffic {
        Traffic::Any => rule,
        Traffic::Protocol(protocol) => carrying(rule, protocol, family)?,
        Traffic::Udp {
            source,
            destination,
        } => rule.protocol(NonZeroU8::new(17)).matching(Match::Ports {
            protocol: PortProtocol::Udp,
            source: one_port(source),
            destination: one_port(destination),
        }),
        Traffic::State(State::Established) => rule.matching(Match::State(CtStates::established())),
        Traffic::State(State::Invalid) => rule.matching(Match::State(CtStates::invalid())),
    })
}

fn carrying(rule: Rule, protocol: Protocol, family: Family) -> Option<Rule> {
    Some(match protocol {
        Protocol::Any => rule,
        Protocol::Number(number) => rule.protocol(NonZeroU8::new(number)),
        Protocol::Icmp(kind) => {
            let (number, wrap): (_, fn(_) -> Match) = match family {
                Family::Ipv4 => (1, Match::Icmp),
                Family::Ipv6 => (58, Match::Icmpv6),
            };
            // To iptables, IPv4's type 255 is every type. Nobody sends that type.
            if family == Family::Ipv4 && kind.is_some_and(|kind| kind.kind == u8::MAX) {
                return None;
            }
            let rule = rule.protocol(NonZeroU8::new(number));
            kind.into_iter().map(wrap).fold(rule, Rule::matching)
        }
        Protocol::Ports(protocol, ports) => with_ports(rule, protocol, ports),
    })
}

/// Neutron writes one port as `--dport` and a range as `multiport`; UDP-Lite always as
/// `multiport`, as iptables has no module for it.
fn with_ports(rule: Rule, protocol: PortProtocol, ports: Option<PortRange>) -> Rule {
    let rule = rule.protocol(NonZeroU8::new(number(protocol)));
    let Some(range) = ports else { return rule };
    let module = |destination| Match::Ports {
        protocol,
        source: None,
        destination,
    };
    match (protocol, range.first() == range.last()) {
        (PortProtocol::Udplite, _) => rule.matching(Match::Multiport(range)),
        (_, true) => rule.matching(module(Some(range))),
        (_, false) => rule
            .matching(module(None))
            .matching(Match::Multiport(range)),
    }
}

fn number(protocol: PortProtocol) -> u8 {
    match protocol {
        PortProtocol::Tcp => 6,
        PortProtocol::Udp => 17,
        PortProtocol::Dccp => 33,
        PortProtocol::Sctp => 132,
        PortProtocol::Udplite => 136,
    }
}

fn one_port(number: u16) -> Option<PortRange> {
    PortRange::new(number, number).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::IcmpMatch;

    fn text(protocol: Protocol, family: Family) -> Option<String> {
        let rule = carrying(Rule::new(Target::Return), protocol, family)?;
        Some(rule.to_string())
    }

    #[test]
    fn icmp_type_255_never_becomes_every_type() {
        let icmp = |kind, code| Protocol::Icmp(Some(IcmpMatch { kind, code }));
        assert_eq!(text(icmp(255, None), Family::Ipv4), None);
        assert_eq!(text(icmp(255, Some(0)), Family::Ipv4), None);
        let v6 = text(icmp(255, None), Family::Ipv6);
        assert_eq!(
            v6.unwrap(),
            "-p ipv6-icmp -m icmp6 --icmpv6-type 255 -j RETURN"
        );
    }

    #[test]
    fn each_protocol_with_ports_has_the_text_that_iptables_takes() {
        let ports = |protocol, first, last| {
            let range = PortRange::new(first, last).unwrap();
            text(Protocol::Ports(protocol, Some(range)), Family::Ipv4).unwrap()
        };
        for (protocol, first, last, expected) in [
            (
                PortProtocol::Tcp,
                22,
                22,
                "-p tcp -m tcp --dport 22 -j RETURN",
            ),
            (
                PortProtocol::Udp,
                1,
                65535,
                "-p udp -m udp -m multiport --dports 1:65535 -j RETURN",
            ),
            (
                PortProtocol::Sctp,
                7,
                7,
                "-p sctp -m sctp --dport 7 -j RETURN",
            ),
            (
                PortProtocol::Dccp,
                7,
                8,
                "-p dccp -m dccp -m multiport --dports 7:8 -j RETURN",
            ),
            (
                PortProtocol::Udplite,
                7,
                7,
                "-p udplite -m multiport --dports 7 -j RETURN",
            ),
        ] {
            assert_eq!(ports(protocol, first, last), expected);
        }
    }

    #[test]
    fn protocol_zero_is_every_protocol_as_in_neutron() {
        assert_eq!(
            text(Protocol::Number(0), Family::Ipv4).unwrap(),
            "-j RETURN"
        );
    }
}
