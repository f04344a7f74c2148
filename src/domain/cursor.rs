//! A walk through a document, one element's children at a time.
//!
//! A reader of some element asks for its next child until there is none. What it does not ask for
//! is passed over, however deep: no reader can lose its place, not even one that gives up in the
//! middle. So the readers have the shape of the documents, and there is no recursion to exhaust.

use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::attributes::Attribute;
use quick_xml::events::{BytesRef, BytesStart, Event};
use quick_xml::name::{Namespace, ResolveResult};
use quick_xml::{NsReader, XmlVersion};

use super::error::{XmlError, quote};

/// The namespace of our metadata.
const VMHOOK: &str = "urn:vmhook:ports:1";
/// The namespace of Nova's metadata, up to its minor version: 1.0 and 1.1 are in use.
const NOVA: &str = "http://openstack.org/xmlns/libvirt/nova/1.";
/// Namespace declarations in scope at once. A name is looked for among them one by one, so there
/// must be a limit; the library's own (128) is low for metadata that is none of our business.
const MAX_NAMESPACES: usize = 256;

/// The name of an element or attribute, by its namespace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Name<'a> {
    /// In no namespace: libvirt's own elements, and all attributes without prefix.
    Plain(&'a str),
    /// In ours.
    Vmhook(&'a str),
    /// In Nova's.
    Nova(&'a str),
    /// With a prefix that nothing declares.
    Undeclared(&'a str),
    /// In somebody else's.
    Foreign,
}

impl<'a> Name<'a> {
    fn new(namespace: &ResolveResult<'_>, local: &'a str) -> Self {
        match namespace {
            ResolveResult::Unbound => Self::Plain(local),
            ResolveResult::Unknown(_) => Self::Undeclared(local),
            ResolveResult::Bound(Namespace(VMHOOK)) => Self::Vmhook(local),
            ResolveResult::Bound(Namespace(uri)) if is_nova(uri) => Self::Nova(local),
            ResolveResult::Bound(_) => Self::Foreign,
        }
    }
}

fn is_nova(uri: &str) -> bool {
    uri.strip_prefix(NOVA)
        .is_some_and(|minor| !minor.is_empty() && minor.bytes().all(|byte| byte.is_ascii_digit()))
}

/// An element whose start was read.
pub(super) struct Element<'x> {
    tag: BytesStart<'x>,
    /// How many elements are open with it, itself included.
    depth: usize,
    /// Where its start tag starts.
    line: usize,
}

impl Element<'_> {
    /// The line on which it starts, from 1.
    pub(super) fn line(&self) -> usize {
        self.line
    }

    /// The value of this attribute without prefix.
    pub(super) fn attribute(&self, name: &str) -> Result<Option<String>, XmlError> {
        let mut value = None;
        for attribute in self.attributes() {
            let attribute = attribute?;
            if attribute.key.into_inner() != name {
                continue;
            }
            if value.is_some() {
                let problem = format!("attribute {} stands twice", quote(name));
                return Err(malformed(self.line, &problem));
            }
            value = Some(self.value(&attribute)?);
        }
        Ok(value)
    }

    /// The attributes as they stand. Uniqueness is not checked here: the library compares each
    /// with each, and an element may have a million.
    fn attributes(&self) -> impl Iterator<Item = Result<Attribute<'_>, XmlError>> {
        let mut attributes = self.tag.attributes();
        attributes.with_checks(false);
        attributes.map(|attribute| attribute.map_err(|error| malformed(self.line, &error)))
    }

    fn value(&self, attribute: &Attribute<'_>) -> Result<String, XmlError> {
        let value = attribute.normalized_value(XmlVersion::Implicit1_0);
        let value = value.map_err(|error| malformed(self.line, &error))?;
        Ok(value.into_owned())
    }
}

/// A place in a document.
pub(super) struct Cursor<'x> {
    text: &'x str,
    reader: NsReader<&'x [u8]>,
    /// How many elements are open.
    depth: usize,
    /// The line on which the last event starts, from 1.
    line: usize,
    /// The line on which it ends. Lines are counted on the way: a million complaints cost as much
    /// as one.
    end_line: usize,
}

impl<'x> Cursor<'x> {
    /// The start of a document, and its root element, which must have this name.
    pub(super) fn open(xml: &'x [u8], root: &'static str) -> Result<(Self, Element<'x>), XmlError> {
        let text = str::from_utf8(xml).map_err(|error| XmlError::NotUtf8 {
            byte: error.valid_up_to(),
        })?;
        let mut reader = NsReader::from_str(text);
        reader.config_mut().expand_empty_elements = true;
        reader
            .resolver_mut()
            .set_max_namespace_bindings(MAX_NAMESPACES);
        let mut cursor = Self {
            text,
            reader,
            depth: 0,
            line: 1,
            end_line: 1,
        };
        let element = cursor.outside()?.ok_or(XmlError::Empty)?;
        if cursor.name(&element) != Name::Plain(root) {
            return Err(XmlError::Root {
                expected: root,
                found: quote(element.tag.name().into_inner()),
            });
        }
        Ok((cursor, element))
    }

