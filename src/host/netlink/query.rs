//! Links, with as little of each as we need.
//!
//! The kernel tells 1.5 KB about each link. A library that understands all of it takes 20 ms of
//! CPU for 500 taps, and leaves out a link with one attribute that it does not know. We walk the
//! attributes, copy eight of them, and hand only bridges, VXLAN and VLAN devices to the library. Where a
//! few links are enough, the kernel is asked for those alone.

use nix::errno::Errno;
use rtnetlink::packet_core::{DecodeError, NetlinkBuffer, NlasIterator, Parseable};
use rtnetlink::packet_route::link::LinkMessage;
use rtnetlink::sys::{Socket, SocketAddr, protocols::NETLINK_ROUTE};

use crate::facts::{LinkFact, LinkKind};

use super::super::HostError;
use super::facts;

/// Message types and flags of `linux/netlink.h` and `linux/rtnetlink.h`.
const NLMSG_ERROR: u16 = 2;
const NLMSG_DONE: u16 = 3;
const RTM_NEWLINK: u16 = 16;
const RTM_GETLINK: u16 = 18;
const REQUEST: u16 = 1;
const DUMP: u16 = 0x300;
const DUMP_INTERRUPTED: u16 = 0x10;
/// Lengths of `struct nlmsghdr` and `struct ifinfomsg`.
const NLMSGHDR: usize = 16;
const IFINFOMSG: usize = 16;
/// `IFF_UP`.
const UP: u32 = 1;
/// A dump that others disturb is read again, as often as this.
const ATTEMPTS: usize = 10;

/// Attributes of a link (`linux/if_link.h`).
mod attribute {
    pub(super) const ADDRESS: u16 = 1;
    pub(super) const NAME: u16 = 3;
    pub(super) const MTU: u16 = 4;
    pub(super) const LINK: u16 = 5;
    pub(super) const MASTER: u16 = 10;
    pub(super) const LINKINFO: u16 = 18;
    pub(super) const ALIAS: u16 = 20;
    pub(super) const EXT_MASK: u16 = 29;
    pub(super) const LINK_NETNS: u16 = 37;
    /// In `LINKINFO`.
    pub(super) const KIND: u16 = 1;
    /// In `EXT_MASK`: no counters.
    pub(super) const SKIP_STATS: u32 = 8;
}

/// Which links are asked for.
#[derive(Debug, Clone, Copy)]
pub(super) enum Query<'a> {
    /// All of the namespace, in the kernel's order.
    All,
    /// Every VXLAN device.
    Vxlan,
    /// The ports of the bridge with this index.
    PortsOf(u32),
    /// The one of this name.
    Named(&'a str),
    /// The one with this index.
    Index(u32),
}

/// The links of this thread's network namespace that are asked for, as far as they are there.
pub(super) fn links(query: Query<'_>) -> Result<Vec<LinkFact>, HostError> {
    let failed = |reason: String| HostError::Netlink {
        doing: "cannot read the links".to_owned(),
        reason,
    };
    for _ in 0..ATTEMPTS {
        if let Some(links) = attempt(query).map_err(|error| failed(error.to_string()))? {
            return Ok(links);
        }
    }
    Err(failed(format!(
        "something changed during each of {ATTEMPTS} attempts"
    )))
}

/// The answer to one request; `None` if a change in between tore it.
fn attempt(query: Query<'_>) -> anyhow::Result<Option<Vec<LinkFact>>> {
    let mut socket = Socket::new(NETLINK_ROUTE)?;
    socket.bind_auto()?;
    socket.connect(&SocketAddr::new(0, 0))?;
    // The kernel fills the next part whenever one is taken, so there is never anything to wait for.
    socket.set_non_blocking(true)?;
    socket.send(&query.request(), 0)?;
    let (mut links, mut torn) = (Vec::new(), false);
    loop {
        let (part, _) = socket.recv_from_full()?;
        let mut rest = part.as_slice();
        while !rest.is_empty() {
            let message = NetlinkBuffer::new_checked(rest)?;
            torn |= message.flags() & DUMP_INTERRUPTED != 0;
            match message.message_type() {
                NLMSG_DONE => return Ok((!torn).then_some(links)),
                NLMSG_ERROR => match errno(message.payload()) {
                    Errno::ENODEV => return Ok(Some(links)),
                    other => anyhow::bail!(other.desc()),
                },
                RTM_NEWLINK => links.push(link(message.payload())?),
                _ => {}
            }
            if !query.is_dump() {
                return Ok(Some(links));
            }
            let length = usize::try_from(message.length())?.next_multiple_of(4);
            rest = rest.get(length..).unwrap_or_default();
        }
    }
}

impl Query<'_> {
    fn is_dump(self) -> bool {
        matches!(self, Self::All | Self::Vxlan | Self::PortsOf(_))
    }

    /// `struct nlmsghdr`, `struct ifinfomsg`, attributes.
    fn request(self) -> Vec<u8> {
        let mut body = vec![0; IFINFOMSG];
        body.extend(attribute(
            attribute::EXT_MASK,
            &attribute::SKIP_STATS.to_ne_bytes(),
        ));
        match self {
            Self::All => {}
            Self::Vxlan => {
                let kind = attribute(attribute::KIND, b"vxlan");
                body.extend(attribute(attribute::LINKINFO, &kind));
            }
            Self::PortsOf(bridge) => {
                body.extend(attribute(attribute::MASTER, &bridge.to_ne_bytes()));
            }
            Self::Named(name) => {
                body.extend(attribute(
                    attribute::NAME,
                    &[name.as_bytes(), b"\0"].concat(),
                ));
            }
            Self::Index(index) => body[4..8].copy_from_slice(&index.to_ne_bytes()),
        }
        let length = u32::try_from(NLMSGHDR + body.len()).expect("a name has few bytes");
        let flags = if self.is_dump() {
            REQUEST | DUMP
        } else {
            REQUEST
        };
        let mut message = length.to_ne_bytes().to_vec();
        message.extend(RTM_GETLINK.to_ne_bytes());
        message.extend(flags.to_ne_bytes());
        message.extend([0; 8]); // sequence number, port: the kernel's
        message.extend(body);
        message
    }
}

