//! Single entries of connection tracking, by ctnetlink.
//!
//! `conntrack -D` reads the whole table for each line that it is given, and which entries are over
//! only we can say. So one dump, and one message for each entry that is over. It names the entry by
//! the very bytes that the dump had for it, with the entry's id: what has taken its place meanwhile
//! is another one. A VM may fill the table, and the others must start all the same: with 260,000 entries
//! `conntrack -D` took half a second of CPU a line (kernel 6.18), and each address is two lines.
//!
//! The messages are `struct nlmsghdr`, `struct nfgenmsg`, attributes (the kernel's `nfnetlink.h`,
//! `nfnetlink_conntrack.h`). The kernel has an answer ready when it is asked, so nothing waits.

use std::io;
use std::net::IpAddr;

use nix::errno::Errno;
use rtnetlink::sys::{Socket, SocketAddr, protocols::NETLINK_NETFILTER};

use crate::firewall::connection::{Carries, Connection};
use crate::model::Zone;

use super::HostError;

/// `NFNL_SUBSYS_CTNETLINK << 8`, and `IPCTNL_MSG_CT_NEW`, `…_GET`, `…_DELETE` of it.
const NEW: u16 = 1 << 8;
const GET: u16 = NEW | 1;
const DELETE: u16 = NEW | 2;
const NLMSG_ERROR: u16 = 2;
const NLMSG_DONE: u16 = 3;
const REQUEST: u16 = 1;
const ACKNOWLEDGE: u16 = 4;
const DUMP: u16 = 0x300;

/// `enum ctattr_type`.
const TUPLE_ORIGINAL: u16 = 1;
const ID: u16 = 12;
const ZONE: u16 = 18;
/// `enum ctattr_tuple`.
const TUPLE_IP: u16 = 1;
const TUPLE_PROTOCOL: u16 = 2;
const TUPLE_ZONE: u16 = 3;
/// `enum ctattr_ip`: source and destination.
const V4: [u16; 2] = [1, 2];
const V6: [u16; 2] = [3, 4];
/// `enum ctattr_l4proto`.
const NUMBER: u16 = 1;
const PORTS: [u16; 2] = [2, 3];
/// Type and code.
const ICMP: [u16; 2] = [5, 6];
const ICMPV6: [u16; 2] = [8, 9];
/// `NLA_F_NESTED` and `NLA_F_NET_BYTEORDER` are no part of an attribute's type.
const TYPE: u16 = 0x3fff;

/// The length of a `struct nlmsghdr`.
const HEADER: usize = 16;

/// Deletes the entries of a zone that are over.
pub(super) fn forget_if(zone: Zone, over: &dyn Fn(&Connection) -> bool) -> Result<(), HostError> {
    let failed = |doing: &str, error: io::Error| HostError::Netlink {
        doing: doing.to_owned(),
        reason: error.to_string(),
    };
    let entries = dump().map_err(|error| failed("cannot read the connections", error))?;
    let of_zone = entries.iter().filter(|entry| entry.zone() == Some(zone));
    // What cannot be read is over: what it is, nobody can say.
    let over = of_zone.filter(|entry| entry.connection().is_none_or(|it| over(&it)));
    delete_all(over).map_err(|error| failed("cannot forget a connection", error))
}

/// One entry as the kernel writes it, from the family on.
struct Entry(Vec<u8>);

impl Entry {
    fn attribute(&self, wanted: u16) -> Option<&[u8]> {
        attribute(self.0.get(4..)?, wanted)
    }

    /// That of both directions, or of the one that began it alone.
    fn zone(&self) -> Option<Zone> {
        let of_original = || attribute(self.attribute(TUPLE_ORIGINAL)?, TUPLE_ZONE);
        let zone = self.attribute(ZONE).or_else(of_original);
        let number = u16::from_be_bytes(fixed(zone?)?);
        Zone::try_from(number).ok()
    }

    fn connection(&self) -> Option<Connection> {
        let tuple = self.attribute(TUPLE_ORIGINAL)?;
        let [source, destination] = addresses(attribute(tuple, TUPLE_IP)?)?;
        Some(Connection {
            source,
            destination,
            carries: carries(attribute(tuple, TUPLE_PROTOCOL)?)?,
        })
    }
}

fn addresses(ip: &[u8]) -> Option<[IpAddr; 2]> {
    let v4 = V4.map(|kind| Some(IpAddr::from(fixed::<4>(attribute(ip, kind)?)?)));
    let v6 = V6.map(|kind| Some(IpAddr::from(fixed::<16>(attribute(ip, kind)?)?)));
    match (v4, v6) {
        ([Some(source), Some(destination)], _) | (_, [Some(source), Some(destination)]) => {
            Some([source, destination])
        }
        _ => None,
    }
}

fn carries(of: &[u8]) -> Option<Carries> {
    let byte = |kind| Some(u8::from_be_bytes(fixed(attribute(of, kind)?)?));
    let protocol = byte(NUMBER)?;
    let port = |kind| Some(u16::from_be_bytes(fixed(attribute(of, kind)?)?));
    if let [Some(source), Some(destination)] = PORTS.map(port) {
        return Some(Carries::Ports {
            protocol,
            source,
            destination,
        });
    }
    for icmp in [ICMP, ICMPV6] {
        if let [Some(kind), Some(code)] = icmp.map(byte) {
            return Some(Carries::Icmp { kind, code });
        }
    }
    Some(Carries::Other(protocol))
}

