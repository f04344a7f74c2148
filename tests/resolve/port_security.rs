//! How much of a port is checked, and who says so.

use super::port::{CONFIGURED, FIXED, ours, port, port_on};
use super::*;

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
