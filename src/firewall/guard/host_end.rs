//! The host's own end of networks: nobody passes for the host there, and what a VM may have of the host
//! by it.
//!
//! ```text
//!   table bridge                                   │ table inet
//!   VM's tap ──▶ prerouting ──▶ forward ──▶ vmp-… ─┼─▶ vmh-… ─▶ prerouting -450 ──▶ input, forward -310
//!                not the host's   from_member:     │            from_end: to whom,   (dstnat has been)
//!                MAC address      posing, to_end   │            from whom            no tunnel, no other end
//! ```
//!
//! `dstnat` comes between the two looks at a packet. So where it goes is decided before that, by what its
//! sender wrote, and that it goes to no tunnel is looked at once more behind it.

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::{Class, Element};
use crate::model::{Family, Zone};
use crate::plan::host_end::HostEndPair;

/// Sets of `table bridge`: the ports that lead to the host's ends, the MAC addresses of these, the
/// networks that have one, and the host's addresses on them.
pub(super) const BRIDGE_SETS: &str = "	set ends { type ifname; }
	set end_macs { type ether_addr; }
	set ended { typeof meta priority; }
	set hosts4 { type classid . ipv4_addr; }
	set hosts6 { type classid . ipv6_addr; }
	set hosts_na { typeof meta priority . @th,64,128; }
";

/// `posing`: what goes from a port of a network to another one, but for the host's own. Nobody says that
/// an address is his that is the host's there, in any way in which one can say it; nor asks, as one does
/// who is about to take it. A tag would hide all of it, so no tagged frame passes on such a network.
///
/// `to_end`: the host gets what is for it and what it understands.
///
/// The priority is the network's number in `posing`, as in `from_member`.
pub(super) const BRIDGE_CHAINS: &str = "	chain posing {
		ether type { 8021q, 8021ad, 0x9100 } drop
		meta priority . arp saddr ip @hosts4 drop
		meta priority . ip saddr @hosts4 drop
		meta priority . ip6 saddr @hosts6 drop
		icmpv6 type nd-neighbor-advert meta priority . @th,64,128 @hosts_na drop
		ip6 saddr :: icmpv6 type nd-neighbor-solicit meta priority . @th,64,128 @hosts_na drop
	}
	chain to_end {
		ether daddr & 01:00:00:00:00:00 == 00:00:00:00:00:00 ether daddr != @end_macs drop
		ether type { ip, ip6, arp } accept
		drop
	}
";

/// Before the bridge learns: else who sends with the host's MAC address gets what is the host's.
pub(super) const NOT_THE_HOSTS_MAC: &str =
    "		ether saddr @end_macs iifname @members iifname != @ends drop\n";

/// Sets of `table inet`: the host's devices, and the ports of tunnels.
pub(super) const INET_SETS: &str = "	set ends { type ifname; }
	set tunnel_ports { type inet_service; }
";

/// What comes in by an end of the host. It is decided here, by what the sender wrote: later, dstnat may
/// have made another destination of it, and before that fragments of several networks one packet (-400).
///
/// - Nothing goes to a tunnel's port, of whatever host: what is in such a packet would be in any network;
///   and behind masquerading it would come from this host's own address.
/// - Nobody tells the host of routes.
/// - The way back to the source is this end. Who has no address yet asks for one, or whether it is free.
/// - It goes to an address of this very end, or on by way of the host. To another address of the host's,
///   its underlay's among them, or to all on another link, goes nothing.
pub(super) const INET_CHAINS: &str = "	chain from_end {
		udp dport @tunnel_ports drop
		icmp type redirect drop
		icmpv6 type { nd-redirect, nd-router-advert } drop
		ip saddr 0.0.0.0 ip daddr 255.255.255.255 udp sport 68 udp dport 67 accept
		ip6 saddr :: icmpv6 type { nd-neighbor-solicit, nd-router-solicit, mld-listener-report, mld2-listener-report } accept
		fib saddr . iif oif missing drop
		fib daddr . iif type { local, broadcast, multicast } accept
		fib daddr type unicast accept
		drop
	}
	chain ends_in {
		type filter hook prerouting priority -450; policy accept;
		iifname @ends jump from_end
	}
";

/// Behind dstnat, into the host.
pub(super) const INET_INPUT: &str = "		iifname @ends udp dport @tunnel_ports drop\n";

/// Behind dstnat, through the host: no tunnel, and from no network with an end to another one.
pub(super) const INET_FORWARD: &str = "		iifname @ends udp dport @tunnel_ports drop
		iifname @ends oifname @ends drop
";

