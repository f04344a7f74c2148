//! When an address has become usable.

use std::os::fd::{AsFd, AsRawFd, OwnedFd};

use nix::net::if_::if_nametoindex;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{
    self, AddressFamily, MsgFlags, NetlinkAddr, SockFlag, SockProtocol, SockType,
};

/// `RTMGRP_IPV6_IFADDR` of rtnetlink(7).
const IPV6_ADDRESSES: u32 = 0x100;
/// `RTM_NEWADDR`.
const NEW_ADDRESS: u16 = 20;
/// `IFA_F_TENTATIVE`: duplicates are still being looked for.
const TENTATIVE: u8 = 0x40;

/// What the kernel tells of IPv6 addresses since this was opened.
#[derive(Debug)]
pub struct Addresses(OwnedFd);

impl Addresses {
    pub(super) fn open() -> Self {
        let socket = socket::socket(
            AddressFamily::Netlink,
            SockType::Raw,
            SockFlag::SOCK_CLOEXEC,
            SockProtocol::NetlinkRoute,
        )
        .expect("a netlink socket can be opened");
        socket::bind(socket.as_raw_fd(), &NetlinkAddr::new(0, IPV6_ADDRESSES))
            .expect("anybody may listen to addresses");
        Self(socket)
    }

    /// Waits until an address of the link with this index may be used, at most ten seconds.
    pub fn wait_usable(&self, link: u32) {
        let mut bytes = [0; 4096];
        loop {
            let mut ready = [PollFd::new(self.0.as_fd(), PollFlags::POLLIN)];
            let told = poll(&mut ready, PollTimeout::from(10_000_u16));
            assert_eq!(told, Ok(1), "no address became usable");
            let count = socket::recv(self.0.as_raw_fd(), &mut bytes, MsgFlags::empty())
                .expect("a message is there");
            if is_usable(&bytes[..count], link) {
                return;
            }
        }
    }
}

/// `struct nlmsghdr` (16 bytes: length, type, ...), then `struct ifaddrmsg` (family, prefix length,
/// flags, scope, index of the link).
fn is_usable(message: &[u8], link: u32) -> bool {
    let kind = u16::from_ne_bytes([message[4], message[5]]);
    let index = u32::from_ne_bytes([message[20], message[21], message[22], message[23]]);
    kind == NEW_ADDRESS && index == link && message[18] & TENTATIVE == 0
}

/// The index of a link of this thread's namespace.
pub(super) fn index_of(link: &str) -> u32 {
    if_nametoindex(link).expect("the link is there")
}
