//! Entries, one by one: what is read, and whom an error concerns.

use super::*;
use crate::domain::{Domain, parse_domain};

fn domain(metadata: &str) -> Domain {
    let xml = format!(
        "<domain><name>x</name><uuid>df970ec9-8410-48a6-9f04-d4621c967fce</uuid>
        <metadata>{metadata}</metadata></domain>"
    );
    parse_domain(xml.as_bytes()).unwrap()
}

fn entries(inner: &str) -> Vec<Result<PortMetadata, MetadataError>> {
    domain(&format!(
        r#"<p:ports xmlns:p="urn:vmhook:ports:1">{inner}</p:ports>"#
    ))
    .metadata
}

fn mac(last: u8) -> MacAddr {
    MacAddr::new([0xfa, 0x16, 0x3e, 0, 0, last]).unwrap()
}

#[test]
fn an_entry_is_read_whole_and_in_order() {
    let inner = r#"<p:port mac="FA:16:3e:00:00:01" network="lab" port-security="false">
        <p:fixed-ip address="192.168.101.88"/><p:fixed-ip address="fd00::88"/>
        <p:security-group name="b"/><p:security-group name="日本 &amp; &quot;q&quot;"/>
        <p:allowed-address-pair ip="10.0.0.7/24"/>
        <p:allowed-address-pair ip="fd00::1" mac="fa:16:3e:00:00:02"/>
    </p:port>"#;
    let expected = PortMetadata {
        mac: mac(1),
        network: Some("lab".to_owned()),
        fixed_ips: vec![
            "192.168.101.88".parse().unwrap(),
            "fd00::88".parse().unwrap(),
        ],
        security_groups: vec!["b".to_owned(), "日本 & \"q\"".to_owned()],
        allowed_address_pairs: vec![
            ("10.0.0.0/24".parse().unwrap(), None),
            ("fd00::1/128".parse().unwrap(), Some(mac(2))),
        ],
        port_security: Some(false),
    };
    assert_eq!(entries(inner), [Ok(expected)]);
}

