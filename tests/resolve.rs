//! From configuration, domain and host to ports and networks: each refusal with its words.
#![expect(clippy::unwrap_used, reason = "the values are written here")]

use vmhook::config::{Config, GuestMtu, NetworkConfig, Source, load};
use vmhook::domain::{Domain, parse_domain};
use vmhook::facts::{AddressFact, BridgeFact, HostFacts, LinkFact, LinkKind, VxlanFact};
use vmhook::model::{MacAddr, Mtu, Network, NetworkKind, Port, PortSecurity, Tap};
use vmhook::resolve::{self, Claimed, Origin, ResolvedPort, Sources};

const HOST: &str = "[host]\nlocal_ip = \"172.16.0.31\"\n";
const LAB: &str = "[network.lab]\nid = \"lab\"\ntype = \"vxlan\"\nvni = 267\n";

fn config(text: &str) -> Config {
    load(&[Source {
        name: "vmhook.toml".to_owned(),
        text: Ok(text.to_owned()),
    }])
}

fn lab() -> Config {
    config(&format!("{HOST}{LAB}"))
}

fn network_of(config: &Config) -> &NetworkConfig {
    config.networks["lab"].as_ref().unwrap()
}

fn link(index: u32, name: &str, kind: LinkKind, mtu: u32) -> LinkFact {
    LinkFact {
        index,
        name: name.to_owned(),
        kind,
        mtu,
        mac: None,
        alias: None,
        master: None,
        up: true,
        suppresses: false,
    }
}

fn physical() -> LinkKind {
    LinkKind::Other(String::new())
}

fn vxlan(vni: u32, port: u16) -> LinkKind {
    LinkKind::Vxlan(VxlanFact {
        vni: Some(vni.try_into().unwrap()),
        local: None,
        group: None,
        underlay: None,
        port,
        source_ports: (0, 0),
        udp_checksum: true,
        takes_no_checksum6: false,
        ttl: 0,
        tos: 0,
        learning: true,
        proxy: false,
    })
}

/// A host whose `eth0` has this address and MTU.
fn host(address: &str, mtu: u32) -> HostFacts {
    HostFacts {
        links: vec![link(2, "eth0", physical(), mtu)],
        addresses: vec![AddressFact {
            link: 2,
            address: address.parse().unwrap(),
            on_link: format!("{address}/24")
                .parse::<ipnet::IpNet>()
                .unwrap()
                .trunc(),
            lasting: true,
        }],
        ..HostFacts::default()
    }
}

fn with(more: LinkFact) -> HostFacts {
    let mut facts = host("172.16.0.31", 1500);
    facts.links.push(more);
    facts
}

fn ours(link: LinkFact) -> LinkFact {
    LinkFact {
        alias: Some("vmhook:network=lab".to_owned()),
        ..link
    }
}

fn resolved(config: &Config, facts: &HostFacts) -> Result<Network, String> {
    resolve::network(config, network_of(config), facts)
}

mod network {
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
}

mod port {
    use super::*;

    const MAC: &str = "fa:16:3e:be:71:21";

    fn mac() -> MacAddr {
        MAC.parse().unwrap()
    }

    /// A domain with this metadata of ours and of Nova's.
    fn domain(ours: &str, nova: &str) -> Domain {
        let xml = format!(
            "<domain type='kvm'><name>vm</name><uuid>7c0bd4b6-6f6e-4b6e-9d30-0d6c7a3d1f11</uuid>\
             <metadata><v:ports xmlns:v='urn:vmhook:ports:1'>{ours}</v:ports>\
             <nova:instance xmlns:nova='http://openstack.org/xmlns/libvirt/nova/1.1'>{nova}\
             </nova:instance></metadata><devices/></domain>"
        );
        parse_domain(xml.as_bytes()).unwrap()
    }

    fn port(
        more: &str,
        domain: Option<&Domain>,
        target: Option<&str>,
    ) -> Result<ResolvedPort, String> {
        let groups = "security_groups = [\"web\"]\n[security_group]\nweb = {}\ndb = {}\n";
        port_on(&format!("{LAB}{groups}{more}"), domain, target)
    }

    fn port_on(
        text: &str,
        domain: Option<&Domain>,
        target: Option<&str>,
    ) -> Result<ResolvedPort, String> {
        let config = config(&format!("{HOST}{text}"));
        let from = Sources {
            config: &config,
            network: network_of(&config),
            domain,
        };
        resolve::port(mac(), target, from)
    }