/// `struct nlattr`: length, type, value, padding to 4.
fn attribute(kind: u16, value: &[u8]) -> Vec<u8> {
    let length = u16::try_from(4 + value.len()).expect("a name has few bytes");
    let mut bytes = [length.to_ne_bytes(), kind.to_ne_bytes()].concat();
    bytes.extend(value);
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    bytes
}

fn errno(payload: &[u8]) -> Errno {
    Errno::from_raw(word(payload).map_or(0, u32::cast_signed).saturating_neg())
}

/// What a link message says, from `struct ifinfomsg` (index at 4, flags at 8) and attributes.
fn link(payload: &[u8]) -> Result<LinkFact, DecodeError> {
    let header = |at: usize| payload.get(at..).and_then(word).unwrap_or_default();
    let mut link = LinkFact {
        index: header(4),
        name: String::new(),
        kind: LinkKind::Other(String::new()),
        mtu: 0,
        mac: None,
        alias: None,
        master: None,
        up: header(8) & UP != 0,
        suppresses: false,
    };
    let (mut other_end, mut elsewhere) = (None, false);
    for attribute in NlasIterator::new(payload.get(IFINFOMSG..).unwrap_or_default()) {
        let attribute = attribute?;
        let value = attribute.value();
        match attribute.kind() {
            attribute::LINK => other_end = word(value),
            attribute::LINK_NETNS => elsewhere = true,
            attribute::NAME => link.name = text(value),
            attribute::MTU => link.mtu = word(value).unwrap_or_default(),
            attribute::ADDRESS => link.mac = facts::mac(value),
            attribute::ALIAS => link.alias = Some(text(value)),
            attribute::MASTER => link.master = word(value),
            attribute::LINKINFO => (link.kind, link.suppresses) = kind(value, payload)?,
            _ => {}
        }
    }
    if let LinkKind::Veth(peer) = &mut link.kind {
        *peer = other_end.filter(|_| !elsewhere);
    }
    Ok(link)
}

/// What kind of link it is, and whether it suppresses neighbours; only the kinds that we make are
/// read in full.
fn kind(info: &[u8], payload: &[u8]) -> Result<(LinkKind, bool), DecodeError> {
    let mut kind = String::new();
    for attribute in NlasIterator::new(info) {
        let attribute = attribute?;
        if attribute.kind() == attribute::KIND {
            kind = text(attribute.value());
        }
    }
    Ok(match kind.as_str() {
        "bridge" | "vxlan" | "vlan" => {
            let link = facts::link(&LinkMessage::parse(payload)?);
            (link.kind, link.suppresses)
        }
        "tun" => (LinkKind::Tun, false),
        "veth" => (LinkKind::Veth(None), false),
        _ => (LinkKind::Other(kind), false),
    })
}

/// A text up to its closing zero. Foreign names and aliases may hold any bytes.
fn text(bytes: &[u8]) -> String {
    let end = bytes
        .iter()
        .position(|byte| *byte == 0)
        .unwrap_or(bytes.len());
    String::from_utf8_lossy(&bytes[..end]).into_owned()
}

/// The 32 bits at the beginning, in the machine's order.
fn word(bytes: &[u8]) -> Option<u32> {
    Some(u32::from_ne_bytes(*bytes.first_chunk()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(attributes: &[Vec<u8>]) -> Vec<u8> {
        let mut bytes = vec![0; IFINFOMSG];
        bytes[4..8].copy_from_slice(&7_u32.to_ne_bytes());
        bytes[8..12].copy_from_slice(&UP.to_ne_bytes());
        bytes.extend(attributes.concat());
        bytes
    }

    #[test]
    fn a_tap_is_read_whatever_else_the_kernel_tells_of_it() {
        let unknown = attribute(4711, &[1, 2, 3]);
        let info = attribute(attribute::LINKINFO, &attribute(attribute::KIND, b"tun\0"));
        let name = attribute(attribute::NAME, b"tap1\0");
        let tap = link(&message(&[unknown, name, info])).unwrap();
        assert_eq!((tap.index, tap.name.as_str(), tap.up), (7, "tap1", true));
        assert_eq!(tap.kind, LinkKind::Tun);
    }

    #[test]
    fn a_name_of_any_bytes_is_a_name() {
        let odd = link(&message(&[attribute(attribute::ALIAS, b"\xff\xfe\0")])).unwrap();
        assert_eq!(odd.alias.as_deref(), Some("\u{fffd}\u{fffd}"));
    }

    #[test]
    fn a_message_cut_short_is_an_error_or_a_link_never_a_panic() {
        let whole = message(&[
            attribute(attribute::NAME, b"tap1\0"),
            attribute(
                attribute::LINKINFO,
                &attribute(attribute::KIND, b"bridge\0"),
            ),
        ]);
        for end in 0..whole.len() {
            let _ = link(&whole[..end]);
        }
    }
}
