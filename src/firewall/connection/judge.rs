//! Whose connections are over, where ports change while they stay open.

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::{Admission, Connection};
use crate::model::Direction;

/// A port whose rules, addresses or groups' members change while it stays open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changed {
    /// What it was.
    pub before: Admission,
    /// What it is.
    pub after: Admission,
    /// The addresses that are another open port's own.
    pub others: BTreeSet<IpAddr>,
}

impl Changed {
    /// Whether the connection has an end that is this port's and that it may not have any more.
    ///
    /// An address that is the port's own and no other's is its. One that it shares with another port
    /// was its if what it was would have allowed the connection, and so was one that it may use
    /// besides and that is nobody's own: there may be a host beyond the tunnel that has it. A port that
    /// was not filtered may have used any; but what a port of this host has with a stranger, this one
    /// or another, is judged at its own end alone.
    fn ends(&self, end: Direction, connection: &Connection) -> bool {
        let (address, peer) = match end {
            Direction::Egress => (connection.source, connection.destination),
            Direction::Ingress => (connection.destination, connection.source),
        };
        let is_own = |ip| self.before.own.contains(ip) || self.after.own.contains(ip);
        let own = is_own(&address);
        let shared = self.others.contains(&address);
        let is_known = |ip| is_own(ip) || self.others.contains(ip);
        let is_strangers = !self.before.security.is_filtered() && !own && is_known(&peer);
        let had = || !is_strangers && self.before.allows(end, connection);
        let is_its = (own && !shared) || ((own || !shared) && had());
        is_its && !self.after.allows(end, connection)
    }
}

/// The ports of a network that change while they stay open: whose connections are over?
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Judge {
    /// The ports.
    pub ports: Vec<Changed>,
}

impl Judge {
    /// Whether a connection has an end that may not have it any more.
    pub fn is_over(&self, connection: &Connection) -> bool {
        let ends = [Direction::Egress, Direction::Ingress];
        let mut ports = self.ports.iter();
        ports.any(|port| ends.iter().any(|end| port.ends(*end, connection)))
    }
}
