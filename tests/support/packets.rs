//! Single Ethernet frames, in and out of a link.

use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use nix::ifaddrs::getifaddrs;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{self, AddressFamily, MsgFlags, SockFlag, SockProtocol, SockType, sockopt};
use tappers::DeviceState;

/// A TAP interface, held open as QEMU holds it: what is sent here the host receives on it.
pub struct Tap(tappers::Tap);

impl Tap {
    pub(super) fn open(name: &str) -> Self {
        let mut tap = Self::open_down(name);
        tap.0
            .set_state(DeviceState::Up)
            .expect("a new link can be set up");
        tap
    }

    /// As [`open`](Self::open), but nobody has set it up yet.
    pub fn open_down(name: &str) -> Self {
        let name = tappers::Interface::new(name).expect("an interface name");
        let mut tap = tappers::Tap::new_named(name).expect("a TAP interface can be made");
        tap.set_nonblocking(true).expect("a TAP can be polled");
        Self(tap)
    }

    /// The guest sends a frame.
    pub fn send(&self, frame: &[u8]) {
        let sent = self
            .0
            .send(frame)
            .expect("an interface that is up takes a frame");
        assert_eq!(sent, frame.len());
    }

    /// The guest sends a frame every millisecond until the result is dropped.
    pub fn flood(self: &Arc<Self>, frame: Vec<u8>) -> Flood {
        let tap = Arc::clone(self);
        Flood::of(move || tap.0.send(&frame).is_ok())
    }

    /// The first frame that the guest gets and `wanted` accepts; `None` if none comes in time.
    pub fn receive(&self, limit: Duration, wanted: impl Fn(&[u8]) -> bool) -> Option<Vec<u8>> {
        first(self.0.as_fd(), limit, wanted, |bytes| {
            self.0.recv(bytes).ok()
        })
    }
}

/// A packet socket: sends frames out of a link and sees all that go in and out of it.
#[derive(Debug)]
pub struct Packets(OwnedFd);

impl Packets {
    /// Of a link of this thread's namespace.
    pub fn open(link: &str) -> Self {
        let socket = socket::socket(
            AddressFamily::Packet,
            SockType::Raw,
            SockFlag::SOCK_NONBLOCK | SockFlag::SOCK_CLOEXEC,
            SockProtocol::EthAll,
        )
        .expect("root can open a packet socket");
        let address = getifaddrs()
            .expect("links can be listed")
            .filter(|entry| entry.interface_name == link)
            .find_map(|entry| entry.address?.as_link_addr().copied())
            .unwrap_or_else(|| panic!("there is no link {link}"));
        // A test that is busy elsewhere must not lose frames of a flood.
        socket::setsockopt(&socket, sockopt::RcvBufForce, &(64 << 20))
            .expect("root can have any buffer");
        socket::bind(socket.as_raw_fd(), &address).expect("a packet socket can be bound to a link");
        Self(socket)
    }

    /// Sends a frame out of the link.
    pub fn send(&self, frame: &[u8]) {
        let sent = socket::send(self.0.as_raw_fd(), frame, MsgFlags::empty());
        assert_eq!(sent, Ok(frame.len()), "the link takes a frame");
    }

    /// The first frame on the link that `wanted` accepts; `None` if none comes in time. A packet
    /// socket gets an incoming VLAN tag beside the frame: it is not in these bytes.
    pub fn receive(&self, limit: Duration, wanted: impl Fn(&[u8]) -> bool) -> Option<Vec<u8>> {
        first(self.0.as_fd(), limit, wanted, |bytes| {
            socket::recv(self.0.as_raw_fd(), bytes, MsgFlags::empty()).ok()
        })
    }

    /// Sends a frame every millisecond until the result is dropped: a neighbour that does not wait
    /// for the rules to be in.
    pub fn flood(self, frame: Vec<u8>) -> Flood {
        // A link that is going down refuses frames; what matters is that others pass.
        Flood::of(move || socket::send(self.0.as_raw_fd(), &frame, MsgFlags::empty()).is_ok())
    }
}

/// Frames that are being sent.
#[derive(Debug)]
pub struct Flood {
    stop: Option<Sender<()>>,
    sender: Option<JoinHandle<u64>>,
}

impl Flood {
    /// Calls `send` every millisecond; it says whether the link took the frame.
    fn of(mut send: impl FnMut() -> bool + Send + 'static) -> Self {
        let (stop, stopped) = mpsc::channel();
        let sender = std::thread::spawn(move || {
            let mut count = 0;
            while stopped.recv_timeout(Duration::from_millis(1)) == Err(RecvTimeoutError::Timeout) {
                count += u64::from(send());
            }
            count
        });
        Self {
            stop: Some(stop),
            sender: Some(sender),
        }
    }

    /// Ends it; how many frames the link took.
    pub fn stop(mut self) -> u64 {
        self.end()
    }

    fn end(&mut self) -> u64 {
        drop(self.stop.take());
        self.sender
            .take()
            .map_or(0, |sender| sender.join().unwrap_or(0))
    }
}

impl Drop for Flood {
    fn drop(&mut self) {
        self.end();
    }
}

/// Takes frames until one is wanted or the time is up.
fn first(
    from: BorrowedFd<'_>,
    limit: Duration,
    wanted: impl Fn(&[u8]) -> bool,
    receive: impl Fn(&mut [u8]) -> Option<usize>,
) -> Option<Vec<u8>> {
    let deadline = Instant::now() + limit;
    let mut bytes = vec![0; 65536];
    loop {
        if let Some(count) = receive(&mut bytes) {
            if wanted(&bytes[..count]) {
                return Some(bytes[..count].to_vec());
            }
            continue;
        }
        let left = deadline.saturating_duration_since(Instant::now());
        let timeout = PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX);
        if poll(&mut [PollFd::new(from, PollFlags::POLLIN)], timeout) == Ok(0) {
            return None;
        }
    }
}
