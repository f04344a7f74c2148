//! What can be wrong with a document, an interface or an entry of the metadata.

use crate::model::MacAddr;

/// Why a document as a whole cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum XmlError {
    /// Nothing but blanks came.
    #[error("the XML is empty")]
    Empty,
    /// libvirt writes UTF-8 in every locale.
    #[error("the XML is not UTF-8 at byte {byte}")]
    NotUtf8 {
        /// Where the first byte stands that is not.
        byte: usize,
    },
    /// It is not XML.
    #[error("line {line} of the XML: {problem}")]
    Malformed {
        /// The line, from 1.
        line: usize,
        /// What the XML reader says.
        problem: String,
    },
    /// It ends while an element is open.
    #[error("the XML ends in line {line} before its root element does")]
    Truncated {
        /// The last line, from 1.
        line: usize,
    },
    /// It has a document type definition: libvirt never writes one, and one can define entities.
    #[error("line {line} of the XML: a document type definition is refused")]
    Doctype {
        /// The line, from 1.
        line: usize,
    },
    /// It has content before or after its root element.
    #[error("line {line} of the XML: content outside the root element")]
    Outside {
        /// The line, from 1.
        line: usize,
    },
    /// It is of something else.
    #[error("the root element is {found}, not <{expected}>")]
    Root {
        /// What it should be.
        expected: &'static str,
        /// What it is, quoted.
        found: String,
    },
    /// It lacks what every document of its kind has.
    #[error("no {0} in the XML")]
    Missing(&'static str),
    /// A UUID that is none.
    #[error("{element} {found} is not a UUID")]
    Uuid {
        /// The element's path.
        element: &'static str,
        /// What it holds, quoted.
        found: String,
    },
}

/// What is odd in an interface: a reason to refuse it if it is ours, and none otherwise.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InterfaceError {
    /// It has no `<mac address=…>`.
    #[error("the interface has no MAC address")]
    NoMac,
    /// Its address is not the address of one interface.
    #[error("{0} is not the MAC address of one interface")]
    Mac(
        /// The address, quoted.
        String,
    ),
    /// Its `<mtu size=…>` is not an MTU.
    #[error("{0} is not an MTU (68 to 65535)")]
    Mtu(
        /// The size, quoted.
        String,
    ),
}

/// What is wrong in an entry of the metadata, where, and whom it concerns.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("metadata in line {line} of the XML: {problem}")]
pub struct MetadataError {
    /// The interface that the entry names; `None` if that cannot be told, and then any interface
    /// may be meant.
    pub mac: Option<MacAddr>,
    /// The line of the element, from 1.
    pub line: usize,
    /// What is wrong.
    pub problem: MetadataProblem,
}

/// What is wrong in an entry of the metadata.
///
/// Elements and attributes are given by their names without prefix.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MetadataProblem {
    /// An element of our namespace that has no meaning where it stands.
    #[error("element {name} has no meaning here; {meant}")]
    UnknownElement {
        /// Its name, quoted.
        name: String,
        /// What has a meaning there.
        meant: &'static str,
    },
    /// An element inside ours whose prefix is missing or not declared.
    #[error("element {0} is in no namespace (declare xmlns:vmhook=\"urn:vmhook:ports:1\")")]
    NoNamespace(
        /// Its name, quoted.
        String,
    ),
    /// An attribute that has no meaning.
    #[error("<{element}> has no attribute {attribute}")]
    UnknownAttribute {
        /// The element.
        element: &'static str,
        /// The attribute, quoted.
        attribute: String,
    },
    /// An attribute that must be there and not empty.
    #[error("<{element}> lacks a value for its attribute {attribute}")]
    MissingAttribute {
        /// The element.
        element: &'static str,
        /// The attribute.
        attribute: &'static str,
    },
    /// A value that cannot be read.
    #[error("<{element} {attribute}={found}>: that is not {expected}")]
    Value {
        /// The element.
        element: &'static str,
        /// The attribute.
        attribute: &'static str,
        /// What it holds, quoted.
        found: String,
        /// What it should be.
        expected: &'static str,
    },
    /// A second entry for one interface.
    #[error("a second <port> for the same MAC address and network")]
    Twice,
}

/// The text in quotes, cut after 60 characters, control characters escaped: fit for a message.
pub(super) fn quote(text: &str) -> String {
    const LIMIT: usize = 60;
    match text.char_indices().nth(LIMIT) {
        Some((end, _)) => format!("{:?}…", &text[..end]),
        None => format!("{text:?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quoted_text_is_one_short_line() {
        assert_eq!(quote("日本 \"x\"\n"), r#""日本 \"x\"\n""#);
        assert!(quote(&"ä".repeat(10_000)).chars().count() < 70);
    }
}