fn dump() -> io::Result<Vec<Entry>> {
    let mut socket = connect()?;
    ask(&mut socket, GET, REQUEST | DUMP, &[0; 4])?;
    let mut entries = Vec::new();
    loop {
        let (answer, _) = socket.recv_from_full()?;
        let mut rest = answer.as_slice();
        while let Some((kind, body, behind)) = message(rest) {
            match kind {
                NEW => entries.push(Entry(body.to_vec())),
                NLMSG_DONE => return Ok(entries),
                NLMSG_ERROR => return Err(refusal(body)),
                _ => {}
            }
            rest = behind;
        }
    }
}

/// One that is gone already is no error.
fn delete_all<'a>(entries: impl Iterator<Item = &'a Entry>) -> io::Result<()> {
    let mut socket = connect()?;
    for entry in entries {
        delete(&mut socket, entry)?;
    }
    Ok(())
}

fn delete(socket: &mut Socket, entry: &Entry) -> io::Result<()> {
    let mut body = entry.0.get(..4).unwrap_or(&[0; 4]).to_vec();
    for kind in [TUPLE_ORIGINAL, ZONE, ID] {
        let Some(value) = entry.attribute(kind) else {
            continue;
        };
        let nested = if kind == TUPLE_ORIGINAL { 0x8000 } else { 0 };
        let length = u16::try_from(4 + value.len()).unwrap_or(u16::MAX);
        body.extend(length.to_ne_bytes());
        body.extend((kind | nested).to_ne_bytes());
        body.extend(value);
        body.resize(body.len().next_multiple_of(4), 0);
    }
    ask(socket, DELETE, REQUEST | ACKNOWLEDGE, &body)?;
    let (answer, _) = socket.recv_from_full()?;
    let Some((NLMSG_ERROR, body, _)) = message(&answer) else {
        return Err(io::Error::other("the kernel's answer is cut short"));
    };
    let refusal = refusal(body);
    match refusal.raw_os_error() {
        Some(0) => Ok(()),
        Some(code) if Errno::from_raw(code) == Errno::ENOENT => Ok(()),
        _ => Err(refusal),
    }
}

fn connect() -> io::Result<Socket> {
    let mut socket = Socket::new(NETLINK_NETFILTER)?;
    socket.bind_auto()?;
    socket.connect(&SocketAddr::new(0, 0))?;
    socket.set_non_blocking(true)?;
    Ok(socket)
}

fn ask(socket: &mut Socket, kind: u16, flags: u16, body: &[u8]) -> io::Result<()> {
    let length = u32::try_from(HEADER + body.len()).unwrap_or(u32::MAX);
    let mut message = Vec::with_capacity(HEADER + body.len());
    message.extend(length.to_ne_bytes());
    message.extend(kind.to_ne_bytes());
    message.extend(flags.to_ne_bytes());
    message.extend([0; 8]); // sequence number, port: the kernel's
    message.extend(body);
    socket.send(&message, 0)?;
    Ok(())
}

/// What an error's body says; code 0 is an acknowledgement.
fn refusal(body: &[u8]) -> io::Error {
    match body.first_chunk() {
        Some(code) => io::Error::from_raw_os_error(i32::from_ne_bytes(*code).saturating_neg()),
        None => io::Error::other("the kernel's answer is cut short"),
    }
}

/// The first message's type and what is behind its header, and the messages behind it.
fn message(bytes: &[u8]) -> Option<(u16, &[u8], &[u8])> {
    let length = usize::try_from(u32::from_ne_bytes(fixed(bytes.get(..4)?)?)).ok()?;
    let kind = u16::from_ne_bytes(fixed(bytes.get(4..6)?)?);
    let body = bytes.get(HEADER..length)?;
    let behind = bytes.get(length.next_multiple_of(4)..).unwrap_or_default();
    Some((kind, body, behind))
}

/// The value of an attribute among others (`struct nlattr`: length, type, value, padding to 4).
fn attribute(mut attributes: &[u8], wanted: u16) -> Option<&[u8]> {
    loop {
        let length = usize::from(u16::from_ne_bytes(fixed(attributes.get(..2)?)?));
        let kind = u16::from_ne_bytes(fixed(attributes.get(2..4)?)?);
        if kind & TYPE == wanted {
            return attributes.get(4..length);
        }
        attributes = attributes.get(length.max(4).next_multiple_of(4)..)?;
    }
}

fn fixed<const N: usize>(bytes: &[u8]) -> Option<[u8; N]> {
    bytes.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_bytes_of_any_length_can_trip_it() {
        let bytes: Vec<u8> = (0..=255).cycle().take(600).collect();
        for end in 0..bytes.len() {
            let entry = Entry(bytes[..end].to_vec());
            assert_eq!(entry.connection(), None);
            assert_eq!(attribute(&bytes[..end], 0x2222), None);
        }
    }
}
