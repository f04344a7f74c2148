//! The kernel's link messages, read as [`LinkFact`]s.

use std::net::IpAddr;

use rtnetlink::packet_route::link::{
    BridgeStpState, InfoBridge, InfoBridgePort, InfoData, InfoKind, InfoPortData, InfoVlan,
    InfoVxlan, LinkAttribute, LinkFlags, LinkInfo, LinkMessage, VlanProtocol,
};

use crate::facts::{BridgeFact, LinkFact, LinkKind, VlanFact, VxlanFact};
use crate::model::{MacAddr, VlanId, Vni};

/// What a link message says.
pub(super) fn link(message: &LinkMessage) -> LinkFact {
    let mut link = LinkFact {
        index: message.header.index,
        name: String::new(),
        kind: LinkKind::Other(String::new()),
        mtu: 0,
        mac: None,
        alias: None,
        master: None,
        up: message.header.flags.contains(LinkFlags::Up),
        suppresses: false,
    };
    let mut parent = None;
    for attribute in &message.attributes {
        match attribute {
            LinkAttribute::IfName(name) => link.name.clone_from(name),
            LinkAttribute::Mtu(bytes) => link.mtu = *bytes,
            LinkAttribute::Address(bytes) => link.mac = mac(bytes),
            LinkAttribute::IfAlias(text) => link.alias = Some(text.clone()),
            LinkAttribute::Controller(index) => link.master = Some(*index),
            LinkAttribute::Link(index) => parent = Some(*index),
            LinkAttribute::LinkInfo(infos) => {
                link.kind = kind(infos);
                link.suppresses = infos.iter().any(suppresses);
            }
            _ => {}
        }
    }
    match &mut link.kind {
        LinkKind::Vlan(fact) => fact.parent = parent,
        LinkKind::Veth(peer) => *peer = parent,
        _ => {}
    }
    link
}

/// A unicast Ethernet address; a tunnel's "address" can have another length.
pub(super) fn mac(bytes: &[u8]) -> Option<MacAddr> {
    MacAddr::new(bytes.try_into().ok()?).ok()
}

fn kind(infos: &[LinkInfo]) -> LinkKind {
    let kind = infos.iter().find_map(|info| match info {
        LinkInfo::Kind(kind) => Some(kind),
        _ => None,
    });
    let data = infos.iter().find_map(|info| match info {
        LinkInfo::Data(data) => Some(data),
        _ => None,
    });
    match (kind, data) {
        (Some(InfoKind::Bridge), Some(InfoData::Bridge(data))) => LinkKind::Bridge(bridge(data)),
        (Some(InfoKind::Vxlan), Some(InfoData::Vxlan(data))) => LinkKind::Vxlan(vxlan(data)),
        (Some(InfoKind::Vlan), Some(InfoData::Vlan(data))) => LinkKind::Vlan(vlan(data)),
        (Some(InfoKind::Tun), _) => LinkKind::Tun,
        (Some(InfoKind::Veth), _) => LinkKind::Veth(None),
        (Some(other), _) => LinkKind::Other(other.to_string()),
        (None, _) => LinkKind::Other(String::new()),
    }
}

/// Whether what a bridge says of its port is what EVPN needs of it.
fn suppresses(info: &LinkInfo) -> bool {
    let LinkInfo::PortData(InfoPortData::BridgePort(port)) = info else {
        return false;
    };
    port.contains(&InfoBridgePort::Learning(false))
        && port.contains(&InfoBridgePort::NeighSupress(true))
}

