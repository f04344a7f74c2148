//! One table of the configuration with a name: `[network.lab]`, `[port.web1]`.

use std::collections::BTreeMap;

use super::error::{Checked, ConfigError};
use super::source::Site;
use super::table::Table;
use super::value::Value;

/// A table as it was found, before anybody read it.
#[derive(Debug, Clone)]
pub(super) struct Entry<'a> {
    pub(super) name: &'a str,
    /// The key that gives it its name.
    pub(super) site: Site<'a>,
    pub(super) value: Value<'a>,
    /// The file it is in does not parse: the table may lack anything.
    pub(super) torn: Option<&'a ConfigError>,
}

/// A table after it was read: usable or broken, with the facts `F` that hold even of a broken one.
#[derive(Debug)]
pub(super) struct Object<'a, T, F> {
    pub(super) name: &'a str,
    pub(super) path: String,
    pub(super) site: Site<'a>,
    pub(super) facts: F,
    pub(super) checked: Checked<T>,
}

impl<'a, T, F: Default> Object<'a, T, F> {
    /// Reads a table; the reader leaves in `F` what it learned before anything went wrong.
    pub(super) fn read(
        entry: &Entry<'a>,
        read: impl FnOnce(&mut F, &'a str, Table<'a>) -> Checked<T>,
    ) -> Self {
        let mut facts = F::default();
        let path = entry.value.path.clone();
        let checked = entry.value.table();
        let mut object = Self {
            name: entry.name,
            path,
            site: entry.site,
            checked: checked.and_then(|table| read(&mut facts, entry.name, table)),
            facts,
        };
        if let Some(error) = entry.torn {
            object.checked = Err(error.clone().into());
        } else if !is_name(entry.name) {
            object.fail(NAME_RULE);
        }
        object
    }
}

impl<T, F> Object<'_, T, F> {
    /// Breaks the object for this reason, which is about the object as a whole.
    pub(super) fn fail(&mut self, message: &str) {
        self.add(self.site.error(&format!("{}: {message}", self.path)));
    }

    /// Breaks the object, or adds to what is wrong with it.
    pub(super) fn add(&mut self, error: ConfigError) {
        match &mut self.checked {
            Err(errors) => errors.push(error),
            usable => *usable = Err(error.into()),
        }
    }
}

const NAME_RULE: &str =
    "this name is not usable (1 to 64 of A-Z a-z 0-9 _ . -, starting with a letter or digit)";

/// Names go into logs, records and names of sets: nothing there needs quotes.
fn is_name(name: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte);
    let first = name.bytes().next();
    first.is_some_and(|byte| byte.is_ascii_alphanumeric())
        && name.len() <= 64
        && name.bytes().all(allowed)
}

/// The objects by name; those that share one are all broken by now, and stay as one.
pub(super) fn by_name<T, F>(objects: Vec<Object<'_, T, F>>) -> BTreeMap<String, Checked<T>> {
    let mut all: BTreeMap<String, Checked<T>> = BTreeMap::new();
    for object in objects {
        match (all.get_mut(object.name), object.checked) {
            (Some(Err(earlier)), Err(errors)) => errors.into_iter().for_each(|e| earlier.push(e)),
            (_, checked) => {
                all.insert(object.name.to_owned(), checked);
            }
        }
    }
    all
}
