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

mod port;
#[cfg(test)]
mod tests;

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
        Some(other) => return Err(unknown(element, other, "it should be <ports>")),
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
        Some(other) => return Err(unknown(element, other, "<ports> holds <port>")),
    }
    let tag = Tag::new(cursor, element, "port");
    let mac = tag.required("mac", element.attribute("mac")?)?;
    let mac = tag.mac(&mac)?;
    let port = port::port(cursor, element, mac);
    port.map(Some).map_err(|fault| fault.concerning(mac))
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

fn unknown(element: &Element<'_>, name: &str, meant: &'static str) -> Fault {
    let name = quote(name);
    Fault::at(element, MetadataProblem::UnknownElement { name, meant })
}
