//! Strict reading of one element of our metadata: every attribute is known, every value is sound.

use crate::model::MacAddr;

use super::cursor::{Cursor, Element, Name};
use super::error::{MetadataError, MetadataProblem, XmlError, quote};

/// An element that is being read, with the name that messages give it.
pub(super) struct Tag<'c, 'x> {
    cursor: &'c Cursor<'x>,
    element: &'c Element<'x>,
    name: &'static str,
}

impl<'c, 'x> Tag<'c, 'x> {
    /// This element, under its name without prefix.
    pub(super) fn new(
        cursor: &'c Cursor<'x>,
        element: &'c Element<'x>,
        name: &'static str,
    ) -> Self {
        Self {
            cursor,
            element,
            name,
        }
    }

    /// The values of these attributes. Any other attribute is a fault, unless it is of another
    /// namespace: then it is somebody else's note.
    pub(super) fn attributes<const N: usize>(
        &self,
        names: [&str; N],
    ) -> Result<[Option<String>; N], Fault> {
        for name in self.cursor.attribute_names(self.element)? {
            match name {
                Name::Plain(local) if names.contains(&local) => {}
                Name::Foreign | Name::Nova(_) => {}
                Name::Plain(local) | Name::Vmhook(local) | Name::Undeclared(local) => {
                    return Err(self.fault(MetadataProblem::UnknownAttribute {
                        element: self.name,
                        attribute: quote(local),
                    }));
                }
            }
        }
        let mut values = [const { None }; N];
        for (value, name) in values.iter_mut().zip(names) {
            *value = self.element.attribute(name)?;
        }
        Ok(values)
    }

    /// The value of an attribute that must be there and not empty.
    pub(super) fn required(
        &self,
        attribute: &'static str,
        value: Option<String>,
    ) -> Result<String, Fault> {
        let element = self.name;
        value
            .filter(|value| !value.is_empty())
            .ok_or_else(|| self.fault(MetadataProblem::MissingAttribute { element, attribute }))
    }

    /// The MAC address that the attribute `mac` holds.
    pub(super) fn mac(&self, text: &str) -> Result<MacAddr, Fault> {
        text.parse()
            .map_err(|_| self.value("mac", text, "the MAC address of one interface"))
    }

    /// The fault of an attribute whose value is not what it should be.
    pub(super) fn value(
        &self,
        attribute: &'static str,
        found: &str,
        expected: &'static str,
    ) -> Fault {
        self.fault(MetadataProblem::Value {
            element: self.name,
            attribute,
            found: quote(found),
            expected,
        })
    }

    fn fault(&self, problem: MetadataProblem) -> Fault {
        Fault::at(self.element, problem)
    }
}

/// Why an entry could not be read: through the document's fault, or through its own.
pub(super) enum Fault {
    /// The document is no XML: nothing after this can be read.
    Xml(XmlError),
    /// The entry is wrong: others may be right.
    Metadata(MetadataError),
}

impl From<XmlError> for Fault {
    fn from(error: XmlError) -> Self {
        Self::Xml(error)
    }
}

impl Fault {
    /// This fault of this element. Whom it concerns is not known yet.
    pub(super) fn at(element: &Element<'_>, problem: MetadataProblem) -> Self {
        Self::Metadata(MetadataError {
            mac: None,
            line: element.line(),
            problem,
        })
    }

    /// The same fault, which concerns this interface only.
    pub(super) fn concerning(self, mac: MacAddr) -> Self {
        match self {
            Self::Metadata(error) => Self::Metadata(MetadataError {
                mac: Some(mac),
                ..error
            }),
            Self::Xml(_) => self,
        }
    }

    /// Parts what ends the reading of the document from what belongs into a result.
    pub(super) fn part<T>(read: Result<T, Self>) -> Result<Result<T, MetadataError>, XmlError> {
        match read {
            Ok(value) => Ok(Ok(value)),
            Err(Self::Metadata(error)) => Ok(Err(error)),
            Err(Self::Xml(error)) => Err(error),
        }
    }
}
