//! nftables' generation id, asked of the kernel directly.
//!
//! Every commit of any nftables transaction in a network namespace raises it, whoever did it. So
//! two equal ids mean that nobody touched a rule in between, and that is what lets a hook trust its
//! own record. `nft monitor` or a dump of all rules would cost a process or 200 ms; this is one
//! message of 20 bytes there and one of some 50 back.

use nix::errno::Errno;
use rtnetlink::sys::{Socket, SocketAddr, protocols::NETLINK_NETFILTER};

use super::HostError;

/// `NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETGEN` (the kernel's `nfnetlink.h`, `nf_tables.h`).
const GET_GENERATION: u16 = 10 << 8 | 16;
/// The answer: `NFT_MSG_NEWGEN`.
const NEW_GENERATION: u16 = 10 << 8 | 15;
/// `NFTA_GEN_ID`, 32 bits, big endian.
const ATTRIBUTE_ID: u16 = 1;
const REQUEST: u16 = 1;
const NLMSG_ERROR: u16 = 2;
/// `struct nlmsghdr` and `struct nfgenmsg`.
const HEADERS: usize = 16 + 4;

/// The generation id of this thread's network namespace.
pub(super) fn read() -> Result<u32, HostError> {
    let answer = ask().map_err(|error| failed(error.to_string()))?;
    parse(&answer).map_err(failed)
}

fn failed(reason: String) -> HostError {
    HostError::Netlink {
        doing: "cannot read the nftables generation id".to_owned(),
        reason,
    }
}

/// The kernel answers before `send` returns, so the socket never has to wait.
fn ask() -> std::io::Result<Vec<u8>> {
    let mut socket = Socket::new(NETLINK_NETFILTER)?;
    socket.bind_auto()?;
    socket.connect(&SocketAddr::new(0, 0))?;
    socket.set_non_blocking(true)?;
    socket.send(&request(), 0)?;
    let (answer, _) = socket.recv_from_full()?;
    Ok(answer)
}

fn request() -> Vec<u8> {
    let length = u32::try_from(HEADERS).expect("20 fits");
    let mut message = Vec::with_capacity(HEADERS);
    message.extend(length.to_ne_bytes());
    message.extend(GET_GENERATION.to_ne_bytes());
    message.extend(REQUEST.to_ne_bytes());
    message.extend([0; 8]); // sequence number, port: the kernel's
    message.extend([0; 4]); // any family, version 0, resource id 0
    message
}

fn parse(answer: &[u8]) -> Result<u32, String> {
    let short = || "the kernel's answer is cut short".to_owned();
    let kind = u16::from_ne_bytes(field(answer, 4).ok_or_else(short)?);
    match kind {
        NEW_GENERATION => id(answer.get(HEADERS..).ok_or_else(short)?).ok_or_else(short),
        NLMSG_ERROR => {
            let code = i32::from_ne_bytes(field(answer, 16).ok_or_else(short)?);
            Err(Errno::from_raw(code.saturating_neg()).desc().to_owned())
        }
        other => Err(format!("the kernel answered with message type {other}")),
    }
}

/// The id among the attributes (`struct nlattr`: length, type, value, padding to 4).
fn id(mut attributes: &[u8]) -> Option<u32> {
    loop {
        let length = usize::from(u16::from_ne_bytes(field(attributes, 0)?));
        let kind = u16::from_ne_bytes(field(attributes, 2)?);
        if kind == ATTRIBUTE_ID {
            return field(attributes, 4).map(u32::from_be_bytes);
        }
        attributes = attributes.get(length.max(4).next_multiple_of(4)..)?;
    }
}

fn field<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..at + N)?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(kind: u16, rest: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0; 16];
        bytes[4..6].copy_from_slice(&kind.to_ne_bytes());
        bytes.extend(rest);
        bytes
    }

    #[test]
    fn the_id_is_found_behind_other_attributes() {
        let mut rest = vec![0; 4];
        for (kind, value) in [(2_u16, 7_u32), (ATTRIBUTE_ID, 4711)] {
            rest.extend(8_u16.to_ne_bytes());
            rest.extend(kind.to_ne_bytes());
            rest.extend(value.to_be_bytes());
        }
        assert_eq!(parse(&answer(NEW_GENERATION, &rest)), Ok(4711));
    }

    #[test]
    fn a_refusal_is_told_in_the_kernels_words() {
        let refusal = answer(NLMSG_ERROR, &(-1_i32).to_ne_bytes());
        assert!(parse(&refusal).unwrap_err().contains("not permitted"));
    }

    #[test]
    fn no_bytes_of_any_length_can_trip_it() {
        let whole = answer(NEW_GENERATION, &[0; 40]);
        for end in 0..whole.len() {
            assert!(parse(&whole[..end]).is_err());
        }
    }
}
