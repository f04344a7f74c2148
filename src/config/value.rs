//! A cursor on one TOML value: says what is expected, where, and what is there instead.

use std::collections::BTreeSet;
use std::fmt::Display;
use std::net::IpAddr;
use std::ops::RangeInclusive;
use std::str::FromStr;

use ipnet::IpNet;
use toml::Spanned;
use toml::de::{DeArray, DeValue};

use super::error::{Checked, ConfigError, ConfigErrors};
use super::hint::nearest;
use super::source::{File, Site};
use super::table::Table;
use crate::model::PortRange;

/// One value, its place, and the dotted path by which messages name it.
#[derive(Debug, Clone)]
pub(super) struct Value<'a> {
    pub(super) path: String,
    pub(super) site: Site<'a>,
    /// The key that holds it; a table written under a header is named there.
    key: Option<Site<'a>>,
    file: &'a File<'a>,
    toml: &'a DeValue<'a>,
}

impl<'a> Value<'a> {
    /// The value of a key.
    pub(super) fn of_key(
        path: String,
        file: &'a File<'a>,
        key: Site<'a>,
        value: &'a Spanned<DeValue<'a>>,
    ) -> Self {
        Self {
            key: Some(key),
            ..Self::of_element(path, file, value)
        }
    }

    fn of_element(path: String, file: &'a File<'a>, value: &'a Spanned<DeValue<'a>>) -> Self {
        Self {
            path,
            site: file.site(value.span()),
            key: None,
            file,
            toml: value.get_ref(),
        }
    }

