//! The fixed chains for what comes from a VM: of a hardened port, and of one that is not.

/// From a VM. What a port may use is in three sets a family: addresses, prefixes (sets of intervals
/// are slow to delete from), and MAC addresses that go with any address.
///
/// Whether an address is free it asks of its own alone, in ARP and in IPv6: whoever asks that is taken, by
/// the one that has the address and asks at the same time, for another who wants it (RFC 5227, section
/// 2.1.1; RFC 4862, section 5.4.3), and a VM could keep its neighbours from theirs.
///
/// It is no DHCP server, from whatever port: a client looks at none but its own. To a server or relay it
/// says only what a client says, and in IPv4 for its own hardware address (36 bytes into the message that
/// follows UDP's header, RFC 2131): else it could release or decline its neighbour's lease.
///
/// It is no router either: it neither advertises nor redirects, and asks nobody for multicast listeners.
/// No IPv6 fragment hides what it is: a fragment header with another extension header behind it would let
/// the first fragment end before the packet's own header, or be a fragment of a fragment.
///
/// nft 1.0.6 has no word for the target of a neighbour advertisement, and its `arp` expressions imply
/// the ethertype of ARP, which RARP has not: both are read by their place, 64 bits into the ICMPv6
/// and the RARP header.
pub(super) const FROM_VM: &str = "	chain from_own_v4 {
		iifname . ether saddr . ip saddr @v4 accept
		iifname . ether saddr . ip saddr @v4nets accept
		iifname . ether saddr @v4any accept
		drop
	}
	chain from_own_v6 {
		iifname . ether saddr . ip6 saddr @v6 accept
		iifname . ether saddr . ip6 saddr @v6nets accept
		iifname . ether saddr @v6any accept
		drop
	}
	chain from_vm_target {
		iifname . @th,64,128 @na return
		iifname . @th,64,128 @nanets return
		iifname @naany return
		drop
	}
	chain from_vm {
		ether type { 8021q, 8021ad } drop
		iifname . ether saddr != @macs drop
		ether type vmap { ip : jump from_vm_v4, ip6 : jump from_vm_v6, arp : jump from_vm_arp, 0x8035 : jump from_vm_rarp }
		drop
	}
	chain from_vm_dhcp {
		@th,64,8 1 iifname . @th,288,48 @rarp return
		@th,64,8 1 iifname . @th,288,48 @hardware return
		drop
	}
	chain from_vm_dhcpv6 {
		@th,64,8 { 2, 7, 10, 12, 13 } drop
	}
	chain from_vm_v4 {
		udp dport vmap { 67 : jump from_vm_dhcp, 68 : drop }
		icmp type router-advertisement drop
		igmp type membership-query drop
		ip saddr 0.0.0.0 ip daddr 255.255.255.255 udp sport 68 udp dport 67 accept
		goto from_own_v4
	}
	chain from_vm_probe {
		iifname . arp saddr ether . arp daddr ip @v4 accept
		iifname . arp saddr ether . arp daddr ip @v4nets accept
		iifname . arp saddr ether @v4any accept
		drop
	}
	chain from_vm_arp {
		iifname . arp saddr ether != @macs drop
		arp saddr ip 0.0.0.0 goto from_vm_probe
		iifname . arp saddr ether . arp saddr ip @v4 accept
		iifname . arp saddr ether . arp saddr ip @v4nets accept
		iifname . arp saddr ether @v4any accept
		drop
	}
	chain from_vm_rarp {
		iifname . @nh,64,48 != @rarp drop
		accept
	}
	chain from_vm_v6 {
		iifname != @has6 drop
		icmpv6 type { mld-listener-query, nd-router-advert, nd-redirect, 151 } drop
		udp dport vmap { 546 : drop, 547 : jump from_vm_dhcpv6 }
		frag nexthdr { 0, 43, 44, 60 } drop
		icmpv6 type nd-neighbor-advert jump from_vm_target
		ip6 saddr :: icmpv6 type nd-neighbor-solicit jump from_vm_target
		ip6 saddr :: icmpv6 type { nd-neighbor-solicit, mld-listener-report, mld2-listener-report } accept
		goto from_own_v6
	}
";

/// From a port with `hardened = false`: what Neutron's own layer 2 rules check, and who it is in IP, which
/// iptables checks too, but after conntrack. There a packet with a neighbour's address, dropped as it will
/// be, is that neighbour's answer to what the port has asked in vain, and the next question passes.
///
/// What it may use is in the same sets. IPv6 of a port without IPv6 address nobody checks, as in Neutron.
pub(super) const FROM_UNHARDENED: &str = "	chain from_unhardened_v4 {
		ip saddr 0.0.0.0 ip daddr 255.255.255.255 udp sport 68 udp dport 67 accept
		goto from_own_v4
	}
	chain from_unhardened_v6 {
		iifname != @has6 accept
		ip6 saddr :: icmpv6 type { nd-neighbor-solicit, mld-listener-report, mld2-listener-report } accept
		goto from_own_v6
	}
	chain from_unhardened {
		iifname . ether saddr != @macs drop
		ether type vmap { ip : goto from_unhardened_v4, ip6 : goto from_unhardened_v6, arp : goto from_vm_arp }
	}
";
