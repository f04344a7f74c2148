//! Files as text, and places in them.

use std::cell::RefCell;
use std::ops::Range;

use toml::Spanned;
use toml::de::DeTable;

use super::error::{ConfigError, Place, Position};

/// A configuration file as the boundary read it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// Its path, for messages.
    pub name: String,
    /// Its text; `Err` says why it could not be read.
    pub text: Result<String, String>,
}

/// A file's text with its lines counted.
#[derive(Debug)]
pub(super) struct File<'a> {
    name: &'a str,
    text: &'a str,
    /// Where each line begins.
    lines: Vec<usize>,
    /// What a reader found right and seldom meant.
    notes: RefCell<Vec<ConfigError>>,
}

/// A stretch of a file: what an error points at.
#[derive(Debug, Clone, Copy)]
pub(super) struct Site<'a> {
    file: &'a File<'a>,
    start: usize,
    end: usize,
}

/// A file as TOML.
#[derive(Debug)]
pub(super) struct Document<'a> {
    pub(super) file: File<'a>,
    /// The whole file, or as much of it as could be made out.
    pub(super) root: DeTable<'a>,
    /// Why `root` is not all that the file says.
    pub(super) broken: Option<ConfigError>,
}

impl<'a> File<'a> {
    fn new(name: &'a str, text: &'a str) -> Self {
        let after_breaks = text.match_indices('\n').map(|(at, _)| at + 1);
        let lines = std::iter::once(0).chain(after_breaks).collect();
        let notes = RefCell::default();
        Self {
            name,
            text,
            lines,
            notes,
        }
    }

    /// The stretch between these bytes.
    pub(super) fn site(&'a self, span: Range<usize>) -> Site<'a> {
        Site {
            file: self,
            start: span.start,
            end: span.end,
        }
    }

    /// What was noted while it was read.
    pub(super) fn notes(&self) -> Vec<ConfigError> {
        self.notes.take()
    }

    /// The index of the line that holds this byte.
    fn line(&self, byte: usize) -> usize {
        self.lines.partition_point(|start| *start <= byte) - 1
    }

    /// The last border between characters that is not behind this byte.
    fn border(&self, byte: usize) -> usize {
        let mut borders = (0..=byte.min(self.text.len())).rev();
        borders
            .find(|at| self.text.is_char_boundary(*at))
            .unwrap_or(0)
    }

    /// Line and column; a span over several lines ends with its first.
    fn position(&self, span: Range<usize>) -> Position {
        let start = self.border(span.start);
        let line = self.line(start);
        let begin = self.lines[line];
        let text = self.text[begin..].split('\n').next().unwrap_or_default();
        let end = self.border(span.end).min(begin + text.trim_end().len());
        let culprit = self.text.get(start..end).unwrap_or_default();
        Position {
            line: line + 1,
            column: self.text[begin..start].chars().count() + 1,
            width: culprit.chars().count().max(1),
            text: text.to_owned(),
        }
    }
}

impl Site<'_> {
    /// File and line.
    pub(super) fn place(self) -> Place {
        Place {
            file: self.file.name.to_owned(),
            line: self.file.line(self.start) + 1,
        }
    }

    /// An error here.
    pub(super) fn error(self, message: &str) -> ConfigError {
        let position = self.file.position(self.start..self.end);
        ConfigError::new(self.file.name, Some(position), message)
    }

    /// Something here that is right, and seldom meant.
    pub(super) fn note(self, message: &str) {
        self.file.notes.borrow_mut().push(self.error(message));
    }
}

impl<'a> Document<'a> {
    /// Parses a file; where that fails, what could be made out of it stays at hand.
    pub(super) fn parse(source: &'a Source) -> Self {
        match &source.text {
            Ok(text) => Self::parse_text(File::new(&source.name, text)),
            Err(why) => Self {
                file: File::new(&source.name, ""),
                root: DeTable::new(),
                broken: Some(unreadable(&source.name, why)),
            },
        }
    }

    fn parse_text(file: File<'a>) -> Self {
        let (root, errors) = DeTable::parse_recoverable(file.text);
        let broken = errors.first().map(|error| {
            let message = format!("the file does not parse: {}", error.message());
            let position = error.span().map(|span| file.position(span));
            ConfigError::new(file.name, position, &message)
        });
        let root = Spanned::into_inner(root);
        Self { file, root, broken }
    }
}

fn unreadable(name: &str, why: &str) -> ConfigError {
    let message = format!(
        "cannot read the configuration: {why}; no VM starts on a managed bridge until this file is there and readable"
    );
    ConfigError::new(name, None, &message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(text: &str) -> Source {
        Source {
            name: "vmhook.toml".to_owned(),
            text: Ok(text.to_owned()),
        }
    }

    #[test]
    fn a_stretch_is_counted_in_characters_and_ends_with_its_line() {
        let source = source("# é\nä = [\n  1 ]\n");
        let document = Document::parse(&source);
        let at = document.file.position(5..100);
        assert_eq!((at.line, at.column, at.width), (2, 1, 5));
        assert_eq!(at.text, "ä = [");
    }

    #[test]
    fn a_place_behind_the_end_is_on_the_last_line() {
        let source = source("a = 1\nb = ");
        let document = Document::parse(&source);
        let at = document.file.position(400..401);
        assert_eq!((at.line, at.column, at.width), (2, 5, 1));
    }

    #[test]
    fn what_could_be_made_out_of_a_broken_file_stays_at_hand() {
        let source = source("[network.lab]\nid = \"lab\"\n[port.web\n");
        let document = Document::parse(&source);
        assert!(document.broken.is_some());
        assert!(document.root.get("network").is_some());
    }
}
