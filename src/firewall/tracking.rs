//! Whose packets connection tracking follows.

use ipnet::IpNet;

use crate::model::IfName;

/// The open ports of a network, if one of them is stateless; on any other network everything is
/// tracked, and nobody need know the ports.
///
/// A stateless port's packets are not tracked, but for those to and from a stateful port of this
/// host: that one must recognise the answers to its own questions. What one end needs is known by
/// its tap or its addresses, so both ends must be. A port that is not filtered needs nothing, and is
/// in neither list: it is tracked as the other end is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tracking {
    /// The ports that need it.
    pub stateful: Vec<End>,
    /// The ports that go without.
    pub stateless: Vec<End>,
}

/// By what a port is known as the source or the destination of a packet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct End {
    /// Its tap.
    pub tap: IfName,
    /// Its addresses, also those that it may make for itself; none: it may have any.
    pub addresses: Vec<IpNet>,
}

impl Tracking {
    /// Everything is tracked.
    pub fn is_whole(&self) -> bool {
        self.stateless.is_empty()
    }
}
