//! What the domain itself says of its ports: `<vmhook:ports>` in its `<metadata>`.
//!
//! ```xml
//! <vmhook:ports xmlns:vmhook="urn:vmhook:ports:1">
//!   <vmhook:port mac="fa:16:3e:be:71:21" network="selfservice" port-security="true">
//!     <vmhook:fixed-ip address="192.168.101.88"/>
//!     <vmhook:security-group name="mysecurity"/>
//!     <vmhook:allowed-address-pair ip="10.0.0.0/24" mac="fa:16:3e:00:00:01"/>
//!   </vmhook:port>
//! </vmhook:ports>
//! ```
//!
//! The reading is strict, entry by entry. What is unknown in our namespace is an error, and so is
//! what has no namespace at all: a forgotten prefix must not lose a fixed IP. Elements of another
//! namespace are somebody else's notes.

use std::collections::BTreeSet;
use std::net::IpAddr;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use crate::model::MacAddr;

use super::cursor::{Cursor, Element, Name};
use super::error::{MetadataError, MetadataProblem, XmlError, quote};
use super::tag::{Fault, Tag};

/// What the domain's own metadata says of one port. A list that is empty says nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PortMetadata {
    /// The interface's address.
    pub mac: MacAddr,
    /// The network, as the configuration names it; `None` for whatever network it is on.
    pub network: Option<String>,
    /// The addresses it may use, in the order written.
    pub fixed_ips: Vec<IpAddr>,
    /// The names of its security groups, in the order written.
    pub security_groups: Vec<String>,
    /// What it may use besides, host bits zero; `None` stands for its own MAC address.
    pub allowed_address_pairs: Vec<(IpNet, Option<MacAddr>)>,
    /// Whether it is filtered; `None` if the metadata does not say.
    pub port_security: Option<bool>,
}

/// The entries read so far.
#[derive(Default)]
pub(super) struct Entries {
    pub(super) list: Vec<Result<PortMetadata, MetadataError>>,
    named: BTreeSet<(MacAddr, Option<String>)>,
}

impl Entries {
    /// Reads an element of our namespace that stands in `<metadata>`.
    pub(super) fn read<'x>(
        &mut self,
        cursor: &mut Cursor<'x>,
        element: &Element<'x>,
    ) -> Result<(), XmlError> {
        if let Err(error) = Fault::part(frame(cursor, element))? {
            self.list.push(Err(error));
            return Ok(());
        }
        while let Some(child) = cursor.child(element)? {
            let entry = entry(cursor, &child).and_then(|port| self.once(port, &child));
            self.list.extend(Fault::part(entry)?.transpose());
        }
        Ok(())
    }

    /// The entry, unless another for the same interface was there before it.
    fn once(
        &mut self,
        port: Option<PortMetadata>,
        element: &Element<'_>,
    ) -> Result<Option<PortMetadata>, Fault> {
        let Some(port) = port else { return Ok(None) };
        if self.named.insert((port.mac, port.network.clone())) {
            return Ok(Some(port));
        }
        Err(Fault::at(element, MetadataProblem::Twice).concerning(port.mac))
    }
}

/// Checks the element around the entries.
fn frame(cursor: &Cursor<'_>, element: &Element<'_>) -> Result<(), Fault> {
    match own_name(cursor, element)? {
        Some("ports") | None => {}
        Some(other) => return Err(unknown(element, other)),
    }
    let [] = Tag::new(cursor, element, "ports").attributes([])?;
    Ok(())
}

/// Reads a `<port>`; `None` for an element that is not ours. The MAC address comes first, so that
/// all else that is wrong concerns one interface.
fn entry<'x>(
    cursor: &mut Cursor<'x>,
    element: &Element<'x>,
) -> Result<Option<PortMetadata>, Fault> {
    match own_name(cursor, element)? {
        None => return Ok(None),
        Some("port") => {}
        Some(other) => return Err(unknown(element, other)),
    }
    let tag = Tag::new(cursor, element, "port");
    let mac = tag.required("mac", element.attribute("mac")?)?;
    let mac = tag.mac(&mac)?;
    let port = port(cursor, element, mac);
    port.map(Some).map_err(|fault| fault.concerning(mac))
}

