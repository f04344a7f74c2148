//! The policy of `FORWARD`, for an operator who asks what this host does with bridged packets.
//!
//! One look at a time is what the crate `iptables` is for. It starts a process a question and waits
//! for it without limit, so the hooks never come here: they speak to `iptables-save` and
//! `iptables-restore`.

use crate::model::Family;

use super::HostError;

/// What happens to a packet through this host that no rule decides: `ACCEPT` or `DROP`. Docker sets
/// `DROP`. What our ports may send passes either way: Neutron's `sg-chain` accepts it for good.
///
/// # Errors
/// [`HostError::Command`] if there is no such program, or it does not say.
pub fn forward_policy(family: Family) -> Result<String, HostError> {
    let look = || {
        let mut iptables = iptables::new(family == Family::Ipv6)?;
        // Names of addresses would have to be looked up.
        iptables.set_numeric(true);
        iptables.get_policy("filter", "FORWARD")
    };
    look().map_err(|error| HostError::Command {
        program: format!("{family} FORWARD policy (iptables, ip6tables)"),
        reason: error.to_string(),
        input: String::new(),
    })
}
