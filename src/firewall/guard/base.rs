//! The fixed part of the two tables: sets and chains, without elements.

use super::existing::{BRIDGE_SETS as SHARED_SETS, TO_HOST};
use super::from_vm::{FROM_UNHARDENED, FROM_VM};
use super::host_end::{self, BRIDGE_CHAINS as ENDS, BRIDGE_SETS as END_SETS};

/// What this kernel can do beyond what every kernel can.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Capabilities {
    /// `meta ibrname` (`CONFIG_NFT_BRIDGE_META`): the frames of an unknown port die before the
    /// bridge learns their address, and two unknown ports do not reach each other.
    pub ibrname: bool,
}

/// A script that `nft --check` accepts where the kernel has `meta ibrname`.
pub const IBRNAME_PROBE: &str = "table bridge vmhook-probe {
	chain probe {
		type filter hook prerouting priority -310; policy accept;
		meta ibrname \"vmhook-probe\" drop
	}
}
";

/// The script that makes both tables anew, empty, whatever was there.
///
/// All of it is one transaction. Nothing is open after it: a frame passes only between members.
pub fn base_script(capabilities: Capabilities) -> String {
    let [from_unknown, to_host, to_unknown, unknown_port_here] = if capabilities.ibrname {
        [FROM_UNKNOWN, UNKNOWN_TO_HOST, HOST_TO_UNKNOWN, ""]
    } else {
        [TELL_NETWORK, TO_HOST_WITHOUT_IBRNAME, "", OF_NO_NETWORK]
    };
    let chains = BASE_CHAINS
        .replace("@FROM_UNKNOWN@", from_unknown)
        .replace("@UNKNOWN_TO_HOST@", to_host)
        .replace("@HOST_TO_UNKNOWN@", to_unknown)
        .replace("@NOT_THE_HOSTS_MAC@", host_end::NOT_THE_HOSTS_MAC);
    let inet = INET
        .replace("@UNKNOWN_PORT@", unknown_port_here)
        .replace("@END_SETS@", host_end::INET_SETS)
        .replace("@ENDS_IN@", host_end::INET_CHAINS)
        .replace("@END_INPUT@", host_end::INET_INPUT)
        .replace("@END_FORWARD@", host_end::INET_FORWARD);
    format!(
        "{}table bridge vmhook {{\n{SETS}{SHARED_SETS}{END_SETS}{FROM_VM}{FROM_UNHARDENED}{TO_CLIENT}{TO_VM}{CLAMP}{ENDS}{FROM_MEMBER}{TO_HOST}{chains}}}\n{inet}",
        no_tables(),
    )
}

/// Which fixed chains and sets the tables have that [`base_script`] makes: another number where
/// anything of them differs.
pub fn base_id(capabilities: Capabilities) -> u64 {
    crate::model::fnv1a(base_script(capabilities).as_bytes())
}

/// The script after which neither table is there: declaring a table before deleting it makes the
/// deletion succeed where there is none.
pub(super) fn no_tables() -> String {
    ["bridge", "inet"]
        .map(|family| format!("table {family} vmhook\ndelete table {family} vmhook\n"))
        .concat()
}

const FROM_UNKNOWN: &str = "		meta ibrname @bridges iifname != @members drop
		meta ibrname @shared iifname != @members drop
";
const UNKNOWN_TO_HOST: &str = "		meta ibrname @bridges drop
		meta ibrname @shared iifname != @members drop
		iifname @members goto to_host
";
const HOST_TO_UNKNOWN: &str = "		meta obrname @shared oifname != @members drop\n";

/// Without `meta ibrname` a frame of an unknown port goes on as far as the forward chain. Conntrack sees
/// it before that, and takes it for the answer to what an open port of the same VM has asked in vain.
/// So a member's frame is told by its network's number, in its priority, and what has none is dropped
/// where it is known again which bridge it is on ([`OF_NO_NETWORK`]).
const TELL_NETWORK: &str = "		meta priority set iifname map @networks\n";

/// In `table inet`, where the interface is the bridge.
const OF_NO_NETWORK: &str = "		iifname @bridges meta priority none drop
		iifname @shared meta priority none drop
";

/// Without `meta ibrname` this chain cannot tell what an unknown port sends to the reserved group
/// addresses from what somebody else's bridge gets. Nobody sends IP or ARP there, tagged or not.
const TO_HOST_WITHOUT_IBRNAME: &str = "		iifname @members goto to_host
		ether daddr & ff:ff:ff:ff:ff:f0 == 01:80:c2:00:00:00 ether type { ip, ip6, arp, 8021q, 8021ad } drop
";

