//! Sets that somebody changed by hand.
//!
//! The kernel's nftables generation tells of changed rules and tables, and nothing of ipset. So whoever
//! is about to change the members of a set looks first whether all sets have as many as they should:
//! one process, which costs the same however many members there are. If not, somebody was there, and
//! everything is read back. Else who was flushed out would stay outside, beside the few that come.

use crate::firewall::ipset::have_their_sizes;
use crate::host::Host;
use crate::record::Want;
use crate::transaction::Records;

/// Whether each set has as many members as the records say. Where `ipset` does not answer there is
/// nothing to say: whoever then changes a set is told so.
pub(super) fn are_whole(host: &dyn Host, records: &Records) -> bool {
    let sets = records.sets();
    sets.is_empty()
        || host
            .ipset_sizes()
            .map_or(true, |text| have_their_sizes(&sets, &text))
}

/// Whether these wants change the members of a set.
pub(super) fn change_by(records: &Records, wants: &[Want]) -> bool {
    let mut after = records.clone();
    for want in wants {
        after.add(want);
    }
    after.sets() != records.sets()
}
