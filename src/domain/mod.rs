//! What libvirt hands to a hook, as values: a domain's XML, and the XML of a network's port.
//!
//! ```text
//! <domain>                                             Domain
//!   <name>, <uuid>                                       name, uuid
//!   <metadata>
//!     <vmhook:ports xmlns:vmhook="urn:vmhook:ports:1">   metadata    by MAC address
//!     <nova:instance xmlns:nova="…/nova/1.1">            nova_ports  by tap name
//!   <devices> <interface>                                interfaces
//! <hookData> <network>, <networkport>                  NetworkPort
//! ```
//!
//! The idea: **nothing here decides**. Most virtual machines of a host are none of our business,
//! and their start must never fail because of us; which interface is ours, only a configuration
//! can tell. So two kinds of error are kept apart:
//!
//! - the document is no XML, is cut off, or is not of a domain: [`XmlError`], for the whole;
//! - a value is odd: it stays where it stood, as text or as an `Err`, and whoever finds that the
//!   interface is ours refuses it. One interface's oddity never touches another. A bridge or target
//!   is raw text for this reason: `tap+` or forty characters are legal in a definition.
//!
//! What is wrong in *our* metadata is never ignored, since less than the operator wrote may mean
//! more open than he meant: a port without fixed IP may use any. The error names the MAC address
//! that it concerns, or none where that cannot be told, and then it concerns every interface.
//!
//! Invariants of the reading, all of them the `cursor`'s:
//! - names are compared with their namespace, so `<x:port xmlns:x="urn:evil">` is not ours;
//! - position counts: an `<interface>` anywhere but in `/domain/devices` is not an interface;
//! - one pass, no recursion, no entity but XML's own five; a document type definition is refused;
//! - a message is one short line, whatever was in the document.

mod cursor;
mod definition;
mod error;
mod interface;
mod metadata;
mod network_port;
mod nova;
mod tag;

pub use definition::{Domain, parse_domain};
pub use error::{InterfaceError, MetadataError, MetadataProblem, XmlError};
pub use interface::{Interface, InterfaceKind};
pub use metadata::PortMetadata;
pub use network_port::{NetworkPort, parse_network_port};
pub use nova::NovaPort;
