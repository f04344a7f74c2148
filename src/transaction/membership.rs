//! Who is in which security group, from the index.

use std::collections::BTreeSet;

use crate::firewall::Membership;
use crate::model::DomainUuid;
use crate::record::{Phase, Want};
use crate::transaction::Records;

/// The members of every group: the addresses of started ports, and those that the group's
/// definition lists on other hosts.
pub(super) fn membership(records: &Records) -> Membership {
    let mut membership = Membership::default();
    let started = records
        .index
        .lines
        .iter()
        .filter(|line| line.phase == Phase::Started);
    for line in started {
        for group in &line.groups {
            membership.add(group, line.fixed_ips.iter().map(|ip| (*ip).into()));
        }
    }
    let ports = records
        .domains
        .values()
        .flat_map(|record| &record.want.ports);
    for group in ports.flat_map(|port| &port.security_groups) {
        membership.add(&group.name, group.members.iter().copied());
    }
    membership
}

/// The other domains whose rules may change when these wants are applied: their rules name a group
/// that a port of these domains is, or was, a member of.
pub fn touched(records: &Records, wants: &[Want]) -> BTreeSet<DomainUuid> {
    let own: BTreeSet<&DomainUuid> = wants.iter().map(|want| &want.uuid).collect();
    let new = wants
        .iter()
        .flat_map(|want| &want.ports)
        .flat_map(|port| &port.security_groups);
    let mut groups: BTreeSet<&str> = new.map(|group| group.name.as_str()).collect();
    let (own_lines, others): (Vec<_>, Vec<_>) = records
        .index
        .lines
        .iter()
        .partition(|line| own.contains(&line.domain));
    groups.extend(
        own_lines
            .iter()
            .flat_map(|line| &line.groups)
            .map(String::as_str),
    );
    let names_one = |group: &String| groups.contains(group.as_str());
    let touched = others
        .iter()
        .filter(|line| line.remote_groups.iter().any(names_one));
    touched.map(|line| line.domain.clone()).collect()
}