fn bridge(data: &[InfoBridge]) -> BridgeFact {
    let mut fact = BridgeFact {
        forward_delay: 0,
        stp: false,
        mcast_snooping: false,
        vlan_filtering: false,
        group_fwd_mask: 0,
        nf_call_iptables: false,
        nf_call_ip6tables: false,
    };
    for info in data {
        match info {
            InfoBridge::ForwardDelay(centiseconds) => fact.forward_delay = *centiseconds,
            InfoBridge::StpState(state) => fact.stp = *state != BridgeStpState::Disabled,
            InfoBridge::GroupFwdMask(mask) => fact.group_fwd_mask = *mask,
            InfoBridge::MulticastSnooping(on) => fact.mcast_snooping = *on,
            InfoBridge::VlanFiltering(on) => fact.vlan_filtering = *on,
            InfoBridge::NfCallIpTables(on) => fact.nf_call_iptables = *on,
            InfoBridge::NfCallIp6Tables(on) => fact.nf_call_ip6tables = *on,
            _ => {}
        }
    }
    fact
}

fn vxlan(data: &[InfoVxlan]) -> VxlanFact {
    let mut fact = VxlanFact {
        vni: None,
        local: None,
        group: None,
        underlay: None,
        port: 0,
        source_ports: (0, 0),
        udp_checksum: false,
        takes_no_checksum6: false,
        ttl: 0,
        tos: 0,
        learning: false,
        proxy: false,
    };
    let (mut external, mut without_checksum6) = (false, false);
    for info in data {
        match info {
            InfoVxlan::Id(number) => fact.vni = Vni::try_from(*number).ok(),
            InfoVxlan::Local(address) => fact.local = Some(IpAddr::V4(*address)),
            InfoVxlan::Local6(address) => fact.local = Some(IpAddr::V6(*address)),
            InfoVxlan::Group(address) => fact.group = Some(IpAddr::V4(*address)),
            InfoVxlan::Group6(address) => fact.group = Some(IpAddr::V6(*address)),
            InfoVxlan::Link(index) => fact.underlay = Some(*index),
            InfoVxlan::Port(port) => fact.port = *port,
            InfoVxlan::PortRange(ports) => fact.source_ports = *ports,
            InfoVxlan::UDPCsum(on) => fact.udp_checksum = *on,
            InfoVxlan::UDPZeroCsumTX(on) => without_checksum6 = *on,
            InfoVxlan::UDPZeroCsumRX(on) => fact.takes_no_checksum6 = *on,
            InfoVxlan::Ttl(hops) => fact.ttl = *hops,
            InfoVxlan::Tos(octet) => fact.tos = *octet,
            InfoVxlan::Learning(on) => fact.learning = *on,
            InfoVxlan::Proxy(on) => fact.proxy = *on,
            InfoVxlan::CollectMetadata(true) | InfoVxlan::Gbp | InfoVxlan::Gpe => external = true,
            _ => {}
        }
    }
    fact.vni = fact.vni.filter(|_| !external);
    // Each family has a switch of its own, and the other one's says nothing.
    if fact.local.is_some_and(|local| local.is_ipv6()) {
        fact.udp_checksum = !without_checksum6;
    }
    fact
}

/// The device below is told beside the kind.
fn vlan(data: &[InfoVlan]) -> VlanFact {
    let mut id = None;
    let mut is_8021q = false;
    for info in data {
        match info {
            InfoVlan::Id(number) => id = VlanId::try_from(u32::from(*number)).ok(),
            InfoVlan::Protocol(protocol) => is_8021q = *protocol == VlanProtocol::Ieee8021Q,
            _ => {}
        }
    }
    VlanFact {
        id: id.filter(|_| is_8021q),
        parent: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_unicast_ethernet_address_is_a_mac_address() {
        assert!(mac(&[0xfa, 0x16, 0x3e, 1, 2, 3]).is_some());
        assert!(mac(&[0; 6]).is_none(), "the loopback device");
        assert!(mac(&[10, 0, 0, 1]).is_none(), "an IP tunnel");
    }

    #[test]
    fn a_vxlan_device_in_external_mode_has_no_vni() {
        let one = |external| vxlan(&[InfoVxlan::Id(267), InfoVxlan::CollectMetadata(external)]);
        assert_eq!(one(false).vni, Vni::try_from(267).ok());
        assert_eq!(one(true).vni, None);
    }
}