    fn ours(attributes: &str, inside: &str) -> Domain {
        let text = format!("<v:port mac='{MAC}' {attributes}>{inside}</v:port>");
        domain(&text, "")
    }

    fn ips(port: &ResolvedPort) -> Vec<String> {
        let ips = port.port.fixed_ips.iter();
        ips.map(ToString::to_string).collect()
    }

    fn groups(port: &ResolvedPort) -> Vec<&str> {
        let groups = port.port.security_groups.iter();
        groups.map(|group| group.name.as_str()).collect()
    }

    const CONFIGURED: &str =
        "[port.web1]\nmac = \"fa:16:3e:be:71:21\"\nfixed_ips = [\"192.0.2.1\"]\n";
    const FIXED: &str = "<v:fixed-ip address='192.0.2.2'/>";
    const GROUP: &str = "<v:security-group name='db'/>";
    const NOVA: &str = "<nova:ports><nova:port uuid='7a8c0a54-75b0-4b6e-9d30-0d6c7a3d1f11'>\
                        <nova:ip type='fixed' address='192.0.2.3' ipVersion='4'/>\
                        </nova:port></nova:ports>";

    #[test]
    fn each_field_is_what_the_first_that_says_anything_says() {
        let all = domain(
            &format!("<v:port mac='{MAC}'>{FIXED}{GROUP}</v:port>"),
            NOVA,
        );
        let tap = Some("tap7a8c0a54-75");
        let found = port(CONFIGURED, Some(&all), tap).unwrap();
        assert_eq!(
            (ips(&found), groups(&found)),
            (vec!["192.0.2.1".to_owned()], vec!["db"])
        );
        assert_eq!(found.origins.fixed_ips.to_string(), "[port.web1]");
        assert_eq!(found.origins.security_groups.to_string(), "domain metadata");
        let found = port("", Some(&all), tap).unwrap();
        assert_eq!(ips(&found), ["192.0.2.2"]);
        let found = port("", Some(&domain("", NOVA)), tap).unwrap();
        assert_eq!(
            (ips(&found), groups(&found)),
            (vec!["192.0.2.3".to_owned()], vec!["web"])
        );
        assert_eq!(found.origins.fixed_ips.to_string(), "Nova metadata");
        assert_eq!(found.origins.security_groups.to_string(), "[network.lab]");
    }

    #[test]
    fn metadata_that_names_the_network_wins_over_metadata_that_names_none() {
        let named = FIXED.replace("192.0.2.2", "192.0.2.9");
        let both = format!(
            "<v:port mac='{MAC}'>{FIXED}</v:port><v:port mac='{MAC}' network='lab'>{named}</v:port>"
        );
        assert_eq!(
            ips(&port("", Some(&domain(&both, "")), None).unwrap()),
            ["192.0.2.9"]
        );
        let elsewhere = ours("network='office'", FIXED);
        assert!(port("", Some(&elsewhere), None).is_err());
    }

    #[test]
    fn has_an_address() {
        assert_eq!(
            port("", None, None).unwrap_err(),
            "no fixed IP is known for it; add a [port.NAME] with its mac and fixed_ips (an empty list \
             lets it use any address), or <vmhook:fixed-ip> to the domain's metadata"
        );
    }

    #[test]
    fn has_any_address_only_where_the_configuration_says_so() {
        let any = CONFIGURED.replace("fixed_ips = [\"192.0.2.1\"]", "fixed_ips = []");
        assert_ne!(any, CONFIGURED);
        let found = port(&any, Some(&ours("", FIXED)), None).unwrap();
        assert_eq!(ips(&found), [""; 0]);
        assert_eq!(found.origins.fixed_ips.to_string(), "[port.web1]");
    }

    #[test]
    fn has_the_address_pairs_of_the_configuration_or_else_of_the_metadata() {
        let pairs = |config: &str, domain: &Domain| -> Vec<String> {
            let found = port(config, Some(domain), None).unwrap().port;
            let pairs = found.allowed_address_pairs.iter();
            pairs
                .map(|pair| format!("{} {}", pair.ip, pair.mac))
                .collect()
        };
        let inside = format!("{FIXED}<v:allowed-address-pair ip='10.0.0.0/24'/>");
        let domain = ours("", &inside);
        assert_eq!(pairs("", &domain), [format!("10.0.0.0/24 {MAC}")]);
        let two = "allowed_address_pairs = [{ ip = \"192.0.2.9\" }, \
                   { ip = \"::/0\", mac = \"00:00:5e:00:01:01\" }]";
        let config = format!("{CONFIGURED}{two}");
        let expected = [
            format!("192.0.2.9/32 {MAC}"),
            "::/0 00:00:5e:00:01:01".to_owned(),
        ];
        assert_eq!(pairs(&config, &domain), expected);
    }

