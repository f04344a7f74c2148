//! A port of a libvirt network: what the network hook gets at `port-created`.

use crate::model::{DomainUuid, MacAddr};

use super::cursor::{Cursor, Element, Name};
use super::definition::uuid;
use super::error::{InterfaceError, XmlError};
use super::interface::mac;

/// A port that libvirt just gave to an interface of `type='network'`.
///
/// The tap does not exist yet and has no name here. The domain's metadata is not here either: it
/// came at the domain's own `prepare`, or never if the interface is plugged into a running one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NetworkPort {
    /// The libvirt network's name.
    pub network: String,
    /// The name of the domain that gets the port.
    pub owner_name: String,
    /// Its UUID.
    pub owner_uuid: DomainUuid,
    /// The interface's address.
    pub mac: Result<MacAddr, InterfaceError>,
    /// The bridge, raw; `None` if the network has none (macvtap, PCI devices).
    pub bridge: Option<String>,
}

/// Reads the `<hookData>` that libvirt writes to a network hook's stdin at `port-created`.
///
/// # Errors
/// [`XmlError`] if it is no XML, cut off, or lacks the port or its owner: at the network's own
/// operations (`start`, `started`, `updated`, `stopped`) there is no `<networkport>`.
pub fn parse_network_port(xml: &[u8]) -> Result<NetworkPort, XmlError> {
    let (mut cursor, root) = Cursor::open(xml, "hookData")?;
    let mut draft = Draft::default();
    while let Some(child) = cursor.child(&root)? {
        match cursor.name(&child) {
            Name::Plain("network") => draft.network(&mut cursor, &child)?,
            Name::Plain("networkport") => draft.port(&mut cursor, &child)?,
            _ => {}
        }
    }
    cursor.close(&root)?;
    draft.finish()
}

/// A port while it is read.
#[derive(Default)]
struct Draft {
    seen: bool,
    network: Option<String>,
    owner_name: Option<String>,
    owner_uuid: Option<String>,
    mac: Option<String>,
    bridge: Option<String>,
}

impl Draft {
    fn network<'x>(&mut self, cursor: &mut Cursor<'x>, of: &Element<'x>) -> Result<(), XmlError> {
        while let Some(child) = cursor.child(of)? {
            if cursor.name(&child) == Name::Plain("name") && self.network.is_none() {
                self.network = Some(cursor.text(&child)?);
            }
        }
        Ok(())
    }

    fn port<'x>(&mut self, cursor: &mut Cursor<'x>, of: &Element<'x>) -> Result<(), XmlError> {
        self.seen = true;
        while let Some(child) = cursor.child(of)? {
            match cursor.name(&child) {
                Name::Plain("owner") => self.owner(cursor, &child)?,
                Name::Plain("mac") => self.mac = child.attribute("address")?,
                Name::Plain("plug") => self.bridge = child.attribute("bridge")?,
                _ => {}
            }
        }
        Ok(())
    }

    fn owner<'x>(&mut self, cursor: &mut Cursor<'x>, of: &Element<'x>) -> Result<(), XmlError> {
        while let Some(child) = cursor.child(of)? {
            match cursor.name(&child) {
                Name::Plain("name") => self.owner_name = Some(cursor.text(&child)?),
                Name::Plain("uuid") => self.owner_uuid = Some(cursor.text(&child)?),
                _ => {}
            }
        }
        Ok(())
    }

    fn finish(self) -> Result<NetworkPort, XmlError> {
        if !self.seen {
            return Err(XmlError::Missing("<networkport>"));
        }
        let missing = XmlError::Missing;
        Ok(NetworkPort {
            network: self.network.ok_or(missing("<network><name>"))?,
            owner_name: self.owner_name.ok_or(missing("<owner><name>"))?,
            owner_uuid: uuid("<owner><uuid>", self.owner_uuid)?,
            mac: mac(self.mac),
            bridge: self.bridge,
        })
    }
}
