//! Everything vmhook owns in the kernel, as one value.
//!
//! A [`HostState`] is made in two ways: *compiled* from networks and ports (what is wanted), or
//! *read back* from the kernel (what is there). What was applied is a compiled one that was written
//! down. The two ways meet in [`plan`](crate::plan), which makes the way from one to the other.
//! Foreign objects are not in it at all.
//!
//! States are fragments that add up: the skeleton, each network and each port have one, and
//! [`merge`](HostState::merge) makes the whole of them.
//!
//! ```text
//! skeleton ┐
//! networks ┼─ merge ─▶ want ┐
//! ports    ┘                ├─ plan
//! kernel ──── read ──▶ have ┘
//! ```

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::firewall::guard::Guard;
use crate::firewall::ipset::Sets;
use crate::firewall::iptables::{Observed, Ruleset};
use crate::model::{FdbEntry, IfName, Lent, Neighbour};
use crate::plan::host_end::HostEndPair;
use crate::plan::link::{Bridge, VlanDevice, VxlanDevice};

/// Everything vmhook owns in the kernel, or one part of it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostState {
    /// Links by name. A pair is two of them.
    pub links: BTreeMap<IfName, OwnLink>,
    /// Which device is a port of which bridge of them. One that is no link of ours is the host's: it
    /// joins and leaves, and nothing else of it is changed.
    pub enslaved: BTreeMap<IfName, IfName>,
    /// Permanent forwarding entries of the VXLAN devices among them.
    pub fdb: BTreeSet<FdbEntry>,
    /// Permanent neighbour entries of links among them.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub neighbours: BTreeSet<Neighbour>,
    /// Which of the enslaved learn nothing from frames and have the bridge answer for who is behind them.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub suppressed: BTreeSet<IfName>,
    /// Bridges of the host's whose forwarded frames are filtered.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub lent: BTreeMap<IfName, Lent>,
    /// The sets that rules name.
    #[serde(default, skip_serializing_if = "Sets::is_empty")]
    pub sets: Sets,
    /// iptables.
    pub v4: Ruleset,
    /// ip6tables.
    pub v6: Ruleset,
    /// Our nftables tables.
    pub guard: Guard,
}

/// A link that we made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OwnLink {
    /// A network's bridge.
    Bridge(Bridge),
    /// A network's VXLAN device.
    Vxlan(VxlanDevice),
    /// A network's VLAN device.
    Vlan(VlanDevice),
    /// The host's device of a network.
    HostEnd(HostEndPair),
    /// The other device of the pair, which comes and goes with the host's, of this name.
    HostPort(IfName),
    /// It bears our alias, but somebody changed what we set. Only read back, never wanted.
    Altered,
}

impl HostState {
    /// Adds what another part has.
    pub fn merge(&mut self, part: &Self) {
        let links = part
            .links
            .iter()
            .map(|(name, link)| (name.clone(), link.clone()));
        self.links.extend(links);
        let enslaved = part
            .enslaved
            .iter()
            .map(|(name, bridge)| (name.clone(), bridge.clone()));
        self.enslaved.extend(enslaved);
        self.fdb.extend(part.fdb.iter().cloned());
        self.neighbours.extend(part.neighbours.iter().cloned());
        self.suppressed.extend(part.suppressed.iter().cloned());
        let lent = part.lent.iter().map(|(name, lent)| (name.clone(), *lent));
        self.lent.extend(lent);
        self.sets.merge(&part.sets);
        self.v4.merge(&part.v4);
        self.v6.merge(&part.v6);
        self.guard.merge(&part.guard);
    }

    /// The whole that these parts make.
    pub fn of<'a>(parts: impl IntoIterator<Item = &'a Self>) -> Self {
        let mut whole = Self::default();
        for part in parts {
            whole.merge(part);
        }
        whole
    }
}

/// What the kernel has of ours: a state, and the lines and jumps that no state can hold because
/// somebody put them where they do not belong.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReadBack {
    /// Links, sets and guard. Its rulesets are empty: they are in the fields below.
    pub state: HostState,
    /// iptables.
    pub v4: Observed,
    /// ip6tables.
    pub v6: Observed,
}

impl From<HostState> for ReadBack {
    fn from(mut state: HostState) -> Self {
        let (v4, v6) = (std::mem::take(&mut state.v4), std::mem::take(&mut state.v6));
        Self {
            state,
            v4: v4.into(),
            v6: v6.into(),
        }
    }
}