    #[test]
    fn has_groups_that_are_defined() {
        let domain = ours(
            "",
            "<v:fixed-ip address='192.0.2.2'/><v:security-group name='wbe'/>",
        );
        assert_eq!(
            port("", Some(&domain), None).unwrap_err(),
            "security group \"wbe\" is not defined (domain metadata)"
        );
        let typo = format!("{CONFIGURED}security_groups = [\"wbe\"]");
        assert_eq!(
            port(&typo, None, None).unwrap_err(),
            "port.web1.security_groups[0]: no security group is named \"wbe\"; did you mean \"web\"? \
             (vmhook.toml:14)"
        );
        let broken = format!("{CONFIGURED}[security_group.bad]\nid = 5");
        assert!(
            port(&broken, None, None).is_ok(),
            "a group of nobody's concern"
        );
    }

    #[test]
    fn has_a_tap_name_that_no_text_can_misread() {
        assert_eq!(
            port(CONFIGURED, None, Some("tap+")).unwrap_err(),
            "device name \"tap+\" is not usable (1 to 15 of A-Z a-z 0-9 _ . -, not starting with -)"
        );
    }

    fn security(config: &str, domain: Option<&Domain>) -> (PortSecurity, String) {
        let resolved = port(config, domain, None).unwrap();
        (
            resolved.port.security,
            resolved.origins.security.to_string(),
        )
    }

    #[test]
    fn without_port_security_needs_no_address_and_is_in_no_group() {
        let off = ours("port-security='false'", "");
        let resolved = port("", Some(&off), None).unwrap();
        assert_eq!(resolved.port.security, PortSecurity::Disabled);
        assert_eq!(resolved.origins.security, Origin::Metadata);
        assert!(resolved.port.fixed_ips.is_empty() && resolved.port.security_groups.is_empty());
        assert!(resolved.port.is_resolved());
        let on = format!("{CONFIGURED}port_security = true");
        let (security, _) = security(&on, Some(&off));
        assert_eq!(security, PortSecurity::Hardened, "[port] before metadata");
    }

    /// What counts for filtered ports alone makes no other one differ.
    #[test]
    fn without_port_security_hears_any_dhcp_server() {
        let servers = |security: &str| {
            let text = format!("{LAB}dhcp_servers = [\"192.0.2.9\"]\n{CONFIGURED}{security}");
            port_on(&text, None, None).unwrap().port.dhcp_servers
        };
        let its = Some(["192.0.2.9".parse().unwrap()].into());
        assert_eq!(
            (servers(""), servers("hardened = false")),
            (its.clone(), its)
        );
        assert_eq!(servers("port_security = false"), None);
        assert_eq!(servers("trusted = true"), None);
    }

    #[test]
    fn is_trusted_if_it_says_so_or_belongs_to_the_network() {
        let of = |lines: &str| {
            let resolved = port(&format!("{CONFIGURED}{lines}"), None, None).unwrap();
            resolved.port.security
        };
        assert_eq!(of("trusted = true"), PortSecurity::Trusted);
        let dhcp = "device_owner = \"network:dhcp\"\n";
        assert_eq!(of(dhcp), PortSecurity::Trusted);
        assert_eq!(
            of(&format!("{dhcp}port_security = false")),
            PortSecurity::Trusted
        );
        assert_eq!(
            of(&format!("{dhcp}trusted = false")),
            PortSecurity::Hardened
        );
        let nova = "device_owner = \"compute:nova\"";
        assert_eq!(of(nova), PortSecurity::Hardened);
    }

    #[test]
    fn of_a_service_of_neutrons_is_stateful_whatever_its_groups_say() {
        let group = "[security_group.plain]\nstateful = false\negress = [ { any = true } ]\n";
        let stateless = |owner: &str| {
            let lines = format!("security_groups = [\"plain\"]\ndevice_owner = \"{owner}\"\n");
            let resolved = port(&format!("{CONFIGURED}{lines}{group}"), None, None).unwrap();
            assert!(resolved.port.security.is_filtered());
            resolved.port.is_stateless()
        };
        assert!(stateless("compute:nova"));
        assert!(!stateless("neutron:LOADBALANCERV2"));
    }