    /// Reads the rest of the document, so that a document cut off anywhere is an error.
    pub(super) fn close(mut self, root: &Element<'x>) -> Result<(), XmlError> {
        while self.child(root)?.is_some() {}
        match self.outside()? {
            None => Ok(()),
            Some(second) => Err(XmlError::Outside { line: second.line }),
        }
    }

    /// The next child of this element, which must be open or just ended; `None` after the last.
    pub(super) fn child(&mut self, of: &Element<'x>) -> Result<Option<Element<'x>>, XmlError> {
        while self.depth >= of.depth {
            match self.event()? {
                Event::Start(tag) if self.depth == of.depth + 1 => {
                    return Ok(Some(self.element(tag)));
                }
                Event::Eof => return Err(self.truncated()),
                _ => {}
            }
        }
        Ok(None)
    }

    /// The text of this element, whose start was the last thing read, without its children's.
    pub(super) fn text(&mut self, of: &Element<'x>) -> Result<String, XmlError> {
        let mut text = String::new();
        while self.depth >= of.depth {
            match self.event()? {
                Event::Eof => return Err(self.truncated()),
                _ if self.depth > of.depth => {}
                Event::Text(part) => text.push_str(&part.xml10_content()),
                Event::CData(part) => text.push_str(&part.xml10_content()),
                Event::GeneralRef(name) => self.resolve(&name, &mut text)?,
                _ => {}
            }
        }
        Ok(text)
    }

    /// The element's name. Asked for while it is open: its namespace may be declared on itself.
    pub(super) fn name<'e>(&self, element: &'e Element<'x>) -> Name<'e> {
        let (namespace, local) = self.reader.resolver().resolve_element(element.tag.name());
        Name::new(&namespace, local.into_inner())
    }

    /// The names of all attributes, namespace declarations left out.
    pub(super) fn attribute_names<'e>(
        &self,
        element: &'e Element<'x>,
    ) -> Result<Vec<Name<'e>>, XmlError> {
        let mut names = Vec::new();
        for attribute in element.attributes() {
            let key = attribute?.key;
            if key.as_namespace_binding().is_none() {
                let (namespace, local) = self.reader.resolver().resolve_attribute(key);
                names.push(Name::new(&namespace, local.into_inner()));
            }
        }
        Ok(names)
    }

    /// The next element where none is open; `None` at the end of the document.
    fn outside(&mut self) -> Result<Option<Element<'x>>, XmlError> {
        loop {
            match self.event()? {
                Event::Start(tag) => return Ok(Some(self.element(tag))),
                Event::Eof => return Ok(None),
                Event::Decl(_) | Event::PI(_) | Event::Comment(_) => {}
                Event::Text(blank) if blank.trim_ascii().is_empty() => {}
                _ => return Err(XmlError::Outside { line: self.line }),
            }
        }
    }

    fn event(&mut self) -> Result<Event<'x>, XmlError> {
        let start = self.position();
        let event = self.reader.read_event();
        self.line = self.end_line;
        self.end_line += lines(self.text, start, self.position());
        let event = event.map_err(|error| {
            let place = usize::try_from(self.reader.error_position()).unwrap_or(start);
            malformed(1 + lines(self.text, 0, place), &error)
        })?;
        match event {
            Event::Start(_) => self.depth += 1,
            Event::End(_) => self.depth -= 1,
            Event::DocType(_) => return Err(XmlError::Doctype { line: self.line }),
            _ => {}
        }
        Ok(event)
    }

    fn position(&self) -> usize {
        usize::try_from(self.reader.buffer_position()).unwrap_or(self.text.len())
    }

    fn element(&self, tag: BytesStart<'x>) -> Element<'x> {
        Element {
            tag,
            depth: self.depth,
            line: self.line,
        }
    }

    /// Appends what a reference stands for: a character by number, or one of XML's own five.
    fn resolve(&self, name: &BytesRef<'_>, text: &mut String) -> Result<(), XmlError> {
        let number = name
            .resolve_char_ref()
            .map_err(|error| malformed(self.line, &error))?;
        if let Some(character) = number {
            text.push(character);
            return Ok(());
        }
        let known = resolve_predefined_entity(name).ok_or_else(|| {
            let problem = format!("entity {} is not defined", quote(name));
            malformed(self.line, &problem)
        })?;
        text.push_str(known);
        Ok(())
    }

    fn truncated(&self) -> XmlError {
        XmlError::Truncated {
            line: self.end_line,
        }
    }
}

/// The line breaks between two places.
fn lines(text: &str, start: usize, end: usize) -> usize {
    let part = text.as_bytes().get(start..end.min(text.len()));
    let breaks = part
        .unwrap_or_default()
        .iter()
        .filter(|byte| **byte == b'\n');
    breaks.count()
}

fn malformed(line: usize, problem: &dyn ToString) -> XmlError {
    let problem: String = problem.to_string().chars().take(200).collect();
    XmlError::Malformed {
        line,
        problem: problem.replace(char::is_control, " "),
    }
}
