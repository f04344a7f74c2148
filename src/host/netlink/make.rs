//! Making links, so that nobody ever sees half of one.
//!
//! A link that is there under its name must be complete and bear our alias: a half-made one would
//! be taken for somebody else's after a crash. The kernel takes no alias and no user's MTU at
//! creation, so a link is made under a name that means nothing, down, gets its settings, and then
//! its name, alias and MTU in one request, which the kernel does under one lock. A bridge comes up in
//! it. A device that carries a network does not before it is a port of its bridge: until then it would
//! be a link of the host's own. One that is there and down is not as we make it, and is made again.
//!
//! ```text
//! create vmhook-new (down) ─▶ sysctls ─▶ name + alias + MTU (+ up) ─▶ entries ─▶ master ─▶ up
//!     └── a crash here leaves vmhook-new: whoever repairs, or makes the next link, deletes it
//! ```
//!
//! Why the MTU comes late: a bridge follows its smallest port unless its MTU was *changed* by a
//! user, and what creation sets is no change (`BROPT_MTU_SET_BY_USER` in `br_change_mtu`). So the
//! bridge is made with an MTU that differs from the wanted one. And a VXLAN device cuts a too big
//! MTU silently at creation, while a change is refused.

use nix::errno::Errno;
use rtnetlink::packet_core::{NLM_F_CREATE, NLM_F_EXCL};
use rtnetlink::packet_route::RouteNetlinkMessage;
use rtnetlink::packet_route::link::{BridgeStpState, LinkMessage};
use rtnetlink::{LinkBridge, LinkMessageBuilder, LinkUnspec, LinkVlan};

use crate::facts::{BridgeFact, LinkFact, LinkKind, VlanFact};
use crate::model::{IfName, Mtu};
use crate::plan::link::{Bridge, Setting, UNFINISHED, VlanDevice, alias};

use super::super::{HostError, sysctl};
use super::query::{self, Query};
use super::session::Session;
use super::{adopt, links};

/// The kernel's MTU of a new bridge.
const DEFAULT_MTU: u32 = 1500;

/// What every link of ours has.
pub(super) struct Finish<'a> {
    pub(super) name: &'a IfName,
    pub(super) alias: String,
    pub(super) mtu: Mtu,
    /// Settings below `/proc/sys/net/<protocol>/conf/<name>/`, written before the link is up, so
    /// that no router solicitation or duplicate address detection ever leaves it.
    pub(super) sysctls: &'a [Setting],
    /// It comes up at once: a bridge. A device does as a port of its bridge.
    pub(super) up: bool,
}

/// Makes a bridge, or brings the one that we made to this form.
pub(super) fn bridge(session: &Session, bridge: &Bridge) -> Result<(), HostError> {
    let finish = Finish {
        name: &bridge.name,
        alias: alias(&bridge.network),
        mtu: bridge.mtu,
        sysctls: &[
            ("ipv6", "disable_ipv6", "1"),
            ("ipv4", "arp_ignore", "1"),
            ("ipv4", "arp_announce", "2"),
        ],
        up: true,
    };
    let doing = || format!("cannot make bridge {}", bridge.name);
    match links::named(bridge.name.as_str())? {
        None => finish.make(session, &bridge_message(bridge), &doing),
        Some(link) => {
            if !matches!(link.kind, LinkKind::Bridge(_)) {
                return Err(refused(doing(), "it is there, but not a bridge"));
            }
            finish.take(session, &link, &doing)?;
            change(session, changed_bridge(bridge, &link), &doing)?;
            finish.finish(session, &link, &doing)
        }
    }
}

/// Makes a VLAN device; one of ours with other settings is refused.
pub(super) fn vlan(session: &Session, device: &VlanDevice) -> Result<(), HostError> {
    let vlan = &device.vlan;
    let finish = Finish {
        name: &vlan.device,
        alias: alias(&device.network),
        mtu: device.mtu,
        sysctls: device.settings(),
        up: false,
    };
    let doing = || {
        let (name, mtu, parent) = (&vlan.device, device.mtu, &vlan.parent);
        format!("cannot make VLAN device {name} with MTU {mtu} over {parent}")
    };
    let parent = links::present(vlan.parent.as_str(), doing)?.index;
    let expected = LinkKind::Vlan(VlanFact {
        id: Some(vlan.id),
        parent: Some(parent),
    });
    match links::named(vlan.device.as_str())? {
        None => {
            must_be_free(&expected, &doing)?;
            let message = LinkVlan::new(UNFINISHED, parent, vlan.id.into()).build();
            finish.make(session, &message, &doing)
        }
        Some(link) => {
            if link.kind != expected {
                return Err(refused(doing(), "it is there with other settings"));
            }
            finish.take(session, &link, &doing)?;
            finish.finish(session, &link, &doing)
        }
    }
}

/// A VLAN of a device has one device, of whatever name. The kernel says no more than `File exists`; it
/// is asked only as a VLAN device is made, for it has no list of these alone.
fn must_be_free(vlan: &LinkKind, doing: &impl Fn() -> String) -> Result<(), HostError> {
    let links = query::links(Query::All)?;
    let mut same = links.iter().filter(|link| link.kind == *vlan);
    match same.find(|link| link.name != UNFINISHED) {
        Some(link) => {
            let reason = format!("this VLAN of it is device {} already", link.name);
            Err(refused(doing(), &reason))
        }
        None => Ok(()),
    }
}

