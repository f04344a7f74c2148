//! Making a VXLAN device, and changing of it what the kernel changes while it lives.

use std::net::IpAddr;

use nix::errno::Errno;
use rtnetlink::packet_route::link::{InfoKind, LinkMessage};
use rtnetlink::{LinkMessageBuilder, LinkVxlan};

use crate::facts::{LinkFact, LinkKind, VxlanFact};
use crate::model::{Family, Learning, OuterHeader, TunnelOptions};
use crate::plan::link::{UNFINISHED, VxlanDevice, alias};

use super::super::{HostError, sysctl};
use super::adopt;
use super::links;
use super::make::{Finish, change, refused};
use super::session::Session;

/// Makes a VXLAN device, or brings the one that we made to this form; where the kernel cannot, it is
/// refused.
pub(super) fn vxlan(session: &Session, device: &VxlanDevice) -> Result<(), HostError> {
    let tunnel = &device.tunnel;
    let finish = Finish {
        name: &tunnel.device,
        alias: alias(&device.network),
        mtu: device.mtu,
        sysctls: device.settings(),
        up: false,
    };
    let doing = || {
        let (name, mtu, underlay) = (&tunnel.device, device.mtu, &tunnel.underlay);
        format!("cannot make VXLAN device {name} with MTU {mtu} over {underlay}")
    };
    let underlay = links::present(tunnel.underlay.as_str(), doing)?.index;
    let Some(link) = links::named(tunnel.device.as_str())? else {
        return finish.make(session, &message(device, underlay), &doing);
    };
    let LinkKind::Vxlan(found) = &link.kind else {
        return Err(refused(doing(), "it is there, but no VXLAN device"));
    };
    if !found.is_of(tunnel, underlay) {
        return Err(refused(doing(), "it is there with other settings"));
    }
    if finish.take(session, &link, &doing)? {
        adopt::forget(session, &tunnel.device, link.index)?;
    }
    if *found != VxlanFact::of(tunnel, &device.outer, Some(underlay)) {
        change(session, with_index(device, &link), &doing)?;
    }
    finish.finish(session, &link, &doing)
}

/// Changes the outer header of a device that is there.
pub(super) fn set_header(session: &Session, device: &VxlanDevice) -> Result<(), HostError> {
    let name = &device.tunnel.device;
    let doing = || format!("cannot change the outer header of VXLAN device {name}");
    let link = links::present(name.as_str(), doing)?;
    if link.alias != Some(alias(&device.network)) {
        return Err(refused(doing(), "it is somebody else's"));
    }
    change(session, with_index(device, &link), &doing)
}

/// The kernel takes what is not in the message as it is.
fn with_index(device: &VxlanDevice, link: &LinkFact) -> LinkMessage {
    let builder = LinkMessageBuilder::<LinkVxlan>::new_with_info_kind(InfoKind::Vxlan);
    let builder = header(builder, &device.outer);
    builder.index(link.index).build()
}

fn message(device: &VxlanDevice, underlay: u32) -> LinkMessage {
    let tunnel = &device.tunnel;
    let TunnelOptions {
        group,
        source_ports,
        udp_checksum,
        learning,
    } = &tunnel.options;
    let mut builder = LinkVxlan::new(UNFINISHED, tunnel.vni.into())
        .dev(underlay)
        .port(tunnel.port)
        .learning(*learning == Learning::Frames)
        .proxy(*learning == Learning::Inventory)
        .udp_csum(*udp_checksum);
    builder = match tunnel.local.address() {
        IpAddr::V4(address) => builder.local(address),
        IpAddr::V6(address) => builder
            .local6(address)
            .udp_zero_csum6_tx(!udp_checksum)
            .udp_zero_csum6_rx(!udp_checksum),
    };
    if let Some(ports) = source_ports {
        builder = builder.port_range(ports.first(), ports.last());
    }
    builder = match group.map(IpAddr::from) {
        None => builder,
        Some(IpAddr::V4(group)) => builder.group(group),
        Some(IpAddr::V6(group)) => builder.group6(group),
    };
    header(builder, &device.outer).build()
}

fn header(
    builder: LinkMessageBuilder<LinkVxlan>,
    outer: &OuterHeader,
) -> LinkMessageBuilder<LinkVxlan> {
    let ttl = outer.ttl.map_or(0, std::num::NonZeroU8::get);
    builder.ttl(ttl).tos(outer.tos.into())
}

/// Why the kernel does not bring a VXLAN device up: only then it opens the UDP socket, which all
/// devices on a port share if they agree, and joins the group.
///
/// The two limits of groups, measured on 6.18: the 21st group of a port gives `ENOBUFS`; over IPv6,
/// where `optmem_max` was 131072, the 2341st gives `ENOMEM`.
pub(super) fn why(error: Errno, device: &LinkKind) -> Option<String> {
    let LinkKind::Vxlan(VxlanFact { port, group, .. }) = device else {
        return None;
    };
    let family = group.map(Family::of);
    let limit = match (error, family) {
        (Errno::EADDRINUSE, _) => {
            return Some(format!(
                "something else has UDP port {port} in another way (ip -d link show type vxlan; \
                 ss -uln); give this network another `port`"
            ));
        }
        (Errno::ENOBUFS, Some(Family::Ipv4)) => "net.ipv4.igmp_max_memberships",
        (Errno::ENOMEM, Some(Family::Ipv6)) => "net.core.optmem_max",
        _ => return None,
    };
    let now = sysctl::get(limit).map_or(String::new(), |value| format!(" ({value} now)"));
    Some(format!(
        "its multicast group is one more than {limit}{now} allows the networks of UDP port {port}; \
         raise it with `sysctl -w`, and in /etc/sysctl.d for the next boot"
    ))
}
