//! A cursor on one TOML table: takes the keys that a reader knows, keeps every error, and complains
//! of what is left over.
//!
//! A reader asks for each key that it knows, builds its value from what came, and ends with
//! [`Table::finish`]. So one look at a table tells all that is wrong with it.

use std::fmt::Display;

use toml::de::DeTable;

use super::error::{Checked, ConfigError, ConfigErrors};
use super::hint::instead_of;
use super::source::{File, Site};
use super::value::Value;

/// A table that is being read.
#[derive(Debug)]
pub(super) struct Table<'a> {
    path: String,
    file: &'a File<'a>,
    site: Site<'a>,
    entries: &'a DeTable<'a>,
    asked: Vec<&'static str>,
    errors: Vec<ConfigError>,
}

impl<'a> Table<'a> {
    pub(super) fn new(
        path: String,
        file: &'a File<'a>,
        site: Site<'a>,
        entries: &'a DeTable<'a>,
    ) -> Self {
        Self {
            path,
            file,
            site,
            entries,
            asked: Vec::new(),
            errors: Vec::new(),
        }
    }

    /// Every key with its value, in alphabetical order: for tables whose keys are names.
    pub(super) fn entries(&self) -> Vec<(&'a str, Site<'a>, Value<'a>)> {
        let value = |name: &'a str| {
            let (key, value) = self.entries.get_key_value(name)?;
            let key = self.file.site(key.span());
            let path = dotted(&self.path, name);
            Some((name, key, Value::of_key(path, self.file, key, value)))
        };
        let names = self.entries.keys().map(|key| key.get_ref().as_ref());
        names.filter_map(value).collect()
    }

    /// The value of a key, untouched; from now on the key is known.
    pub(super) fn value(&mut self, key: &'static str) -> Option<Value<'a>> {
        self.asked.push(key);
        let (at, value) = self.entries.get_key_value(key)?;
        let path = dotted(&self.path, key);
        Some(Value::of_key(
            path,
            self.file,
            self.file.site(at.span()),
            value,
        ))
    }

    /// The value of a key; `None` if it is not there, or is wrong (which is then noted).
    pub(super) fn optional<T>(
        &mut self,
        key: &'static str,
        read: impl FnOnce(&Value<'a>) -> Checked<T>,
    ) -> Option<T> {
        let value = self.value(key)?;
        read(&value)
            .map_err(|errors| self.errors.extend(errors))
            .ok()
    }

    /// The value of a key that must be there; `None` means that an error was noted.
    pub(super) fn required<T>(
        &mut self,
        key: &'static str,
        read: impl FnOnce(&Value<'a>) -> Checked<T>,
    ) -> Option<T> {
        if !self.has(key) {
            self.complain(format!("{key:?} is missing"));
        }
        self.optional(key, read)
    }

    /// A choice: the words that are served with their meaning, and `None` for those that are not yet.
    pub(super) fn choice<T: Copy>(
        &mut self,
        key: &'static str,
        words: &[(&str, Option<T>)],
    ) -> Option<T> {
        let served = |value: &Value<'a>| match value.word(words)? {
            Some(meaning) => Ok(meaning),
            None => Err(value
                .error(format!("{:?} is not served yet", value.string()?))
                .into()),
        };
        self.optional(key, served)
    }

    /// Is the key there?
    pub(super) fn has(&self, key: &str) -> bool {
        self.entries.contains_key(key)
    }

    /// Is there no key but these, or none at all?
    pub(super) fn holds_only(&self, keys: &[&str]) -> bool {
        let mut there = self.entries.keys().map(|key| key.get_ref().as_ref());
        there.all(|key| keys.contains(&key))
    }

    /// Notes an error about the table.
    pub(super) fn complain(&mut self, message: impl Display) {
        let message = format!("{}: {message}", self.path);
        self.errors.push(self.site.error(&message));
    }

    /// Notes an error about the value of a key.
    pub(super) fn complain_of(&mut self, key: &'static str, message: impl Display) {
        match self.value(key) {
            Some(value) => self.errors.push(value.error(message)),
            None => self.complain(message),
        }
    }

    /// Complains of the keys nobody asked for, then gives `value`, or all errors.
    ///
    /// `None` comes from a required key and has therefore left an error.
    pub(super) fn finish<T>(mut self, value: Option<T>) -> Checked<T> {
        for (name, key, value) in self.entries() {
            if !self.asked.contains(&name) {
                let hint = instead_of(name, &self.asked);
                let message = format!("{}: unknown key{hint}", value.path);
                self.errors.push(key.error(&message));
            }
        }
        match ConfigErrors::of(self.errors) {
            Some(errors) => Err(errors),
            None => Ok(value.expect("a required key that is not there left an error")),
        }
    }
}

/// `network.lab`; a name that TOML would quote is quoted.
pub(super) fn dotted(path: &str, name: &str) -> String {
    let bare = |byte: u8| byte.is_ascii_alphanumeric() || b"_-".contains(&byte);
    let dot = if path.is_empty() { "" } else { "." };
    if !name.is_empty() && name.bytes().all(bare) {
        format!("{path}{dot}{name}")
    } else {
        format!("{path}{dot}{name:?}")
    }
}
