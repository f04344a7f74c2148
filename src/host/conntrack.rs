//! Forgetting all connections of a zone, with the `conntrack` tool.
//!
//! A rule set that no longer allows a connection lets its packets pass as long as conntrack knows
//! it as established. One process does it for both families: `--load-file` takes a command a line, and
//! goes on where a line finds nothing to delete.

use crate::model::Zone;
use crate::plan::Directions;

use super::HostError;
use super::process::{Call, Runner};

/// Deletes the zone's entries, of which these directions are in it.
pub(super) fn forget_zone(runner: &Runner, zone: Zone, of: Directions) -> Result<(), HostError> {
    let (zone, option) = (u16::from(zone), of.option());
    let commands = format!("-D -f ipv4 {option} {zone}\n-D -f ipv6 {option} {zone}\n");
    let call = Call::new("conntrack", &["--load-file", "-"]).with_input(&commands);
    let output = runner.run(&call)?;
    // Status 1 is "0 flow entries have been deleted".
    if output.success || output.words.contains("0 flow entries") {
        Ok(())
    } else {
        Err(call.failed(output.words))
    }
}
