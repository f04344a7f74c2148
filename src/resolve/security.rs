//! How much of a port is checked, and who says so.
//!
//! A trusted port is one by `trusted = true`, or because it belongs to the network itself
//! (`device_owner = "network:…"`), unless `trusted = false` says that it is none. It stays one whatever
//! `port_security` says, as in Neutron. `hardened` is asked of the port, its network, the host, in this
//! order.
//!
//! What is not filtered can have neither security groups nor address pairs: whoever wrote them expects
//! that they count. The network's default groups are not meant for it, and are left out.

use super::port::{Origin, Sources};
use crate::config::PortConfig;
use crate::domain::PortMetadata;
use crate::model::PortSecurity;

/// How much of a port is checked, and who says so.
pub(super) fn security(
    configured: Option<&PortConfig>,
    metadata: Option<&PortMetadata>,
    from: Sources<'_>,
) -> Result<(PortSecurity, Origin), String> {
    if let Some(port) = configured.filter(|port| port.is_trusted()) {
        return Ok((PortSecurity::Trusted, Origin::Port(port.name.clone())));
    }
    if let Some(off) = port_security_off(configured, metadata) {
        return Ok((PortSecurity::Disabled, off));
    }
    let (hardened, origin) = hardened(configured, from)?;
    let security = if hardened {
        PortSecurity::Hardened
    } else {
        PortSecurity::Enabled
    };
    Ok((security, origin))
}

fn port_security_off(
    configured: Option<&PortConfig>,
    metadata: Option<&PortMetadata>,
) -> Option<Origin> {
    let by_port = configured.and_then(|port| {
        let enabled = port.port_security?;
        Some((enabled, Origin::Port(port.name.clone())))
    });
    let by_metadata = || Some((metadata?.port_security?, Origin::Metadata));
    let (enabled, origin) = by_port.or_else(by_metadata)?;
    (!enabled).then_some(origin)
}

fn hardened(configured: Option<&PortConfig>, from: Sources<'_>) -> Result<(bool, Origin), String> {
    if let Some(PortConfig {
        name,
        hardened: Some(hardened),
        ..
    }) = configured
    {
        return Ok((*hardened, Origin::Port(name.clone())));
    }
    if let Some(hardened) = from.network.hardened {
        return Ok((hardened, Origin::Network(from.network.name.clone())));
    }
    let firewall = from.config.firewall.as_ref();
    let firewall = firewall.map_err(ToString::to_string)?;
    Ok((firewall.hardened, Origin::Firewall))
}

/// That nobody has given filters of this kind to a port that is not filtered.
///
/// # Errors
/// Who gives them, and who says that the port has none.
pub(super) fn no_filters(
    (security, origin): &(PortSecurity, Origin),
    (what, key): (&str, &str),
    said: Option<&Origin>,
) -> Result<(), String> {
    let state = match security {
        PortSecurity::Hardened | PortSecurity::Enabled => return Ok(()),
        PortSecurity::Disabled => "port security is off",
        PortSecurity::Trusted => "it is a trusted port",
    };
    said.map_or(Ok(()), |said| {
        Err(format!(
            "{state} ({origin}), so it can have no {what} ({said}): give it one or the other; \
             {key} = [] in its [port.NAME] takes those of the metadata away"
        ))
    })
}
