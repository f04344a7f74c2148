//! Which interfaces are ours.

use crate::config::{Config, NetworkConfig};

/// What becomes of an interface by its bridge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Claimed<'a> {
    /// The bridge is not managed: none of our business.
    NotOurs,
    /// A configured network's.
    Ours(&'a NetworkConfig),
    /// Managed, but nobody can tell how: the start is refused for this reason.
    Broken(String),
}

/// Whether an interface on this bridge is ours. `stands` says whether a bridge is in a record or
/// bears our alias; it is asked only where the configuration does not know the bridge.
///
/// While the configuration cannot be read as a whole, what is named `brq…` or stands is ours and
/// refused: a network may be in the part that is missing, and so may the port of this very VM.
pub fn ours<'a>(bridge: &str, config: &'a Config, stands: impl FnOnce() -> bool) -> Claimed<'a> {
    if let Some(managed) = config.managed_bridge(bridge) {
        return match (managed.network, config.incomplete()) {
            (Err(errors), _) => Claimed::Broken(errors.to_string()),
            (Ok(_), Some(error)) => Claimed::Broken(error.to_string()),
            (Ok(network), None) => Claimed::Ours(network),
        };
    }
    if let Some(error) = config.lost_bridge().filter(|_| bridge.starts_with("brq")) {
        return Claimed::Broken(error.to_string());
    }
    match (stands(), config.incomplete()) {
        (false, _) => Claimed::NotOurs,
        (true, Some(error)) => Claimed::Broken(error.to_string()),
        (true, None) => Claimed::Broken(format!(
            "bridge {bridge} is vmhook's, but no configured network names it"
        )),
    }
}
