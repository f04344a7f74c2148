//! What Neutron's filter table lets a machine send and get: its groups' rules, and before them what a
//! machine needs to come up and what it may never be.

use std::net::IpAddr;

use ipnet::IpNet;

use super::groups;
use super::sources::sources;
use crate::configuration::{Checked, Configuration, Direction, Family, Mac, Port};
use crate::packet::Ip;

/// One machine as an end of a packet.
#[derive(Debug, Clone, Copy)]
pub(super) struct End<'a> {
    pub(super) configuration: &'a Configuration,
    pub(super) number: usize,
    /// The packet belongs to a connection that was answered, or is its first answer, or an error
    /// about one.
    pub(super) established: bool,
}

impl End<'_> {
    fn port(&self) -> &Port {
        &self.configuration.ports[self.number]
    }

    /// An answer passes, unless the port is stateless.
    fn is_known(&self) -> bool {
        self.established && !is_stateless(self.configuration, self.port())
    }

    fn allow(&self, direction: Direction, ip: &Ip) -> bool {
        groups::allow(self.configuration, self.port(), direction, ip)
    }

    /// Of one that is not filtered the tables ask nothing.
    fn is_filtered(&self) -> bool {
        self.configuration.checked(self.port()) != Checked::Nothing
    }

    pub(super) fn may_get(self, ip: &Ip) -> bool {
        if !self.is_filtered() {
            return true;
        }
        let own = || self.port().fixed_ips.iter();
        let by_itself = match ip.family() {
            Family::V4 => {
                let all = IpAddr::from([255; 4]);
                let to_it = own().len() == 0 || own().any(|own| *own == ip.destination);
                ip.is_udp((67, 68)) && (to_it || ip.destination == all)
            }
            Family::V6 => {
                let has_ipv6 = own().any(IpAddr::is_ipv6);
                let to_it = own().any(|own| *own == ip.destination);
                let configures = match ip.icmp() {
                    Some((130 | 135 | 136, _)) => true,
                    Some((134, _)) => has_ipv6,
                    _ => false,
                };
                let is_local = || net("fe80::/64").contains(&ip.destination);
                configures || ip.is_udp((547, 546)) && (to_it || is_local())
            }
        };
        by_itself || self.is_known() || self.allow(Direction::Ingress, ip)
    }

    pub(super) fn may_send(self, mac: Mac, ip: &Ip) -> bool {
        if !self.is_filtered() {
            return true;
        }
        let by_its_groups = || self.is_known() || self.allow(Direction::Egress, ip);
        may_send_without_address(ip)
            || self.is_source(mac, ip.source)
                && may_send_by_itself(ip).unwrap_or_else(by_its_groups)
    }

    /// Neutron checks nothing in a family of which the port has no address; the guard does.
    fn is_source(self, mac: Mac, source: IpAddr) -> bool {
        let all = sources(self.configuration, self.port(), Family::of(source));
        all.is_empty() || all.iter().any(|own| own.is(mac, source))
    }
}

fn may_send_without_address(ip: &Ip) -> bool {
    if !ip.source.is_unspecified() {
        return false;
    }
    match ip.family() {
        Family::V4 => ip.is_udp((68, 67)) && ip.destination == IpAddr::from([255; 4]),
        Family::V6 => {
            let kind = ip.icmp().map(|(kind, _)| kind);
            let speaks = kind.is_some_and(|kind| [131, 135, 143].contains(&kind));
            speaks && net("ff02::/16").contains(&ip.destination)
        }
    }
}

/// What the groups are not asked about.
fn may_send_by_itself(ip: &Ip) -> Option<bool> {
    let (client, server) = match ip.family() {
        Family::V4 => (68, 67),
        Family::V6 => (546, 547),
    };
    let is_icmpv6 = ip.family() == Family::V6 && ip.icmp().is_some();
    if is_icmpv6 {
        return ip.icmp().map(|(kind, _)| kind != 134);
    }
    let asks = ip.is_udp((client, server));
    (asks || ip.is_udp((server, client))).then_some(asks)
}

/// As its first group is, if that has a rule. One of a service of Neutron's never is.
pub(super) fn is_stateless(configuration: &Configuration, port: &Port) -> bool {
    let names = configuration.groups_of(port);
    if port.is_owned_by("neutron:") {
        return false;
    }
    let first = names.first().map(|name| configuration.group(name));
    first.is_some_and(|group| {
        // A rule that comes to nothing, as one for an address group without addresses, is none.
        let means = |rule| !groups::remotes(configuration, rule).is_empty();
        let mut rules = group.ingress.iter().chain(&group.egress);
        !group.stateful && rules.any(means)
    })
}

fn net(text: &str) -> IpNet {
    text.parse().expect("a prefix")
}