#[test]
fn the_namespace_decides_and_not_the_prefix() {
    let inner = r#"<port mac="fa:16:3e:00:00:01"/>"#;
    let ours = format!(r#"<ports xmlns="urn:vmhook:ports:1">{inner}</ports>"#);
    assert_eq!(domain(&ours).metadata.len(), 1);
    for uri in ["urn:evil", "urn:vmhook:ports:2", "urn:vmhook:ports:1 "] {
        let other = format!(r#"<p:ports xmlns:p="{uri}"><p:port/></p:ports>"#);
        assert_eq!(domain(&other).metadata, [], "{uri}");
    }
}

#[test]
fn what_somebody_else_notes_beside_or_inside_ours_is_passed_over() {
    let inner = r#"<x:port xmlns:x="urn:evil" mac="junk"><p:port/></x:port>
        <p:port mac="fa:16:3e:00:00:01" x:note="y" xmlns:x="urn:evil">
          <x:fixed-ip address="6.6.6.6"/><p:fixed-ip address="10.0.0.1"><x:y/></p:fixed-ip>
        </p:port>"#;
    let all = entries(inner);
    let [Ok(port)] = all.as_slice() else {
        panic!("{all:?}")
    };
    assert_eq!(port.fixed_ips, ["10.0.0.1".parse::<IpAddr>().unwrap()]);
}

#[test]
fn a_wrong_value_concerns_the_interface_it_names_and_no_other() {
    let domain = domain(
        r#"<p:ports xmlns:p="urn:vmhook:ports:1">
          <p:port mac="fa:16:3e:00:00:01"><p:fixed-ip address="10.0.0.256"/></p:port>
          <p:port mac="fa:16:3e:00:00:02"><p:fixed-ip address="10.0.0.2"/></p:port>
        </p:ports>"#,
    );
    let error = domain.metadata_of(mac(1)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "metadata in line 3 of the XML: \
         <fixed-ip address=\"10.0.0.256\">: that is not an IP address"
    );
    assert_eq!(domain.metadata_of(mac(2)).unwrap().len(), 1);
    assert_eq!(domain.metadata_of(mac(3)).unwrap().len(), 0);
}

#[test]
fn an_entry_whose_address_cannot_be_read_concerns_every_interface() {
    for head in [
        r#"<p:port mac="fa:16:3e"/>"#,
        r#"<p:port mac="ff:ff:ff:ff:ff:ff"/>"#,
        r#"<p:port mac=""/>"#,
        "<p:port/>",
        r#"<p:prot mac="fa:16:3e:00:00:01"/>"#,
        r#"<port mac="fa:16:3e:00:00:01"/>"#,
        r#"<vmhook:port mac="fa:16:3e:00:00:01"/>"#,
    ] {
        let all = entries(head);
        assert!(
            matches!(&all[..], [Err(MetadataError { mac: None, .. })]),
            "{all:?}"
        );
    }
}

#[test]
fn what_means_nothing_in_an_entry_is_named() {
    for (inner, named) in [
        (r#"<p:ip address="10.0.0.1"/>"#, "element \"ip\""),
        (r#"<fixed-ip address="10.0.0.1"/>"#, "is in no namespace"),
        (r#"<p:fixed-ip ip="10.0.0.1"/>"#, "no attribute \"ip\""),
        (
            r#"<p:fixed-ip p:address="10.0.0.1"/>"#,
            "no attribute \"address\"",
        ),
        ("<p:fixed-ip>10.0.0.1</p:fixed-ip>", "its attribute address"),
        (r#"<p:security-group name=""/>"#, "its attribute name"),
        (
            r#"<p:allowed-address-pair ip="10.0.0.0/33"/>"#,
            "or a prefix",
        ),
        (
            r#"<p:allowed-address-pair ip="10.0.0.1" mac="x"/>"#,
            "MAC address",
        ),
        (
            r#"<p:security-group name="a"><p:security-group name="b"/></p:security-group>"#,
            "has no meaning here",
        ),
    ] {
        let all = entries(&format!(
            r#"<p:port mac="fa:16:3e:00:00:01">{inner}</p:port>"#
        ));
        let [Err(error)] = all.as_slice() else {
            panic!("{inner}: {all:?}")
        };
        assert_eq!(error.mac, Some(mac(1)), "{inner}");
        assert!(error.to_string().contains(named), "{error}");
    }
}

#[test]
fn port_security_is_true_or_false_and_no_other_word() {
    for word in ["yes", "False", "0", ""] {
        let inner = format!(r#"<p:port mac="fa:16:3e:00:00:01" port-security="{word}"/>"#);
        assert!(entries(&inner)[0].is_err(), "{word}");
    }
}

#[test]
fn one_interface_has_one_entry_for_each_network() {
    let inner = r#"<p:port mac="fa:16:3e:00:00:01" network="a"/>
        <p:port mac="fa:16:3e:00:00:01" network="b"/>
        <p:port mac="fa:16:3e:00:00:01"/>
        <p:port mac="fa:16:3e:00:00:01" network="a"/>"#;
    let all = entries(inner);
    assert!(all[..3].iter().all(Result::is_ok));
    let error = all[3].as_ref().unwrap_err();
    assert_eq!(
        (error.mac, &error.problem),
        (Some(mac(1)), &MetadataProblem::Twice)
    );
}

#[test]
fn an_attribute_on_the_frame_or_another_frame_is_refused() {
    for frame in [
        r#"<p:ports xmlns:p="urn:vmhook:ports:1" mac="fa:16:3e:00:00:01"/>"#,
        r#"<p:port xmlns:p="urn:vmhook:ports:1" mac="fa:16:3e:00:00:01"/>"#,
    ] {
        let error = domain(frame).metadata_of(mac(9)).unwrap_err().clone();
        assert_eq!(error.mac, None, "{error}");
    }
}
