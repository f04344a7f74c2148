//! What Nova says of a domain's ports: `<nova:instance>` in its `<metadata>`.
//!
//! Nova writes each port's UUID and fixed IPs, but neither MAC address nor security groups. The
//! only link to an interface is the tap, which Nova names after the port. Nova's document is its
//! own: what we do not know in it is passed over.

use std::net::IpAddr;

use super::cursor::{Cursor, Element, Name};
use super::error::{MetadataError, XmlError};
use super::tag::{Fault, Tag};

/// A port of Nova's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NovaPort {
    /// Neutron's UUID of the port, raw; empty if Nova gave none.
    pub uuid: String,
    /// Its fixed IPs, in the order written. One that cannot be read spoils the port: without it
    /// the list might be empty, and a port without fixed IP may use any.
    pub fixed_ips: Result<Vec<IpAddr>, MetadataError>,
}

impl NovaPort {
    /// The name that Nova gives the port's tap: `tap` and the first 11 characters of the UUID.
    pub fn tap_name(&self) -> String {
        let id: String = self.uuid.chars().take(11).collect();
        format!("tap{id}")
    }
}

/// Reads a `<nova:instance>`.
pub(super) fn read<'x>(
    cursor: &mut Cursor<'x>,
    instance: &Element<'x>,
    into: &mut Vec<NovaPort>,
) -> Result<(), XmlError> {
    while let Some(child) = cursor.child(instance)? {
        if cursor.name(&child) == Name::Nova("ports") {
            ports(cursor, &child, into)?;
        }
    }
    Ok(())
}

fn ports<'x>(
    cursor: &mut Cursor<'x>,
    element: &Element<'x>,
    into: &mut Vec<NovaPort>,
) -> Result<(), XmlError> {
    while let Some(child) = cursor.child(element)? {
        if cursor.name(&child) == Name::Nova("port") {
            into.push(NovaPort {
                uuid: child.attribute("uuid")?.unwrap_or_default(),
                fixed_ips: Fault::part(fixed_ips(cursor, &child))?,
            });
        }
    }
    Ok(())
}

fn fixed_ips<'x>(cursor: &mut Cursor<'x>, port: &Element<'x>) -> Result<Vec<IpAddr>, Fault> {
    let mut ips = Vec::new();
    while let Some(child) = cursor.child(port)? {
        let fixed = child.attribute("type")?.as_deref() == Some("fixed");
        if fixed && cursor.name(&child) == Name::Nova("ip") {
            ips.push(fixed_ip(cursor, &child)?);
        }
    }
    Ok(ips)
}

fn fixed_ip(cursor: &Cursor<'_>, element: &Element<'_>) -> Result<IpAddr, Fault> {
    let tag = Tag::new(cursor, element, "nova:ip");
    let text = tag.required("address", element.attribute("address")?)?;
    let address = text.parse();
    address.map_err(|_| tag.value("address", &text, "an IP address"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::parse_domain;

    fn nova_ports(uri: &str, ports: &str) -> Vec<NovaPort> {
        let xml = format!(
            r#"<domain><name>x</name><uuid>df970ec9-8410-48a6-9f04-d4621c967fce</uuid><metadata>
            <n:instance xmlns:n="{uri}"><n:ports>{ports}</n:ports></n:instance></metadata></domain>"#
        );
        parse_domain(xml.as_bytes()).unwrap().nova_ports
    }

    #[test]
    fn every_minor_version_of_nova_s_namespace_is_read() {
        let base = "http://openstack.org/xmlns/libvirt/nova/";
        for (version, read) in [("1.0", 1), ("1.1", 1), ("1.12", 1), ("2.0", 0), ("1.", 0)] {
            let ports = nova_ports(&format!("{base}{version}"), r#"<n:port uuid="a"/>"#);
            assert_eq!(ports.len(), read, "{version}");
        }
    }

    #[test]
    fn an_address_that_cannot_be_read_spoils_its_own_port_only() {
        let ports = nova_ports(
            "http://openstack.org/xmlns/libvirt/nova/1.1",
            r#"<n:port uuid="7a8c0a54-75e9"><n:ip type="fixed" address="10.0.0"/></n:port>
            <n:port><n:ip type="fixed" address="10.0.0.1"/><n:ip type="floating" address="x"/></n:port>"#,
        );
        assert!(ports[0].fixed_ips.is_err());
        assert_eq!(ports[0].tap_name(), "tap7a8c0a54-75");
        assert_eq!(ports[1].fixed_ips, Ok(vec!["10.0.0.1".parse().unwrap()]));
        assert_eq!(ports[1].tap_name(), "tap");
    }
}