    /// The key that holds it, or the value itself in an array: where a table is, as one under a
    /// header has no value of its own to point at.
    pub(super) fn header(&self) -> Site<'a> {
        self.key.unwrap_or(self.site)
    }

    /// An error about this value.
    pub(super) fn error(&self, message: impl Display) -> ConfigError {
        self.site.error(&format!("{}: {message}", self.path))
    }

    /// Says of this value, which is right, what it seldom is meant to do.
    pub(super) fn note(&self, message: impl Display) {
        self.site.note(&format!("{}: {message}", self.path));
    }

    fn fail<T>(&self, message: impl Display) -> Checked<T> {
        Err(self.error(message).into())
    }

    fn expected<T>(&self, what: &str) -> Checked<T> {
        let found = match self.toml {
            DeValue::String(_) => "a string",
            DeValue::Integer(_) => "an integer",
            DeValue::Float(_) => "a float",
            DeValue::Boolean(_) => "a boolean",
            DeValue::Datetime(_) => "a date",
            DeValue::Array(_) => "an array",
            DeValue::Table(_) => "a table",
        };
        let site = match self.toml {
            DeValue::Table(_) => self.header(),
            _ => self.site,
        };
        let hint = self.rewritten(what);
        let message = format!("{}: expected {what}, found {found}{hint}", self.path);
        Err(site.error(&message).into())
    }

    /// How a string is written that holds what is expected: without quotes, or in brackets.
    fn rewritten(&self, expected: &str) -> String {
        let DeValue::String(text) = self.toml else {
            return String::new();
        };
        let meant = match expected {
            "an integer" if text.parse::<i64>().is_ok() => text.to_string(),
            "true or false" if matches!(text.as_ref(), "true" | "false") => text.to_string(),
            "an array" => format!("[{text:?}]"),
            _ => return String::new(),
        };
        match (self.key, self.path.rsplit_once('.')) {
            (Some(_), Some((_, key))) => format!("; write {key} = {meant}"),
            _ => format!("; write {meant}"),
        }
    }

    /// A string.
    pub(super) fn string(&self) -> Checked<&'a str> {
        match self.toml {
            DeValue::String(text) => Ok(text),
            _ => self.expected("a string"),
        }
    }

    /// A string of at most so many characters.
    pub(super) fn text(&self, most: usize) -> Checked<&'a str> {
        let text = self.string()?;
        match text.chars().count() {
            n if n > most => self.fail(format!("{n} characters; at most {most} are allowed")),
            _ => Ok(text),
        }
    }

    /// `true` or `false`.
    pub(super) fn boolean(&self) -> Checked<bool> {
        match self.toml {
            DeValue::Boolean(value) => Ok(*value),
            _ => self.expected("true or false"),
        }
    }

    /// An integer in this range.
    pub(super) fn integer<T: TryFrom<i64>>(&self, range: RangeInclusive<i64>) -> Checked<T> {
        let DeValue::Integer(digits) = self.toml else {
            return self.expected("an integer");
        };
        let number = i64::from_str_radix(digits.as_str(), digits.radix()).ok();
        let inside = number.filter(|number| range.contains(number));
        match inside.and_then(|number| T::try_from(number).ok()) {
            Some(number) => Ok(number),
            None => self.fail(format!(
                "{digits} is outside {} to {}",
                range.start(),
                range.end()
            )),
        }
    }

    /// A number that a type of the model takes or refuses with its own words.
    pub(super) fn number<T: TryFrom<u32, Error: Display>>(&self) -> Checked<T> {
        let number: u32 = self.integer(0..=u32::MAX.into())?;
        T::try_from(number).or_else(|error| self.fail(error))
    }

    /// A string that a type of the model takes or refuses with its own words.
    pub(super) fn parse<T: FromStr<Err: Display>>(&self) -> Checked<T> {
        self.string()?.parse().or_else(|error| self.fail(error))
    }

    /// An IP address that a type of the model takes or refuses with its own words.
    pub(super) fn address<T: TryFrom<IpAddr, Error: Display>>(&self) -> Checked<T> {
        let text = self.string()?;
        let Ok(address) = text.parse::<IpAddr>() else {
            return self.fail(format!("{text:?} is not an IP address"));
        };
        T::try_from(address).or_else(|error| self.fail(error))
    }

    /// The address of one interface.
    pub(super) fn interface_address(&self) -> Checked<IpAddr> {
        let address: IpAddr = self.address()?;
        let broadcast = address == IpAddr::from([255; 4]);
        // On the wire ::ffff:a.b.c.d is a.b.c.d: Linux never sends the former.
        let mapped = address.to_canonical() != address;
        if address.is_unspecified()
            || address.is_multicast()
            || address.is_loopback()
            || broadcast
            || mapped
        {
            return self.fail(format!(
                "{address} is not an address that one interface can have"
            ));
        }
        Ok(address)
    }

    /// A range of ports: `"8000-8080"`.
    pub(super) fn port_range(&self) -> Checked<PortRange> {
        let text = self.string()?;
        let ends = text.split_once('-');
        let numbers = ends.and_then(|(first, last)| Some((port(first)?, port(last)?)));
        match numbers.map(|(first, last)| PortRange::new(first, last)) {
            Some(range) => range.or_else(|error| self.fail(error)),
            None => self.fail(format!(
                "{text:?} is not a range of ports 1 to 65535, such as \"8000-8080\""
            )),
        }
    }

    /// A prefix, or an address as the prefix of itself; host bits are cut off, as Neutron does.
    pub(super) fn prefix(&self) -> Checked<IpNet> {
        let text = self.string()?;
        let prefix = text.parse::<IpNet>().ok();
        match prefix.or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from)) {
            Some(prefix) => {
                let whole = prefix.trunc();
                if whole != prefix {
                    self.note(format!("{prefix} has host bits: it is read as {whole}"));
                }
                Ok(whole)
            }
            None => self.fail(format!(
                "{text:?} is neither a prefix (10.0.0.0/8) nor an IP address"
            )),
        }
    }

    /// A prefix of which one that holds every address is seldom meant.
    pub(super) fn narrow_prefix(&self) -> Checked<IpNet> {
        let prefix = self.prefix()?;
        if prefix.prefix_len() == 0 {
            self.note(format!("{prefix} is every address of its family"));
        }
        Ok(prefix)
    }

    /// One of these words.
    pub(super) fn word<T: Copy>(&self, words: &[(&str, T)]) -> Checked<T> {
        let text = self.string()?;
        if let Some((_, meaning)) = words.iter().find(|(word, _)| *word == text) {
            return Ok(*meaning);
        }
        let quoted: Vec<String> = words.iter().map(|(word, _)| format!("{word:?}")).collect();
        self.fail(format!("{text:?} is not one of {}", quoted.join(", ")))
    }

    /// The name of an object that is there.
    pub(super) fn known(&self, what: &str, names: &BTreeSet<&str>) -> Checked<String> {
        let name = self.string()?;
        if names.contains(name) {
            return Ok(name.to_owned());
        }
        let hint = nearest(name, names.iter().copied());
        self.fail(format!("no {what} is named {name:?}{hint}"))
    }

    /// An array whose elements are read one by one; the errors of all are told.
    pub(super) fn list<T>(&self, read: impl Fn(&Value<'a>) -> Checked<T>) -> Checked<Vec<T>> {
        let (mut all, mut errors) = (Vec::new(), Vec::new());
        for (at, element) in self.array()?.iter().enumerate() {
            let path = format!("{}[{at}]", self.path);
            match read(&Self::of_element(path, self.file, element)) {
                Ok(value) => all.push(value),
                Err(some) => errors.extend(some),
            }
        }
        ConfigErrors::of(errors).map_or(Ok(all), Err)
    }

    /// An array in which nothing stands twice.
    pub(super) fn set<T: Ord + Display>(
        &self,
        read: impl Fn(&Value<'a>) -> Checked<T>,
    ) -> Checked<Vec<T>> {
        let all = self.list(read)?;
        let mut seen = BTreeSet::new();
        match all
            .iter()
            .enumerate()
            .find(|(_, value)| !seen.insert(*value))
        {
            Some((at, value)) => {
                let path = format!("{}[{at}]", self.path);
                Self::of_element(path, self.file, &self.array()?[at])
                    .fail(format!("{value} is there twice"))
            }
            None => Ok(all),
        }
    }

    /// Whether it is an array.
    pub(super) fn is_array(&self) -> bool {
        matches!(self.toml, DeValue::Array(_))
    }

    fn array(&self) -> Checked<&'a DeArray<'a>> {
        match self.toml {
            DeValue::Array(elements) => Ok(elements),
            _ => self.expected("an array"),
        }
    }

    /// A table.
    pub(super) fn table(&self) -> Checked<Table<'a>> {
        match self.toml {
            DeValue::Table(entries) => {
                let site = self.header();
                Ok(Table::new(self.path.clone(), self.file, site, entries))
            }
            _ => self.expected("a table"),
        }
    }
}

/// A number without sign or space.
fn port(text: &str) -> Option<u16> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| digits)
}
