//! The tap of a port, and what its guest is told of the MTU.

use super::*;

fn network() -> Network {
    resolved(&lab(), &host("172.16.0.31", 1500)).unwrap()
}

fn port() -> Port {
    Port {
        network: "lab".parse().unwrap(),
        mac: "fa:16:3e:be:71:21".parse().unwrap(),
        tap: None,
        target: None,
        fixed_ips: Vec::new(),
        allowed_address_pairs: Vec::new(),
        security_groups: Vec::new(),
        ipv6_addresses: vmhook::model::Ipv6Addresses::default(),
        dhcp_servers: None,
        remote_groups: Vec::new(),
        security: vmhook::model::PortSecurity::default(),
    }
}

fn interface(inside: &str) -> Domain {
    let xml = format!(
        "<domain type='kvm'><name>vm</name><uuid>7c0bd4b6-6f6e-4b6e-9d30-0d6c7a3d1f11</uuid>\
         <devices><interface type='bridge'><mac address='fa:16:3e:be:71:21'/>\
         <source bridge='brqlab'/>{inside}</interface></devices></domain>"
    );
    parse_domain(xml.as_bytes()).unwrap()
}

fn attached(facts: &HostFacts, inside: &str) -> Result<Option<Tap>, String> {
    let mut port = port();
    let domain = interface(inside);
    resolve::attach(&mut port, &domain.interfaces[0], &network(), facts)?;
    Ok(port.tap)
}

fn on(bridge: &str, mtu: u32) -> HostFacts {
    let mut facts = with(link(3, bridge, LinkKind::Bridge(BridgeFact::OURS), 1450));
    facts.links.push(LinkFact {
        master: Some(3),
        ..link(9, "vnet0", LinkKind::Tun, mtu)
    });
    facts
}

const VNET0: &str = "<target dev='vnet0'/>";

#[test]
fn is_known_by_its_index() {
    let tap = attached(&on("brqlab", 1450), VNET0).unwrap().unwrap();
    assert_eq!((tap.name.as_str(), tap.index), ("vnet0", 9));
    assert!(
        attached(&on("brqlab", 1400), VNET0).is_ok(),
        "a smaller MTU"
    );
}

#[test]
fn is_the_device_that_the_port_needs() {
    let refused = |facts: &HostFacts, inside: &str| attached(facts, inside).unwrap_err();
    let right = on("brqlab", 1450);
    assert_eq!(refused(&right, ""), "libvirt names no tap for it");
    assert_eq!(
        refused(&right, "<target dev='vnet1'/>"),
        "its tap vnet1 is not there"
    );
    assert_eq!(
        refused(&on("virbr0", 1450), VNET0),
        "its tap vnet0 is on virbr0, not on brqlab"
    );
    let mut nowhere = on("brqlab", 1450);
    nowhere.links[2].master = None;
    assert_eq!(
        refused(&nowhere, VNET0),
        "its tap vnet0 is on no bridge, not on brqlab"
    );
    assert_eq!(
        refused(&on("brqlab", 1500), VNET0),
        "its tap vnet0 has MTU 1500, network lab has 1450"
    );
}

#[test]
fn may_not_be_told_more_than_the_network_carries() {
    let check = |inside: &str| {
        let interface = &interface(inside).interfaces[0];
        [None, Some(GuestMtu::Refuse), Some(GuestMtu::Warn)]
            .map(|policy| resolve::check_mtu(interface, &network(), policy))
    };
    let told = [(); 3].map(|()| Ok(None));
    assert_eq!(check("<mtu size='1450'/>"), told);
    let above = "<mtu size='1500'/> is above the 1450 of network lab; write <mtu size='1450'/>";
    let above = || above.to_owned();
    assert_eq!(
        check("<mtu size='1500'/>"),
        [Err(above()), Err(above()), Ok(Some(above()))]
    );
    let none = "it has no <mtu>: unless DHCP tells its guest, that takes 1500, and network lab \
         carries 1450; write <mtu size='1450'/>";
    let none = || none.to_owned();
    assert_eq!(check(""), [Ok(None), Err(none()), Ok(Some(none()))]);
}

#[test]
fn need_not_be_told_what_every_guest_takes() {
    let network = Network {
        mtu: Mtu::ETHERNET,
        ..network()
    };
    let interface = &interface("").interfaces[0];
    let checked = resolve::check_mtu(interface, &network, Some(GuestMtu::Refuse));
    assert_eq!(checked, Ok(None));
}