fn port<'x>(
    cursor: &mut Cursor<'x>,
    element: &Element<'x>,
    mac: MacAddr,
) -> Result<PortMetadata, Fault> {
    let tag = Tag::new(cursor, element, "port");
    let [_, network, security] = tag.attributes(["mac", "network", "port-security"])?;
    let port_security = match security.as_deref() {
        None => None,
        Some("true") => Some(true),
        Some("false") => Some(false),
        Some(other) => return Err(tag.value("port-security", other, "true or false")),
    };
    let mut port = PortMetadata {
        mac,
        network,
        fixed_ips: Vec::new(),
        security_groups: Vec::new(),
        allowed_address_pairs: Vec::new(),
        port_security,
    };
    while let Some(child) = cursor.child(element)? {
        port.take(cursor, &child)?;
    }
    Ok(port)
}

impl PortMetadata {
    fn take<'x>(&mut self, cursor: &mut Cursor<'x>, child: &Element<'x>) -> Result<(), Fault> {
        match own_name(cursor, child)? {
            Some("fixed-ip") => {
                let tag = Tag::new(cursor, child, "fixed-ip");
                self.fixed_ips.push(fixed_ip(&tag)?);
            }
            Some("security-group") => {
                let tag = Tag::new(cursor, child, "security-group");
                let [name] = tag.attributes(["name"])?;
                self.security_groups.push(tag.required("name", name)?);
            }
            Some("allowed-address-pair") => {
                let tag = Tag::new(cursor, child, "allowed-address-pair");
                self.allowed_address_pairs.push(address_pair(&tag)?);
            }
            Some(other) => return Err(unknown(child, other)),
            None => return Ok(()),
        }
        nothing_inside(cursor, child)
    }
}

/// Nothing of ours may stand in an element that has attributes only.
fn nothing_inside<'x>(cursor: &mut Cursor<'x>, element: &Element<'x>) -> Result<(), Fault> {
    while let Some(child) = cursor.child(element)? {
        if let Some(name) = own_name(cursor, &child)? {
            return Err(unknown(&child, name));
        }
    }
    Ok(())
}

fn fixed_ip(tag: &Tag<'_, '_>) -> Result<IpAddr, Fault> {
    let [address] = tag.attributes(["address"])?;
    let address = tag.required("address", address)?;
    let parsed = address.parse();
    parsed.map_err(|_| tag.value("address", &address, "an IP address"))
}

fn address_pair(tag: &Tag<'_, '_>) -> Result<(IpNet, Option<MacAddr>), Fault> {
    let [ip, mac] = tag.attributes(["ip", "mac"])?;
    let ip = tag.required("ip", ip)?;
    let single = || ip.parse().map(|address: IpAddr| IpNet::from(address));
    let net: Result<IpNet, _> = ip.parse().or_else(|_| single());
    let net = net.map_err(|_| tag.value("ip", &ip, "an IP address or a prefix"))?;
    let mac = mac.map(|text| tag.mac(&text)).transpose()?;
    Ok((net.trunc(), mac))
}

/// The name of an element of ours; `None` for one of another namespace.
fn own_name<'e, 'x>(
    cursor: &Cursor<'x>,
    element: &'e Element<'x>,
) -> Result<Option<&'e str>, Fault> {
    match cursor.name(element) {
        Name::Vmhook(local) => Ok(Some(local)),
        Name::Nova(_) | Name::Foreign => Ok(None),
        Name::Plain(local) | Name::Undeclared(local) => {
            let problem = MetadataProblem::NoNamespace(quote(local));
            Err(Fault::at(element, problem))
        }
    }
}

fn unknown(element: &Element<'_>, name: &str) -> Fault {
    let problem = MetadataProblem::UnknownElement(quote(name));
    Fault::at(element, problem)
}

#[cfg(test)]
mod tests {
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
}
