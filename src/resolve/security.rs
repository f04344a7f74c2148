//! How much of a port is checked, and who says so.
//!
//! A trusted port is one by `trusted = true`, or because it belongs to the network itself
//! (`device_owner = "network:…"`), unless `trusted = false` says that it is none. It stays one whatever
//! `port_security` says, as in Neutron. `hardened` is asked of the port, its network, the host, in this
//! order.
//!
//! What is not filtered can have neither security groups nor address pairs: whoever wrote them expects
//! that they count. The network's default groups are not meant for it, and are left out.

use super::origin::{Origin, Said};
use super::port::Sources;
use crate::config::PortConfig;
use crate::domain::PortMetadata;
use crate::model::PortSecurity;

/// How much of a port is checked, and who says so.
pub(super) fn security(
    configured: Option<&PortConfig>,
    metadata: Option<&PortMetadata>,
    from: Sources<'_>,
) -> Result<Said<PortSecurity>, String> {
    let by_port = configured.and_then(|port| {
        let why = port.unfiltered()?;
        Some(Said::new(why, Origin::Port(port.name.clone())))
    });
    let unfiltered = by_port.or_else(|| {
        let says_nothing = configured.is_none_or(|port| port.port_security.is_none());
        let off = says_nothing && metadata?.port_security == Some(false);
        off.then(|| Said::new(PortSecurity::Disabled, Origin::Metadata))
    });
    if let Some(unfiltered) = unfiltered {
        return Ok(unfiltered);
    }
    let hardened = hardened(configured, from)?;
    let security = if hardened.what {
        PortSecurity::Hardened
    } else {
        PortSecurity::Enabled
    };
    Ok(Said::new(security, hardened.by))
}

fn hardened(configured: Option<&PortConfig>, from: Sources<'_>) -> Result<Said<bool>, String> {
    if let Some(PortConfig {
        name,
        hardened: Some(hardened),
        ..
    }) = configured
    {
        return Ok(Said::new(*hardened, Origin::Port(name.clone())));
    }
    if let Some(hardened) = from.network.hardened {
        return Ok(Said::new(
            hardened,
            Origin::Network(from.network.name.clone()),
        ));
    }
    let firewall = from.config.firewall.as_ref();
    let firewall = firewall.map_err(ToString::to_string)?;
    Ok(Said::new(firewall.hardened, Origin::Firewall))
}

/// That nobody has given filters of this kind to a port that is not filtered.
///
/// # Errors
/// Who gives them, and who says that the port has none.
pub(super) fn no_filters(
    security: &Said<PortSecurity>,
    (what, key): (&str, &str),
    said: Option<&Origin>,
) -> Result<(), String> {
    let state = match security.what {
        PortSecurity::Hardened | PortSecurity::Enabled => return Ok(()),
        PortSecurity::Disabled => "port security is off",
        PortSecurity::Trusted => "it is a trusted port",
    };
    said.map_or(Ok(()), |said| {
        Err(format!(
            "{state} ({}), so it can have no {what} ({said}): give it one or the other; \
             {key} = [] in its [port.NAME] takes those of the metadata away",
            security.by
        ))
    })
}
