//! The rules of a port's security groups as clauses.

use ipnet::IpNet;

use crate::firewall::Membership;
use crate::model::{Direction, Family, Port, Remote, SecurityGroupRule};

use super::{Clause, Reason, Traffic, Verdict};

/// What the port's groups allow in one direction and family: groups in the port's order, rules
/// in the group's order, as Neutron writes them.
pub(super) fn clauses(
    port: &Port,
    membership: &Membership,
    direction: Direction,
    family: Family,
) -> Vec<Clause> {
    port.security_groups
        .iter()
        .flat_map(|group| &group.rules)
        .filter(|rule| rule.direction == direction && rule.family == family)
        .flat_map(|rule| clauses_of(rule, port, membership))
        .collect()
}

fn clauses_of(rule: &SecurityGroupRule, port: &Port, membership: &Membership) -> Vec<Clause> {
    let clause =
        Clause::new(Verdict::Pass, Reason::Group).carrying(Traffic::Protocol(rule.protocol));
    let with_remote = |remote: IpNet| match rule.direction {
        Direction::Ingress => clause.clone().from(remote),
        Direction::Egress => clause.clone().to(remote),
    };
    match &rule.remote {
        Remote::Any => vec![clause],
        Remote::Prefix(prefix) => vec![with_remote(*prefix)],
        Remote::Group(group) => membership
            .of(group)
            .iter()
            .filter(|member| Family::of(member.addr()) == rule.family)
            .filter(|member| !is_own(port, member))
            .map(|member| with_remote(*member))
            .collect(),
    }
}

/// A port's own fixed address is no other side: Neutron leaves it out.
fn is_own(port: &Port, member: &IpNet) -> bool {
    port.fixed_ips.iter().any(|ip| IpNet::from(*ip) == *member)
}