const SETS: &str = "	set bridges { type ifname; }
	set members { type ifname; }
	map networks { type ifname : classid; }
	set places { type ifname . classid; }
	map mss4 { typeof meta priority : tcp option maxseg size; }
	map mss6 { typeof meta priority : tcp option maxseg size; }
	set untagged { type ifname; }
	set ports { type ifname; }
	set unhardened { type ifname; }
	set macs { type ifname . ether_addr; }
	set v4 { type ifname . ether_addr . ipv4_addr; }
	set v4nets { type ifname . ether_addr . ipv4_addr; flags interval; }
	set v4any { type ifname . ether_addr; }
	set v6 { type ifname . ether_addr . ipv6_addr; }
	set v6nets { type ifname . ether_addr . ipv6_addr; flags interval; }
	set v6any { type ifname . ether_addr; }
	set has6 { type ifname; }
	set na { typeof iifname . @th,64,128; }
	set nanets { typeof iifname . @th,64,128; flags interval; }
	set naany { type ifname; }
	set rarp { typeof iifname . @nh,64,48; }
	set hardware { typeof iifname . @nh,64,48; }
	set dhcp { type ifname; }
	set dhcp4 { type ifname . ipv4_addr; }
	set dhcp6 { type ifname . ipv6_addr; }
";

/// To a VM whose network names its DHCP servers (`dhcp`): what goes to a DHCP client's port comes from
/// them alone. The source port tells nothing: clients look at none, and RFC 8415 asks for none.
///
/// No fragment comes here: bridge netfilter puts packets together in prerouting, for conntrack.
const TO_CLIENT: &str = "	chain to_client {
		udp dport 68 oifname . ip saddr != @dhcp4 drop
		udp dport 546 oifname . ip6 saddr != @dhcp6 drop
	}
";

/// To a VM. What comes to it alone is for it: for its MAC address, and for an IP address that goes with
/// that. Connection tracking does not ask where a packet is sent, and the group's rules do not either:
/// a VM that has a conversation with anybody could send its packets of it to a neighbour's MAC address,
/// and they would pass as packets of a known connection; a neighbour that forwards would take them in.
const TO_VM: &str = "	chain to_vm_v4 {
		oifname . ether daddr . ip daddr @v4 return
		oifname . ether daddr . ip daddr @v4nets return
		oifname . ether daddr @v4any return
		ip daddr { 224.0.0.0/4, 255.255.255.255 } return
		drop
	}
	chain to_vm_v6 {
		oifname . ether daddr . ip6 daddr @v6 return
		oifname . ether daddr . ip6 daddr @v6nets return
		oifname . ether daddr @v6any return
		ip6 daddr ff00::/8 return
		drop
	}
	chain to_vm_alone {
		oifname . ether daddr != @macs drop
		ether type vmap { ip : goto to_vm_v4, ip6 : goto to_vm_v6 }
	}
	chain to_vm {
		ether type { 8021q, 8021ad } drop
		ether daddr & 01:00:00:00:00:00 == 00:00:00:00:00:00 jump to_vm_alone
		ether type ip6 oifname != @has6 drop
		ether type { ip, ip6, arp, 0x8035 } accept
		drop
	}
";

/// Both ends of a TCP connection tell the largest segment that they take as they open it, by the MTU
/// that they believe in. Of a network with `clamp_mss` neither hears more than the network carries: a
/// bridge that drops what is too large tells nobody. The kernel only lowers what is told, and mends
/// the checksum.
///
/// The priority is the network's number here, as in `from_member`.
const CLAMP: &str = "	chain clamp {
		ether type ip tcp option maxseg size set meta priority map @mss4
		ether type ip6 tcp option maxseg size set meta priority map @mss6
	}
";

/// Between two members: only where both have one network.
///
/// Over the device of a `flat` network (`untagged`) go no tags of any kind: they are those of the physical
/// network's VLANs, which are other networks.
///
/// On a network on which the host has an end, nobody else says that he is the host (`posing`).
///
/// Which bridge a frame crosses nft can tell with `meta ibrname` alone. So each member has the number
/// of its network (`networks`), and the frame carries its sender's to the question whether the
/// receiver has it too (`places`), in the one field of 32 bits that nft can both write and look up
/// and that nobody needs at this point: the priority. It is none before, so that nobody's value
/// counts for a member without a number, and none after, so that no queue takes the number for one
/// of its classes. A receiver that is no member has no place.
const FROM_MEMBER: &str = "	chain tagged {
		iifname @untagged drop
		oifname @untagged drop
	}
	chain from_member {
		meta priority set none
		meta priority set iifname map @networks
		oifname . meta priority != @places drop
		ether type { 8021q, 8021ad, 0x9100 } jump tagged
		meta priority @ended iifname != @ends jump posing
		tcp flags & (syn | rst) == syn jump clamp
		meta priority set none
		oifname @dhcp jump to_client
		oifname @ports jump to_vm
		oifname @ends jump to_end
	}
";

