//! Who is in which security group.
//!
//! What a domain's rules become depends on the index and on its own want, on nothing else: so a
//! transaction that has loaded only the domains concerned compiles them as one that has loaded all.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use ipnet::IpNet;

use crate::firewall::Membership;
use crate::firewall::ipset::Sets;
use crate::firewall::iptables::SetName;
use crate::model::{DomainUuid, Port, RemoteGroup};
use crate::record::{Index, Phase, Want};
use crate::transaction::Records;

/// The members of every group on this host: the addresses of started ports.
///
/// By address, not by arrival: a chain has a rule a member, in this order, and must not be written
/// anew because the index was.
pub(super) fn on_this_host(index: &Index) -> Membership {
    let mut groups: BTreeMap<&str, BTreeSet<IpNet>> = BTreeMap::new();
    for line in &index.lines {
        for group in line.groups.iter().filter(|_| line.phase == Phase::Started) {
            let members = groups.entry(group).or_default();
            members.extend(line.addresses());
        }
    }
    let mut membership = Membership::new();
    for (group, members) in groups {
        membership.add(group, members);
    }
    membership
}

/// The set of each group and family that a started port's rules name. Where two ports know a group
/// by two definitions, the one that came later holds for both.
pub fn sets(index: &Index) -> Sets {
    let started = index
        .lines
        .iter()
        .filter(|line| line.phase == Phase::Started);
    let mut defined: BTreeMap<SetName, &RemoteGroup> = BTreeMap::new();
    for (group, families) in started.flat_map(|line| &line.remotes) {
        let names = families.iter();
        let names = names.filter_map(|family| SetName::of_group(group.key(), *family));
        defined.extend(names.map(|name| (name, group)));
    }
    let here = on_this_host(index);
    let mut sets = Sets::default();
    for (name, group) in defined {
        let here = here.of(&group.name).iter();
        sets.insert(name, here.chain(&group.members).copied());
    }
    sets
}

/// The members as one domain sees them: also those that the groups which its rules name have on other
/// hosts, as its want says.
pub(super) fn seen_by<'a>(want: &Want, here: &'a Membership) -> Cow<'a, Membership> {
    let groups = want.ports.iter().flat_map(Port::remotes);
    let mut seen = Cow::Borrowed(here);
    for (group, _) in groups.filter(|(group, _)| !group.members.is_empty()) {
        let members: BTreeSet<IpNet> = group.members.iter().copied().collect();
        seen.to_mut().add(&group.name, members);
    }
    seen
}

/// The other domains whose rules may change when these wants are applied: their rules name a group
/// that a port of these domains is, or was, a member of. None where groups are sets.
pub fn touched(records: &Records, wants: &[Want]) -> BTreeSet<DomainUuid> {
    if records.host.as_ref().is_some_and(|host| host.options.ipset) {
        return BTreeSet::new();
    }
    naming(records, wants)
}

/// The other domains whose rules name a group that a port of these domains is, or was, a member of.
pub fn naming(records: &Records, wants: &[Want]) -> BTreeSet<DomainUuid> {
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
