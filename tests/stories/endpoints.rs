//! The two ends of a guest's way out: its tap, and the other host's VXLAN device.

use super::SOON;
use crate::support::{Guest, Lab, Packets, Peer};

/// What is seen at both ends.
pub(crate) struct Cable {
    /// What the guest sends, before anybody filters it, and what reaches it.
    pub(crate) tap: Packets,
    /// What arrives at the other host.
    pub(crate) there: Packets,
}

impl Cable {
    pub(crate) fn between(lab: &Lab, tap: &str, peer: &Peer<'_>, device: &str) -> Self {
        Self {
            tap: lab.packets(tap),
            there: peer.packets(device),
        }
    }

    /// The guest runs a command that sends such a frame, and it does not arrive. An honest ping
    /// that is sent after it does: nothing is waited for in vain.
    #[track_caller]
    pub(crate) fn assert_refused(
        &mut self,
        guest: &mut Guest<'_>,
        what: &str,
        command: &str,
        forged: impl Fn(&[u8]) -> bool,
    ) {
        let said = guest.sh(command);
        let sent = self.tap.receive(SOON, &forged);
        assert!(sent.is_some(), "{what}: the guest sent none: {said:#?}");
        guest.sh("ping -c 1 -W 2 192.168.101.1").ok();
        let honest = is_echo_request([192, 168, 101, 88]);
        let arrived = self
            .there
            .receive(SOON, |frame| forged(frame) || honest(frame));
        let arrived = arrived.expect("the honest ping arrives");
        assert!(!forged(&arrived), "{what} arrived: {arrived:02x?}");
    }
}

/// A ping (ICMP echo request) of an IPv4 address.
pub(crate) fn is_echo_request(from: [u8; 4]) -> impl Fn(&[u8]) -> bool {
    move |frame| {
        frame[12..14] == [8, 0] && frame[23] == 1 && frame[26..30] == from && frame[34] == 8
    }
}
