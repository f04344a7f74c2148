//! The host's end of a network: a pair of devices, and the addresses of one.
//!
//! Both ends come at once, without a name that means anything, and are finished one after the other, the
//! host's last. A death in between leaves the host's unfinished, and whoever deletes that deletes both.

use std::collections::BTreeSet;

use ipnet::IpNet;
use nix::errno::Errno;
use rtnetlink::packet_core::{NLM_F_CREATE, NLM_F_REPLACE};
use rtnetlink::packet_route::address::{AddressAttribute, AddressHeaderFlags, AddressMessage};
use rtnetlink::packet_route::{AddressFamily, RouteNetlinkMessage};
use rtnetlink::{LinkUnspec, LinkVeth};

use crate::facts::{LinkFact, LinkKind};
use crate::model::{IfName, MacAddr};
use crate::plan::host_end::{HostEndPair, PORT_SETTINGS};
use crate::plan::link::{UNFINISHED, UNFINISHED_PORT, alias};

use super::super::{HostError, sysctl};
use super::make::{self, refused};
use super::session::Session;
use super::{addresses, links};

/// Makes the pair, or brings the one that we made to this form.
pub(super) fn host_end(session: &Session, pair: &HostEndPair) -> Result<(), HostError> {
    let doing = || format!("cannot make the host's end {} of a network", pair.name);
    let there = (
        links::named(pair.name.as_str())?,
        links::named(pair.port.as_str())?,
    );
    match there {
        (None, None) => {
            let message = LinkVeth::new(UNFINISHED, UNFINISHED_PORT).build();
            make::create(session, &message, &doing)?;
            let end = links::present(UNFINISHED, doing)?;
            let port = links::present(UNFINISHED_PORT, doing)?;
            finish(session, pair, (&end, &port), &doing).inspect_err(|_| {
                // The first failure is the one to tell; whoever makes the next link deletes this one.
                let _ = links::delete(session, end.index);
            })
        }
        (Some(end), Some(port)) if is_pair(pair, &end, &port) => {
            finish(session, pair, (&end, &port), &doing)
        }
        _ => Err(refused(
            doing(),
            &format!("{} or {} is there otherwise", pair.name, pair.port),
        )),
    }
}

/// The plan has refused what is somebody else's; this is the last guard.
fn is_pair(pair: &HostEndPair, end: &LinkFact, port: &LinkFact) -> bool {
    let alias = alias(&pair.network);
    let is_ours = |link: &LinkFact| link.alias.as_ref() == Some(&alias);
    end.kind == LinkKind::Veth(Some(port.index)) && is_ours(end) && is_ours(port)
}

/// The host's device comes up last: all that it believes is set by then.
fn finish(
    session: &Session,
    pair: &HostEndPair,
    (end, port): (&LinkFact, &LinkFact),
    doing: &impl Fn() -> String,
) -> Result<(), HostError> {
    for (protocol, setting, value) in PORT_SETTINGS {
        sysctl::set(protocol, &port.name, setting, value)?;
    }
    come_up(session, port, (&pair.port, pair.port_mac, pair), doing)?;
    for (protocol, setting, value) in pair.settings() {
        sysctl::set(protocol, &end.name, setting, value)?;
    }
    set_addresses(session, pair, end, doing)?;
    come_up(session, end, (&pair.name, pair.mac, pair), doing)
}

/// Name, address, alias, MTU and *up* in one request, which the kernel does under one lock.
fn come_up(
    session: &Session,
    link: &LinkFact,
    (name, mac, pair): (&IfName, MacAddr, &HostEndPair),
    doing: &impl Fn() -> String,
) -> Result<(), HostError> {
    // The kernel takes no name for a link that is up, not even its own, before 6.2.
    let message = LinkUnspec::new_with_index(link.index);
    let message = if link.name == name.as_str() {
        message
    } else {
        message.name(name.as_str())
    };
    let message = message
        .address(mac.octets().to_vec())
        .alias(alias(&pair.network))
        .mtu(pair.mtu.into())
        .up()
        .build();
    session
        .request(RouteNetlinkMessage::SetLink(message), 0)
        .map(drop)
        .map_err(|refusal| refusal.in_doing(doing()))
}

/// The host's device has these addresses and no other. Of two with one prefix the kernel takes the second
/// away with the first; so what is missing is looked up again when all is gone that goes.
fn set_addresses(
    session: &Session,
    pair: &HostEndPair,
    end: &LinkFact,
    doing: &impl Fn() -> String,
) -> Result<(), HostError> {
    let wanted = &pair.addresses;
    for address in &there(session, end)? - wanted {
        let message = RouteNetlinkMessage::DelAddress(message(end.index, address));
        match session.request(message, 0) {
            Err(refusal) if !refusal.is(Errno::EADDRNOTAVAIL) => {
                return Err(refusal.in_doing(doing()));
            }
            _ => {}
        }
    }
    for address in wanted - &there(session, end)? {
        let message = RouteNetlinkMessage::NewAddress(message(end.index, address));
        session
            .request(message, NLM_F_CREATE | NLM_F_REPLACE)
            .map_err(|refusal| {
                refusal.in_doing(format!("cannot give {} address {address}", pair.name))
            })?;
    }
    Ok(())
}

fn there(session: &Session, end: &LinkFact) -> Result<BTreeSet<IpNet>, HostError> {
    let all = addresses::all(session)?;
    let own = all.into_iter().filter(|fact| fact.link == end.index);
    Ok(own.map(|fact| fact.with_prefix()).collect())
}

/// Nobody is asked whether an address is free: the guard lets nobody else have it.
fn message(index: u32, address: IpNet) -> AddressMessage {
    let mut message = AddressMessage::default();
    message.header.index = index;
    message.header.prefix_len = address.prefix_len();
    if address.addr().is_ipv6() {
        message.header.family = AddressFamily::Inet6;
        message.header.flags = AddressHeaderFlags::Nodad;
    } else {
        message.header.family = AddressFamily::Inet;
    }
    message.attributes = vec![
        AddressAttribute::Local(address.addr()),
        AddressAttribute::Address(address.addr()),
    ];
    message
}
