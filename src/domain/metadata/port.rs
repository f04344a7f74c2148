//! One `<port>`: its attributes and what stands in it.

use std::net::IpAddr;

use ipnet::IpNet;

use super::super::cursor::{Cursor, Element};
use super::super::tag::{Fault, Tag};
use super::{PortMetadata, own_name, unknown};
use crate::model::MacAddr;

/// What may stand in a `<port>`.
const IN_PORT: &str = "<port> holds <fixed-ip>, <security-group> and <allowed-address-pair>";

/// Reads the entry of the interface with this address.
pub(super) fn port<'x>(
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
            Some(other) => return Err(unknown(child, other, IN_PORT)),
            None => return Ok(()),
        }
        nothing_inside(cursor, child)
    }
}

/// Nothing of ours may stand in an element that has attributes only.
fn nothing_inside<'x>(cursor: &mut Cursor<'x>, element: &Element<'x>) -> Result<(), Fault> {
    while let Some(child) = cursor.child(element)? {
        if let Some(name) = own_name(cursor, &child)? {
            return Err(unknown(
                &child,
                name,
                "nothing stands in an element with attributes only",
            ));
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