impl Finish<'_> {
    pub(super) fn make(
        &self,
        session: &Session,
        message: &LinkMessage,
        doing: &impl Fn() -> String,
    ) -> Result<(), HostError> {
        create(session, message, doing)?;
        let link = links::present(UNFINISHED, doing)?;
        let named = LinkUnspec::new_with_index(link.index).name(self.name.as_str());
        self.settle(session, &link, named, doing).inspect_err(|_| {
            // The first failure is the one to tell; whoever makes the next link deletes this one.
            let _ = links::delete(session, link.index);
        })
    }

    /// Brings a link that is there to this form. It has its name: the kernel takes none for a link that
    /// is up, not even its own (`EBUSY`, before 6.2).
    pub(super) fn finish(
        &self,
        session: &Session,
        link: &LinkFact,
        doing: &impl Fn() -> String,
    ) -> Result<(), HostError> {
        let message = LinkUnspec::new_with_index(link.index);
        self.settle(session, link, message, doing)
    }

    fn settle(
        &self,
        session: &Session,
        link: &LinkFact,
        message: LinkMessageBuilder<LinkUnspec>,
        doing: &impl Fn() -> String,
    ) -> Result<(), HostError> {
        for (protocol, setting, value) in self.sysctls {
            sysctl::set(protocol, &link.name, setting, value)?;
        }
        let message = message.alias(&self.alias).mtu(self.mtu.into());
        let message = if self.up { message.up() } else { message };
        session
            .request(RouteNetlinkMessage::SetLink(message.build()), 0)
            .map(drop)
            .map_err(|refusal| refusal.in_doing(doing()))
    }

    /// Makes a link ours that is there under its name; whether it was not before.
    pub(super) fn take(
        &self,
        session: &Session,
        link: &LinkFact,
        doing: &impl Fn() -> String,
    ) -> Result<bool, HostError> {
        let is_new = link.alias.as_deref() != Some(&self.alias);
        if is_new {
            adopt::adopt(session, link, &self.alias, doing)?;
        }
        Ok(is_new)
    }
}

pub(super) fn refused(doing: String, reason: &str) -> HostError {
    HostError::Netlink {
        doing,
        reason: reason.to_owned(),
    }
}

/// Creates the unfinished link. If that name is taken, a crash left it; a VNI that is taken gives
/// the same error, and then there is no such link.
pub(super) fn create(
    session: &Session,
    message: &LinkMessage,
    doing: &impl Fn() -> String,
) -> Result<(), HostError> {
    let create = || {
        let message = RouteNetlinkMessage::NewLink(message.clone());
        session.request(message, NLM_F_CREATE | NLM_F_EXCL)
    };
    let first = create();
    let taken = first
        .as_ref()
        .is_err_and(|refusal| refusal.is(Errno::EEXIST));
    let leftover = if taken {
        links::named(UNFINISHED)?
    } else {
        None
    };
    let last = match leftover {
        Some(link) => links::delete(session, link.index).and_then(|()| create()),
        None => first,
    };
    last.map(drop).map_err(|refusal| refusal.in_doing(doing()))
}

pub(super) fn change(
    session: &Session,
    message: LinkMessage,
    doing: &impl Fn() -> String,
) -> Result<(), HostError> {
    session
        .request(RouteNetlinkMessage::NewLink(message), 0)
        .map(drop)
        .map_err(|refusal| refusal.in_doing(doing()))
}

fn bridge_message(bridge: &Bridge) -> LinkMessage {
    let wanted = u32::from(bridge.mtu);
    let builder = bridge_settings(bridge).name(UNFINISHED);
    if wanted == DEFAULT_MTU {
        builder.mtu(DEFAULT_MTU - 1).build()
    } else {
        builder.build()
    }
}

fn bridge_settings(bridge: &Bridge) -> LinkMessageBuilder<LinkBridge> {
    let kind = rtnetlink::packet_route::link::InfoKind::Bridge;
    let ours = BridgeFact::OURS;
    LinkMessageBuilder::<LinkBridge>::new_with_info_kind(kind)
        .address(bridge.mac.octets().to_vec())
        .forward_delay(ours.forward_delay)
        .stp_state(BridgeStpState::Disabled)
        .mcast_snooping(ours.mcast_snooping)
        .group_fwd_mask(ours.group_fwd_mask)
        .nf_call_iptables(ours.nf_call_iptables)
        .nf_call_ip6tables(ours.nf_call_ip6tables)
}

/// A kernel without VLANs on bridges does not know their switch: it is set only where it is on.
fn changed_bridge(bridge: &Bridge, link: &LinkFact) -> LinkMessage {
    let builder = bridge_settings(bridge).index(link.index);
    let by_vlans = matches!(&link.kind, LinkKind::Bridge(fact) if fact.vlan_filtering);
    if by_vlans {
        builder.vlan_filtering(false).build()
    } else {
        builder.build()
    }
}
