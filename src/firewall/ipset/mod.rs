//! Sets of addresses, which rules with a remote group look into.
//!
//! One set a group and family that a rule names, of type `hash:net`, as Neutron makes them: who
//! comes into a group changes one element, and no rule. What a set holds is a function of the
//! index alone, so they are the host's and in no domain's record.
//!
//! ```text
//! Index ─▶ Sets (want) ─┐
//!                       ├ change_to ▶ text for `ipset restore` before the rules, and after them
//! ipset save ▶ Sets ────┘
//! ```
//!
//! A rule holds the sets it names: a set comes before its rules and goes after them. While the rules
//! change, its members are those that it has both before and after.

mod change;
mod save;
mod sizes;

use std::collections::{BTreeMap, BTreeSet};

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use crate::firewall::iptables::SetName;
use crate::model::Family;

pub use change::SetsChange;
pub use save::parse_sets;
pub use sizes::have_their_sizes;

/// The sets that are ours, by name, each with its members.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sets(pub(super) BTreeMap<SetName, BTreeSet<IpNet>>);

/// The name of a set that is being filled. Only who holds the host lock makes sets; one that a death
/// left is nobody's.
const UNFINISHED: &str = "vmhook-new";

impl Sets {
    /// There is no set.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Puts a set of these members there, in the place of one of that name. Of the members, those of
    /// the set's own family are in it.
    pub fn insert(&mut self, name: SetName, members: impl IntoIterator<Item = IpNet>) {
        let family = name.family();
        let members = members.into_iter();
        let own = members.filter(|member| Some(Family::of(member.addr())) == family);
        let members = own.flat_map(storable).collect();
        self.0.insert(name, members);
    }

    /// Adds the sets of another part; of those that both have, the other's stands.
    pub fn merge(&mut self, other: &Self) {
        let sets = other.0.iter();
        let sets = sets.map(|(name, members)| (name.clone(), members.clone()));
        self.0.extend(sets);
    }

    /// Every set with its members.
    pub fn iter(&self) -> impl Iterator<Item = (&SetName, &BTreeSet<IpNet>)> {
        self.0.iter()
    }

    /// The members of a set; `None` if there is no such set.
    pub fn get(&self, name: &SetName) -> Option<&BTreeSet<IpNet>> {
        self.0.get(name)
    }
}

/// A prefix as `hash:net` can hold it: everybody is two halves.
fn storable(prefix: IpNet) -> Vec<IpNet> {
    if prefix.prefix_len() > 0 {
        return vec![prefix.trunc()];
    }
    let halves = prefix.subnets(1);
    halves.map_or_else(|_| Vec::new(), Iterator::collect)
}
