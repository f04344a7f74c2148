//! An interface of a domain.

use crate::model::{MacAddr, Mtu};

use super::cursor::{Cursor, Element, Name};
use super::error::{InterfaceError, XmlError, quote};

/// An `<interface>` as it stands, ours or not.
///
/// The same interface looks different from one hook operation to the next: one of a network with
/// `forward mode='bridge'` is of kind `network` without a bridge at `prepare`, `stopped` and
/// `release`, and of kind `bridge` at `start` and `started`; a target that libvirt chose is there
/// only while the machine runs. Only the MAC address stays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interface {
    /// Its address. libvirt lets none through that is not one; kept as a value all the same.
    pub mac: Result<MacAddr, InterfaceError>,
    /// What it is attached to.
    pub kind: InterfaceKind,
    /// The bridge, raw: `<source bridge=…>`.
    pub bridge: Option<String>,
    /// The libvirt network, raw: `<source network=…>`. Not a network of ours.
    pub network: Option<String>,
    /// The device on the host, raw: `<target dev=…>`. At `prepare` it may be a pattern (`tap%d`),
    /// and any text at all.
    pub target: Option<String>,
    /// What the guest is told: `<mtu size=…>`.
    pub mtu: Result<Option<Mtu>, InterfaceError>,
    /// libvirt's name for it (`net0`); missing at `prepare`.
    pub alias: Option<String>,
}

/// What an interface is attached to: its `type` attribute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InterfaceKind {
    /// A bridge.
    Bridge,
    /// A libvirt network.
    Network,
    /// A tap of its own, on no bridge unless somebody puts it there.
    Ethernet,
    /// A macvtap.
    Direct,
    /// Anything else (`user`, `hostdev`, `vhostuser`, …), in libvirt's word; empty if it has none.
    Other(String),
}

impl From<String> for InterfaceKind {
    fn from(word: String) -> Self {
        match word.as_str() {
            "bridge" => Self::Bridge,
            "network" => Self::Network,
            "ethernet" => Self::Ethernet,
            "direct" => Self::Direct,
            _ => Self::Other(word),
        }
    }
}

/// Reads an `<interface>`. Only its own children count, not those of a `<backend>` in it.
pub(super) fn read<'x>(
    cursor: &mut Cursor<'x>,
    element: &Element<'x>,
) -> Result<Interface, XmlError> {
    let kind = element.attribute("type")?.unwrap_or_default();
    let mut text = Text::default();
    while let Some(child) = cursor.child(element)? {
        text.take(cursor, &child)?;
    }
    Ok(Interface {
        mac: mac(text.mac),
        kind: kind.into(),
        bridge: text.bridge,
        network: text.network,
        target: text.target,
        mtu: text.mtu.map(mtu).transpose(),
        alias: text.alias,
    })
}

/// The attributes of an interface's children, as written.
#[derive(Default)]
struct Text {
    mac: Option<String>,
    bridge: Option<String>,
    network: Option<String>,
    target: Option<String>,
    mtu: Option<String>,
    alias: Option<String>,
}

impl Text {
    fn take<'x>(&mut self, cursor: &Cursor<'x>, child: &Element<'x>) -> Result<(), XmlError> {
        let first = |slot: &mut Option<String>, name| {
            if slot.is_none() {
                *slot = child.attribute(name)?;
            }
            Ok(())
        };
        match cursor.name(child) {
            Name::Plain("mac") => first(&mut self.mac, "address"),
            Name::Plain("source") => {
                first(&mut self.bridge, "bridge")?;
                first(&mut self.network, "network")
            }
            Name::Plain("target") => first(&mut self.target, "dev"),
            Name::Plain("mtu") => first(&mut self.mtu, "size"),
            Name::Plain("alias") => first(&mut self.alias, "name"),
            _ => Ok(()),
        }
    }
}

/// The address of an interface, from what its `<mac address=…>` holds.
pub(super) fn mac(text: Option<String>) -> Result<MacAddr, InterfaceError> {
    let text = text.ok_or(InterfaceError::NoMac)?;
    text.parse().map_err(|_| InterfaceError::Mac(quote(&text)))
}

#[expect(clippy::needless_pass_by_value, reason = "it is mapped over an Option")]
fn mtu(text: String) -> Result<Mtu, InterfaceError> {
    let bytes: Option<u32> = text.parse().ok();
    bytes
        .and_then(|bytes| bytes.try_into().ok())
        .ok_or_else(|| InterfaceError::Mtu(quote(&text)))
}
