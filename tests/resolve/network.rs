//! A network: its names, its MTU, and what of the host keeps it from being there.

use super::*;

fn refused(facts: &HostFacts) -> String {
    resolved(&lab(), facts).unwrap_err()
}

#[test]
fn has_neutrons_names_and_the_mtu_that_the_underlay_leaves() {
    let network = resolved(&lab(), &host("172.16.0.31", 1500)).unwrap();
    let NetworkKind::Vxlan(vxlan) = &network.kind else {
        panic!("a VXLAN network");
    };
    assert_eq!(network.bridge.as_str(), "brqlab");
    assert_eq!(vxlan.tunnel.device.as_str(), "vxlan-267");
    assert_eq!(vxlan.tunnel.underlay.as_str(), "eth0");
    assert_eq!(u32::from(network.mtu), 1450);
    let six = config(&format!("[host]\nlocal_ip = \"fd00::31\"\n{LAB}"));
    let network = resolved(&six, &host("fd00::31", 9000)).unwrap();
    assert_eq!(u32::from(network.mtu), 8930, "IPv6 takes 20 bytes more");
}

#[test]
fn needs_a_device_that_has_local_ip_and_is_up() {
    assert_eq!(
        refused(&host("172.16.0.32", 1500)),
        "no device of this host has local_ip 172.16.0.31; set [host] local_ip to one that has"
    );
    let mut down = host("172.16.0.31", 1500);
    down.links[0].up = false;
    assert_eq!(
        refused(&down),
        "eth0, which has local_ip 172.16.0.31, is down"
    );
}

#[test]
fn must_fit_through_the_underlay() {
    let large = config(&format!("{HOST}{LAB}mtu = 1500"));
    assert_eq!(
        resolved(&large, &host("172.16.0.31", 1500)).unwrap_err(),
        "network lab has MTU 1500, but eth0 with MTU 1500 carries at most 1450 behind 50 bytes \
         of VXLAN"
    );
    assert!(resolved(&large, &host("172.16.0.31", 1550)).is_ok());
    assert_eq!(
        refused(&host("172.16.0.31", 100)),
        "eth0 has MTU 100, too small for VXLAN: MTU 50 is outside 68 to 65535"
    );
}

#[test]
fn takes_no_device_that_is_not_its_own() {
    let bridge = link(3, "brqlab", LinkKind::Bridge(BridgeFact::OURS), 1450);
    let others = LinkFact {
        alias: Some("vmhook:network=office".to_owned()),
        ..bridge.clone()
    };
    assert_eq!(
        refused(&with(others)),
        "a device named brqlab is there already and was made for another network (alias \
         \"vmhook:network=office\", not \"vmhook:network=lab\"); use another network id"
    );
    let not_a_bridge = ours(link(3, "brqlab", physical(), 1450));
    assert!(refused(&with(not_a_bridge)).starts_with("a device named brqlab is there already"));
    let device = link(4, "vxlan-267", LinkKind::Tun, 1450);
    assert_eq!(
        refused(&with(device)),
        "a device named vxlan-267 is there already and was not made by vmhook: it is a tap, and \
         this network needs VNI 267, local address 172.16.0.31 on eth0, UDP port 8472; remove it \
         (ip link delete vxlan-267)"
    );
    let device = link(4, "vxlan-267", physical(), 1450);
    assert!(refused(&with(device)).ends_with("rename it (ip link set vxlan-267 name OTHER)"));
    let device = link(4, "vxlan-267", vxlan(300, 4789), 1450);
    assert!(refused(&with(device)).contains(
        "it is VNI 300, local address none on another device, UDP port 4789, and this network \
         needs VNI 267"
    ));
    for own in [bridge, link(4, "vxlan-267", vxlan(267, 8472), 1450)] {
        assert!(resolved(&lab(), &with(ours(own))).is_ok());
    }
}

#[test]
fn takes_a_bridge_that_nobody_has_marked_or_uses() {
    let bridge = link(3, "brqlab", LinkKind::Bridge(BridgeFact::OURS), 1450);
    assert!(resolved(&lab(), &with(bridge.clone())).is_ok());
    let mut used = with(bridge.clone());
    used.links.push(LinkFact {
        master: Some(3),
        ..link(5, "eth1", physical(), 1500)
    });
    assert_eq!(
        refused(&used),
        "a device named brqlab is there already and was not made by vmhook: it is a bridge, and \
         this network needs a bridge of its own; its ports are eth1, so somebody uses it: rename it \
         (ip link set brqlab name OTHER), or take that from it"
    );
}

#[test]
fn takes_no_vni_that_another_device_has_on_its_port() {
    let other = |port| with(link(4, "flannel.1", vxlan(267, port), 1450));
    assert_eq!(
        refused(&other(8472)),
        "VNI 267 on UDP port 8472 is used by device flannel.1 already"
    );
    assert!(resolved(&lab(), &other(4789)).is_ok());
}

#[test]
fn needs_a_host_section_that_can_be_used() {
    let broken = config(&format!(
        "[host]\nlocal_ip = \"172.16.0.31\"\nvxlan_port = 0\n{LAB}"
    ));
    let words = resolved(&broken, &host("172.16.0.31", 1500)).unwrap_err();
    assert_eq!(
        words,
        "host.vxlan_port: 0 is outside 1 to 65535 (vmhook.toml:3)"
    );
}
