//! A port: who may say what of it, and who wins.

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

pub(super) fn port(
    more: &str,
    domain: Option<&Domain>,
    target: Option<&str>,
) -> Result<ResolvedPort, String> {
    let groups = "security_groups = [\"web\"]\n[security_group]\nweb = {}\ndb = {}\n";
    port_on(&format!("{LAB}{groups}{more}"), domain, target)
}

pub(super) fn port_on(
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

pub(super) fn ours(attributes: &str, inside: &str) -> Domain {
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

pub(super) const CONFIGURED: &str =
    "[port.web1]\nmac = \"fa:16:3e:be:71:21\"\nfixed_ips = [\"192.0.2.1\"]\n";
pub(super) const FIXED: &str = "<v:fixed-ip address='192.0.2.2'/>";
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
        "security group \"wbe\" is not defined (domain metadata); did you mean \"web\"?"
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
