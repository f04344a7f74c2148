//! A guest that makes its IPv6 addresses itself, of what a router advertises.

use std::net::Ipv6Addr;
use std::time::Duration;

use super::{CONFIG, OTHER_MAC, host, web1};
use crate::support::frames::{self, end};

/// A guest looks for duplicates of each address for a second, and asks for routers up to a second
/// later; on a loaded machine all of it takes longer.
const LATER: Duration = Duration::from_secs(30);

/// What the kernel's defaults of a desktop are: a stable address that tells no MAC address
/// (RFC 7217), a temporary one for what the guest begins (RFC 8981), each looked for before it is
/// used. Addresses are made anew when the link comes up.
const PRIVATE: &str = "cd /proc/sys/net/ipv6/conf/eth0 && ip link set eth0 down && \
    echo 3 >addr_gen_mode && echo 2 >use_tempaddr && echo 1 >accept_dad && ip link set eth0 up";

/// Waits for an address with the flag of a temporary one and no other: not tentative any more.
const TEMPORARY: &str = "until grep ' 01 *eth0$' /proc/net/if_inet6; do sleep 0.1; done";

/// An ICMPv6 message of this type without extension headers: who sends it.
fn sender_of(kind: u8, frame: &[u8]) -> Option<Ipv6Addr> {
    let is_it = frame[12..14] == [0x86, 0xdd] && frame[20] == 58 && frame[54] == kind;
    let source: [u8; 16] = frame[22..38].try_into().ok()?;
    is_it.then(|| source.into())
}

#[test]
fn a_guest_speaks_from_the_temporary_address_that_it_makes_of_a_routers_prefix() {
    let config = CONFIG
        .replace("mtu = 1450", "mtu = 1450\nipv6_addresses = \"prefix\"")
        .replace(
            "[\"192.168.101.88\"]",
            "[\"192.168.101.88\", \"2001:db8:101::88\"]",
        )
        .replace("{ protocol = \"icmp\" },", "{ protocol = \"ipv6-icmp\" },");
    let lab = host(&config);
    let peer = lab.peer();
    let mut web1 = lab.define(&web1());
    web1.boot();
    let there = peer.packets("vxlan-267");
    let from_guest = |kind: u8| {
        let frame = there.receive(LATER, |frame| {
            let own = frames::mac(super::MAC);
            frame[6..12] == own && sender_of(kind, frame).is_some()
        });
        frame.and_then(|frame| sender_of(kind, &frame))
    };

    web1.sh(PRIVATE).ok();
    let local = from_guest(133).expect("the guest asks for routers");
    assert!(local.is_unicast_link_local());
    assert_ne!(local.to_string(), "fe80::f816:3eff:febe:7121", "EUI-64");
    let router = end(OTHER_MAC, "fe80::f816:3eff:fe00:101");
    let all_nodes = frames::multicast("ff02::1");
    there.send(&frames::router_advertisement(
        router,
        all_nodes,
        "2001:db8:101::",
    ));

    let line = web1.sh(TEMPORARY).ok();
    let digits = line.split_whitespace().next().expect("an address");
    let temporary: Ipv6Addr = u128::from_str_radix(digits, 16).expect("hex digits").into();
    web1.sh("ping -6 -c 1 -W 5 2001:db8:101::1").ok();
    assert_eq!(from_guest(128), Some(temporary), "the ping comes from it");
    assert!(peer.pings(&temporary.to_string()), "and it is answered at");
}
