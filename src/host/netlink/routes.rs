//! From which address the host speaks to another one.

use std::net::IpAddr;

use nix::errno::Errno;
use rtnetlink::packet_route::route::{RouteAddress, RouteAttribute, RouteMessage};
use rtnetlink::packet_route::{AddressFamily, RouteNetlinkMessage};

use super::super::HostError;
use super::session::Session;

/// The source address that the kernel prefers towards this one, by its routes (`ip route get`); `None`
/// if none leads there.
pub(in crate::host) fn source_to(
    session: &Session,
    other: IpAddr,
) -> Result<Option<IpAddr>, HostError> {
    let request = RouteNetlinkMessage::GetRoute(question(other));
    let answers = match session.request(request, 0) {
        Ok(answers) => answers,
        Err(refusal) if leads_nowhere(|error| refusal.is(error)) => return Ok(None),
        Err(refusal) => {
            return Err(refusal.in_doing(format!("cannot look up the route to {other}")));
        }
    };
    let routes = answers.iter().filter_map(|answer| match answer {
        RouteNetlinkMessage::NewRoute(route) => Some(route),
        _ => None,
    });
    Ok(routes.flat_map(|route| &route.attributes).find_map(source))
}

fn question(other: IpAddr) -> RouteMessage {
    let mut message = RouteMessage::default();
    (
        message.header.address_family,
        message.header.destination_prefix_length,
    ) = match other {
        IpAddr::V4(_) => (AddressFamily::Inet, 32),
        IpAddr::V6(_) => (AddressFamily::Inet6, 128),
    };
    message
        .attributes
        .push(RouteAttribute::Destination(other.into()));
    message
}

/// No route, and the three kinds that say so (`unreachable`, `prohibit`, `blackhole`).
fn leads_nowhere(is: impl Fn(Errno) -> bool) -> bool {
    [
        Errno::ENETUNREACH,
        Errno::EHOSTUNREACH,
        Errno::EACCES,
        Errno::EINVAL,
    ]
    .into_iter()
    .any(is)
}

fn source(attribute: &RouteAttribute) -> Option<IpAddr> {
    match attribute {
        RouteAttribute::PrefSource(RouteAddress::Inet(address)) => Some((*address).into()),
        RouteAttribute::PrefSource(RouteAddress::Inet6(address)) => Some((*address).into()),
        _ => None,
    }
}