/// The chain `input` sees what the bridge hands to the host: what is sent to the bridge itself, ARP
/// among it, which `table inet` does not see; and frames for the reserved group addresses
/// (01:80:c2:00:00:0X). Those pass no other hook of the bridge, the host takes them, whatever is in
/// them, as if they had come in by a link that is no port, and the bridge learns their source.
/// 01:80:c2:00:00:0e (LLDP) passes not even this one; our bridges forward it (`group_fwd_mask`), so
/// that `prerouting` sees it.
const BASE_CHAINS: &str = "	chain prerouting {
		type filter hook prerouting priority -310; policy accept;
@FROM_UNKNOWN@@NOT_THE_HOSTS_MAC@		iifname @ports jump from_vm
		iifname @unhardened jump from_unhardened
	}
	chain input {
		type filter hook input priority -310; policy accept;
@UNKNOWN_TO_HOST@	}
	chain forward {
		type filter hook forward priority -310; policy accept;
		iifname @members goto from_member
		oifname @members drop
		oifname @dhcp jump to_client
		oifname @ports jump to_vm
	}
	chain output {
		type filter hook output priority -310; policy accept;
@HOST_TO_UNKNOWN@		oifname @dhcp jump to_client
		oifname @ports jump to_vm
	}
";

/// The host's side.
///
/// A tap that has just come up speaks by itself, before a hook can switch IPv6 off on it: the host's
/// IPv6 stack looks for duplicates of the tap's own link-local address and reports multicast groups,
/// first from the unspecified address; a second or two later it reports again and asks for routers,
/// from the link-local one. What the kernel holds for a reader that is to come, the VM reads.
///
/// - Into a tap whose name the domain's XML tells (`taps`), the host sends nothing at all.
/// - libvirt gives a tap without a name one of its own (`vnet0`), which is known at `start` only. It
///   may be anybody's, also one that the host routes to, and there neighbour discovery must work:
///   so the host only does not ask for routers there or report groups.
/// - From the unspecified address nothing leaves any tun or tap device.
///
/// Nor does the host take or route what comes in by such a tap: with its bridge, a tap loses what
/// keeps the guest from the host, and the guest runs on.
///
/// The same holds for the devices of ours that carry networks (`carriers`): out of its bridge such a device
/// is a link of the host's own, and what comes by it is other hosts' machines'. ARP does not come here;
/// the device ignores it.
///
/// Packets of tunnels are not tracked, before conntrack (-200) and iptables' raw (-300) see them: what is
/// in them is, and each of its flows would be an entry more for each direction. Only what goes to or
/// comes from a tunnel's own end, by its address or group: the same port may be translated or forwarded
/// for somebody else, and a VM may send to it.
///
/// Fragments get their network's conntrack zone here, before the kernel puts packets together (-400):
/// it takes those for one packet that have addresses, protocol, identification and *zone* in common, and
/// the rule in iptables' raw that gives all others their zone comes after that. Without it a VM completes
/// the packets of equal addresses on another network with what it likes, and they arrive there. Only
/// fragments: a packet that has its zone already is one that raw keeps from no tracking (`notrack`).
const INET: &str = "table inet vmhook {
	set bridges { type ifname; }
	set shared { type ifname; }
	map zones { typeof iifname : ct zone; }
	set bridged { type ifname . ifname; }
	set taps { type ifname; }
	set carriers { type ifname; }
	set vteps4 { type ipv4_addr . inet_service; }
	set vteps6 { type ipv6_addr . inet_service; }
	chain fragments {
		type filter hook prerouting priority -450; policy accept;
@UNKNOWN_PORT@		ip frag-off & 0x3fff != 0 ct zone set iifname map @zones
		exthdr frag exists ct zone set iifname map @zones
	}
@END_SETS@@ENDS_IN@	chain outer_in {
		type filter hook prerouting priority -301; policy accept;
		iifname @bridges return
		ip daddr . udp dport @vteps4 notrack
		ip6 daddr . udp dport @vteps6 notrack
	}
	chain outer_out {
		type filter hook output priority -301; policy accept;
		ip saddr . udp dport @vteps4 notrack
		ip6 saddr . udp dport @vteps6 notrack
	}
	chain input {
		type filter hook input priority -310; policy accept;
		iifname @shared meta priority set none
		iifname @bridges drop
		iifname @taps drop
		iifname @carriers drop
@END_INPUT@	}
	chain output {
		type filter hook output priority -310; policy accept;
		oifname @bridges drop
		oifname @taps drop
		oifname @carriers drop
		oifname \"vnet*\" icmpv6 type { nd-router-solicit, mld-listener-report, mld2-listener-report } drop
		meta oifkind \"tun\" ip6 saddr :: drop
	}
	chain forward {
		type filter hook forward priority -310; policy accept;
		iifname @shared meta priority set none
		iifname . oifname @bridged accept
		iifname @bridges drop
		oifname @bridges drop
		iifname @taps drop
		oifname @taps drop
		iifname @carriers drop
		oifname @carriers drop
@END_FORWARD@	}
}
";