    #[test]
    fn that_is_not_filtered_has_no_filters_of_its_own() {
        let off = format!("{CONFIGURED}port_security = false");
        let groups = ours("", &format!("{FIXED}<v:security-group name='web'/>"));
        assert_eq!(
            port(&off, Some(&groups), None).unwrap_err(),
            "port security is off ([port.web1]), so it can have no security groups (domain \
             metadata): give it one or the other; security_groups = [] in its [port.NAME] takes \
             those of the metadata away"
        );
        let taken = format!("{off}\nsecurity_groups = []");
        assert!(port(&taken, Some(&groups), None).is_ok());
        let pairs = ours(
            "",
            &format!("{FIXED}<v:allowed-address-pair ip='10.0.0.0/24'/>"),
        );
        let trusted = format!("{CONFIGURED}trusted = true");
        let refused = port(&trusted, Some(&pairs), None).unwrap_err();
        assert!(
            refused.starts_with("it is a trusted port ([port.web1])"),
            "{refused}"
        );
        let own = format!("{off}\nsecurity_groups = [\"web\"]");
        let refused = port(&own, None, None).unwrap_err();
        assert!(
            refused.contains("a port without port security can have none"),
            "{refused}"
        );
    }

    #[test]
    fn is_hardened_as_it_says_or_its_network_or_the_host() {
        let host = "[firewall]\nhardened = false\n";
        let own = |value: &str| format!("{CONFIGURED}hardened = {value}\n");
        let (hardened, not) = (PortSecurity::Hardened, PortSecurity::Enabled);
        assert_eq!(
            security(CONFIGURED, None),
            (hardened, "[firewall]".to_owned())
        );
        let by_host = security(&format!("{CONFIGURED}{host}"), None);
        assert_eq!(by_host, (not, "[firewall]".to_owned()));
        let by_port = security(&(own("true") + host), None);
        assert_eq!(by_port, (hardened, "[port.web1]".to_owned()));
        let by_port = security(&own("false"), None);
        assert_eq!(by_port, (not, "[port.web1]".to_owned()));
    }
}

mod claim {
    use super::*;

    const TWO: &str = "[network]\nlab = { id = \"lab\", type = \"vxlan\", vni = 1 }\n\
                       broken = { id = \"broken\", type = \"vxlan\", vni = \"x\" }\n";

    fn words(claimed: Claimed<'_>) -> String {
        match claimed {
            Claimed::NotOurs => "not ours".to_owned(),
            Claimed::Ours(network) => format!("ours: {}", network.name),
            Claimed::Broken(why) => why,
        }
    }

    fn claim(config: &Config, bridge: &str, stands: bool) -> String {
        words(resolve::ours(bridge, config, || stands))
    }

    #[test]
    fn a_bridge_that_a_network_names_is_ours() {
        let config = config(&format!("{HOST}{TWO}"));
        assert_eq!(claim(&config, "brqlab", false), "ours: lab");
        assert_eq!(claim(&config, "virbr0", false), "not ours");
        assert_eq!(claim(&config, "brqother", false), "not ours");
        let broken = claim(&config, "brqbroken", false);
        assert!(broken.starts_with("network.broken.vni: "), "{broken}");
    }

    #[test]
    fn a_bridge_that_stands_is_ours_though_nobody_names_it() {
        let config = config(&format!("{HOST}{TWO}"));
        assert_eq!(
            claim(&config, "brqold", true),
            "bridge brqold is vmhook's, but no configured network names it"
        );
    }

    #[test]
    fn while_a_file_is_missing_what_may_be_ours_is_refused() {
        let lost = load(&[
            Source {
                name: "vmhook.toml".to_owned(),
                text: Ok(format!("{HOST}{TWO}")),
            },
            Source {
                name: "conf.d/more.toml".to_owned(),
                text: Ok("nonsense".to_owned()),
            },
        ]);
        let why = lost.incomplete().unwrap().to_string();
        for bridge in ["brqlab", "brqother"] {
            assert_eq!(claim(&lost, bridge, false), why, "{bridge}");
        }
        assert_eq!(claim(&lost, "br7", true), why, "it stands");
        assert_eq!(claim(&lost, "virbr0", false), "not ours");
    }
}

mod tap {
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
}
