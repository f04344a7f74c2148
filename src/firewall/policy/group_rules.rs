//! The rules of a port's security groups as clauses.

use crate::model::{Direction, Family, Port, Remote, SecurityGroupRule};

use super::{Clause, End, Member, Reason, Traffic, Verdict};

/// What the port's groups allow in one direction and family: groups in the port's order, rules
/// in the group's order, as Neutron writes them.
pub(super) fn clauses(port: &Port, direction: Direction, family: Family) -> Vec<Clause> {
    port.security_groups
        .iter()
        .flat_map(|group| &group.rules)
        .filter(|rule| rule.direction == direction && rule.family == family)
        .map(clause)
        .collect()
}

fn clause(rule: &SecurityGroupRule) -> Clause {
    let clause =
        Clause::new(Verdict::Pass, Reason::Group).carrying(Traffic::Protocol(rule.protocol));
    let other = match rule.direction {
        Direction::Ingress => End::Source,
        Direction::Egress => End::Destination,
    };
    match &rule.remote {
        Remote::Any => clause,
        Remote::Prefix(prefix) => clause.at(other, *prefix),
        Remote::Group(group) => {
            let member = Member {
                end: other,
                group: group.clone(),
            };
            let member = Some(member);
            Clause { member, ..clause }
        }
    }
}
