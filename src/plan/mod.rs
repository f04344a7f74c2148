//! The difference between two host states, in the order in which it is safe.
//!
//! A [`Plan`] is a value. It prints as exactly what is run, in order, and
//! [`apply`](crate::apply) runs nothing else. Its order is the security argument:
//!
//! 1. one nft transaction closes what closes, and makes the tables and names of what comes: a
//!    bridge is closed before it exists. A tap that opens is closed here too, for another tap of
//!    its name may have been open;
//! 2. links go, then links come, a device joining its bridge last;
//! 3. taps that will open are silenced;
//! 4. one `ipset restore` makes the sets that rules will name, and takes out of the others who goes;
//! 5. one `iptables-restore` a family takes and brings the rules: what goes is closed already, and
//!    what comes is not open yet. Only then a bridge of the host's begins to ask them; before they go
//!    it has stopped (2);
//! 6. one `ipset restore` puts into the sets who comes;
//! 7. connections of earlier owners of an address are forgotten;
//! 8. one nft transaction opens what opens, and forgets networks that are gone;
//! 9. connections of ports that stayed open are judged by what these may do now;
//! 10. one `ipset restore` deletes the sets that no rule names any more.
//!
//! Stopped anywhere, what stands allows no more than the union of before and after, and a port that
//! is not finished is closed.
//!
//! ```text
//! have ─┐   ┌─ close ─ links ─ quiet ─ sets ─ rules ─ members ─ connections ─ open ─ judge ─ sets ─▶ want
//! want ─┴───┘
//! ```

use std::net::IpAddr;

use crate::firewall::connection::Judge;
use crate::firewall::guard::Capabilities;
use crate::firewall::iptables;
use crate::model::{IfName, Network, Zone};
use crate::state::{HostState, ReadBack};

mod display;
pub mod host_end;
pub mod link;
mod links;
mod summary;

pub use link::LinkChange;
pub use summary::Summary;

/// What is run to get from one host state to another, in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plan {
    /// The steps.
    pub steps: Vec<Step>,
}

/// One step of a plan: one call of the boundary, or a run of link changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// One `nft -f`.
    Nft(String),
    /// Changes of links, in order.
    Links(Vec<LinkChange>),
    /// One `ipset restore`: sets that come, members that go, or members that come.
    Sets(String),
    /// One `ipset restore` that deletes sets which no rule of ours names any more.
    UnusedSets(String),
    /// One `iptables-restore --noflush` a family.
    Rules(RestoreInput),
    /// Connections to forget.
    Connections(Forget),
    /// Connections to judge, and to forget where they are over.
    Judge(Judged),
}

/// What goes to the two `iptables-restore` programs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RestoreInput {
    /// For `iptables-restore`; empty: not run.
    pub v4: String,
    /// For `ip6tables-restore`; empty: not run.
    pub v6: String,
    /// Run them side by side. Deletions must not: parallel deleters restart each other.
    pub side_by_side: bool,
}

/// Connections to forget: of these addresses in this zone, or all of the zone.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Forget {
    /// The network's zone.
    pub zone: Zone,
    /// What of a connection is in it.
    pub of: Directions,
    /// Either end of a connection; with no address, every connection of the zone.
    pub addresses: Vec<IpAddr>,
}

/// Which directions of connections a network's zone has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Directions {
    /// Both.
    Both,
    /// That in which they began; the host is on the network's bridge, and has the other one.
    Original,
}

impl Directions {
    /// Those of a network's connections.
    pub fn of(network: &Network) -> Self {
        if network.has_host() {
            Self::Original
        } else {
            Self::Both
        }
    }

    /// The word of `conntrack` that names their zone.
    pub fn option(self) -> &'static str {
        match self {
            Self::Both => "-w",
            Self::Original => "--orig-zone",
        }
    }
}

/// Connections to judge: those of a zone, by ports whose rules changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judged {
    /// The network's zone.
    pub zone: Zone,
    /// Which of them are over.
    pub judge: Judge,
}

/// The families of our own nftables tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NftFamily {
    /// `table bridge vmhook`.
    Bridge,
    /// `table inet vmhook`.
    Inet,
}

/// What a plan needs besides the two states.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Besides {
    /// What the kernel can do.
    pub capabilities: Capabilities,
    /// Taps that open. They are silenced before, and closed until then.
    pub opening: Vec<IfName>,
    /// Taps on bridges of the host's whose frames for reserved addresses are to pass the guard: those that
    /// open, and others that may have lost it.
    pub fenced: Vec<IfName>,
    /// Connections to forget once the rules are in.
    pub forget: Vec<Forget>,
    /// Connections to judge once everything else is done: what began before that is among them.
    pub judge: Vec<Judged>,
}

impl Plan {
    /// The way from `have` to `want`. Empty if they are equal and nothing is to be done besides.
    pub fn between(have: &ReadBack, want: &HostState, besides: &Besides) -> Self {
        let Besides {
            opening,
            fenced,
            capabilities,
            forget,
            judge,
        } = besides;
        let guard = &have.state.guard;
        let guard = guard.change_to(&want.guard, opening, *capabilities);
        let mut links = links::changes(&have.state, want);
        links.extend(opening.iter().cloned().map(LinkChange::QuietTap));
        links.extend(fenced.iter().cloned().map(LinkChange::FenceTap));
        let mut steps = Vec::new();
        if !guard.close.is_empty() {
            steps.push(Step::Nft(guard.close));
        }
        if !links.is_empty() {
            steps.push(Step::Links(links));
        }
        let sets = have.state.sets.change_to(&want.sets);
        if !sets.before.is_empty() {
            steps.push(Step::Sets(sets.before));
        }
        steps.extend(rules(have, want).map(Step::Rules));
        let filtering = links::filtering(&have.state, want);
        if !filtering.is_empty() {
            steps.push(Step::Links(filtering));
        }
        if !sets.members.is_empty() {
            steps.push(Step::Sets(sets.members));
        }
        steps.extend(forget.iter().cloned().map(Step::Connections));
        if !guard.open.is_empty() {
            steps.push(Step::Nft(guard.open));
        }
        steps.extend(judge.iter().cloned().map(Step::Judge));
        if !sets.after.is_empty() {
            steps.push(Step::UnusedSets(sets.after));
        }
        Self { steps }
    }

    /// Nothing is to be done.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }
}

fn rules(have: &ReadBack, want: &HostState) -> Option<RestoreInput> {
    let v4 = iptables::repair(&have.v4, &want.v4);
    let v6 = iptables::repair(&have.v6, &want.v6);
    let side_by_side = v4.only_adds() && v6.only_adds();
    let input = RestoreInput {
        v4: v4.restore_text(),
        v6: v6.restore_text(),
        side_by_side,
    };
    (!input.v4.is_empty() || !input.v6.is_empty()).then_some(input)
}
