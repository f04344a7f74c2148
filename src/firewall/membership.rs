//! Who is in a security group: what a rule with a remote group stands for.

use std::collections::{BTreeMap, BTreeSet};

use ipnet::IpNet;

use crate::model::Port;

/// The addresses of each security group's members, by the group's name.
///
/// An input of its own to the compiler, so that whoever knows of members can feed it: the ports
/// of this host, the configuration's `members`, later another source. Members keep the order in
/// which they came, and a rule with a remote group becomes one rule a member in that order: feed
/// it in a stable order, or chains are rewritten for nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Membership(BTreeMap<String, Vec<IpNet>>);

impl Membership {
    /// Nobody is in any group.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds these addresses to a group; those that it has already stay where they are.
    pub fn add(&mut self, group: &str, addresses: impl IntoIterator<Item = IpNet>) {
        let members = self.0.entry(group.to_owned()).or_default();
        let mut known: BTreeSet<IpNet> = members.iter().copied().collect();
        let addresses = addresses.into_iter().map(|address| address.trunc());
        members.extend(addresses.filter(|address| known.insert(*address)));
    }

    /// Adds a port to each of its groups, with its fixed addresses and its allowed address pairs
    /// as Neutron's server does, and the members that those groups have on other hosts.
    pub fn add_port(&mut self, port: &Port) {
        for group in &port.security_groups {
            self.add(&group.name, port.addresses());
            self.add(&group.name, group.members.iter().copied());
        }
    }

    /// The members of a group; nobody for a group that was never added to.
    pub fn of(&self, group: &str) -> &[IpNet] {
        self.0.get(group).map_or(&[], Vec::as_slice)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_the_order_of_arrival_and_no_member_twice() {
        let net = |text: &str| text.parse::<IpNet>().unwrap();
        let mut membership = Membership::new();
        membership.add("web", [net("192.0.2.9/32"), net("10.9.1.1/16")]);
        membership.add("web", [net("10.9.0.0/16"), net("192.0.2.1/32")]);
        let expected = [net("192.0.2.9/32"), net("10.9.0.0/16"), net("192.0.2.1/32")];
        assert_eq!(membership.of("web"), expected);
        assert!(membership.of("unknown").is_empty());
    }
}