/// The elements of the host's end of the network of this zone. To these UDP ports nothing goes by it.
pub fn host_end_elements(
    pair: &HostEndPair,
    tunnel_ports: &BTreeSet<u16>,
    zone: Zone,
) -> BTreeSet<Element> {
    let class = Class::from(zone);
    let (end, port) = (pair.name.clone(), pair.port.clone());
    let fixed = [
        Element::Member(port.clone()),
        Element::Place(port.clone(), class),
        Element::HostPort(port),
        Element::HostEnd(end),
        Element::HostMac(pair.mac),
        Element::Ended(class),
    ];
    let addresses = pair
        .ips()
        .map(|address| Element::HostAddress(class, address));
    let tunnels = tunnel_ports.iter().copied().map(Element::TunnelPort);
    fixed.into_iter().chain(addresses).chain(tunnels).collect()
}

/// Where an element about the host's ends stands; empty if it is about something else.
pub(super) fn places(element: &Element) -> Vec<(&'static str, String)> {
    match element {
        Element::HostPort(port) => vec![("bridge vmhook ends", format!("\"{port}\""))],
        Element::HostEnd(end) => vec![("inet vmhook ends", format!("\"{end}\""))],
        Element::HostMac(mac) => vec![("bridge vmhook end_macs", mac.to_string())],
        Element::Ended(class) => vec![("bridge vmhook ended", class.to_string())],
        Element::TunnelPort(port) => ["bridge vmhook tunnel_ports", "inet vmhook tunnel_ports"]
            .map(|set| (set, port.to_string()))
            .into(),
        Element::HostAddress(class, IpAddr::V4(address)) => {
            vec![("bridge vmhook hosts4", format!("{class} . {address}"))]
        }
        Element::HostAddress(class, IpAddr::V6(address)) => {
            let target = u128::from(*address);
            vec![
                ("bridge vmhook hosts6", format!("{class} . {address}")),
                (
                    "bridge vmhook hosts_na",
                    format!("{class} . 0x{target:032x}"),
                ),
            ]
        }
        _ => Vec::new(),
    }
}

/// The element about the host's ends that has this key in this set; `None` if we never write such a one.
pub(super) fn element(place: &str, key: &str) -> Option<Element> {
    let name = || key.trim_matches('"').parse().ok();
    let of_class = || {
        let (class, address) = key.split_once(" . ")?;
        Some((class.parse().ok()?, address))
    };
    let address = |family| {
        let (class, address) = of_class()?;
        let address: IpAddr = address.parse().ok()?;
        (Family::of(address) == family).then_some(Element::HostAddress(class, address))
    };
    match place {
        "bridge vmhook ends" => name().map(Element::HostPort),
        "inet vmhook ends" => name().map(Element::HostEnd),
        "bridge vmhook end_macs" => key.parse().ok().map(Element::HostMac),
        "bridge vmhook ended" => key.parse().ok().map(Element::Ended),
        "bridge vmhook tunnel_ports" | "inet vmhook tunnel_ports" => {
            key.parse().ok().map(Element::TunnelPort)
        }
        "bridge vmhook hosts4" => address(Family::Ipv4),
        "bridge vmhook hosts6" => address(Family::Ipv6),
        "bridge vmhook hosts_na" => {
            let (class, target) = of_class()?;
            let target = u128::from_str_radix(target.strip_prefix("0x")?, 16).ok()?;
            let target = std::net::Ipv6Addr::from(target);
            Some(Element::HostAddress(class, target.into()))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::firewall::guard::read_tables;

    fn elements() -> BTreeSet<Element> {
        let pair = HostEndPair {
            name: "vmh-lab".parse().unwrap(),
            port: "vmp-lab".parse().unwrap(),
            mac: "1e:c5:d4:be:d4:71".parse().unwrap(),
            port_mac: "1e:c5:d4:be:d4:72".parse().unwrap(),
            mtu: crate::model::Mtu::ETHERNET,
            addresses: ["192.0.2.1/24", "2001:db8::1/64"]
                .map(|net| net.parse().unwrap())
                .into(),
            network: "lab".parse().unwrap(),
        };
        host_end_elements(&pair, &BTreeSet::from([4789, 8472]), Zone::FIRST)
    }

    /// As nft prints what was put in.
    #[test]
    fn each_element_reads_back() {
        for wanted in elements() {
            for (place, key) in wanted.places() {
                let read = element(place, &key);
                let of_all = matches!(wanted, Element::Member(_) | Element::Place(..));
                assert_eq!(read, (!of_all).then(|| wanted.clone()), "{place} {key}");
            }
        }
    }

    #[test]
    fn an_address_that_is_missing_in_one_set_counts_nowhere() {
        let bridge = "table bridge vmhook {\n\tset hosts6 {\n\t\ttype classid . ipv6_addr\n\
                      \t\telements = { 0:1001 . 2001:db8::1 }\n\t}\n}\n";
        let listing = read_tables(Some(bridge), None).unwrap();
        let half = Element::Foreign(
            "bridge vmhook hosts6".to_owned(),
            "0:1001 . 2001:db8::1".to_owned(),
        );
        assert_eq!(listing.guard.elements, BTreeSet::from([half]));
    }
}
