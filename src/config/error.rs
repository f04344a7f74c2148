//! What is wrong with the configuration, and where.

use std::fmt;

/// An object of the configuration, or all that is wrong with it.
pub type Checked<T> = Result<T, ConfigErrors>;

/// Where something is written; prints as `vmhook.toml:14`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The file, as its [`Source`](super::Source) names it.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}:{}", self.file, self.line)
    }
}

/// One thing that is wrong.
///
/// `Display` is one line, for a hook's stderr: `message (vmhook.toml:14)`. [`report`](Self::report)
/// shows the line of the file as well.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message} ({}{})", file, position.as_ref().map(|at| format!(":{}", at.line)).unwrap_or_default())]
pub struct ConfigError {
    /// The file.
    pub file: String,
    /// Where in the file; `None` if the file as a whole is meant.
    pub position: Option<Position>,
    /// What is wrong: one line, a lower-case fragment that begins with the dotted path of the key.
    pub message: String,
}

/// A stretch of one line of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Position {
    /// The line, from 1.
    pub line: usize,
    /// The column, from 1, in characters.
    pub column: usize,
    /// How many characters are meant; at least 1.
    pub width: usize,
    /// The line's text.
    pub text: String,
}

impl ConfigError {
    /// An error; what could break the line or steer a terminal is escaped.
    pub(super) fn new(file: &str, position: Option<Position>, message: &str) -> Self {
        let escape = |c: char| match c {
            _ if c.is_control() => c.escape_default().to_string(),
            _ => c.to_string(),
        };
        Self {
            file: file.to_owned(),
            position,
            message: message.chars().map(escape).collect(),
        }
    }

    /// The error with the line it is about and a caret under the culprit, for `vmhook check`.
    ///
    /// ```text
    /// error: network.lab.vni: VNI 0 is outside 1 to 16777215
    ///   --> vmhook.toml:14:7
    ///    |
    /// 14 | vni = 0
    ///    |       ^
    /// ```
    pub fn report(&self) -> String {
        self.report_as("error")
    }

    /// The same under another word than `error`: what is right and seldom meant is a `note`.
    pub fn report_as(&self, kind: &str) -> String {
        let head = format!("{kind}: {}\n", self.message);
        match &self.position {
            None => format!("{head} --> {}\n", self.file),
            Some(at) => {
                let gutter = " ".repeat(at.line.to_string().len());
                format!(
                    "{head}{gutter}--> {}:{}:{}\n{gutter} |\n{} | {}\n{gutter} | {}\n",
                    self.file,
                    at.line,
                    at.column,
                    at.line,
                    at.shown(),
                    at.carets()
                )
            }
        }
    }

    fn order(&self) -> (usize, usize) {
        let at = self.position.as_ref();
        at.map_or((0, 0), |at| (at.line, at.column))
    }
}

impl Position {
    /// The line as a terminal may get it.
    fn shown(&self) -> String {
        let tame = |c: char| {
            if c.is_control() && c != '\t' {
                '\u{fffd}'
            } else {
                c
            }
        };
        self.text.trim_end().chars().map(tame).collect()
    }

    /// Carets under the culprit: tabs before it stay tabs, so that both lines move alike.
    fn carets(&self) -> String {
        let before = self.text.chars().take(self.column - 1);
        let pad: String = before.map(|c| if c == '\t' { c } else { ' ' }).collect();
        pad + &"^".repeat(self.width)
    }
}

/// All that is wrong with one object: at least one error; first what is wrong with its own table, in
/// the order of the file, then what is wrong with it beside others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigErrors {
    errors: Vec<ConfigError>,
}

impl ConfigErrors {
    /// These errors, if there are any.
    pub(super) fn of(mut errors: Vec<ConfigError>) -> Option<Self> {
        errors.sort_by_key(ConfigError::order);
        (!errors.is_empty()).then_some(Self { errors })
    }

    /// One more.
    pub(super) fn push(&mut self, error: ConfigError) {
        self.errors.push(error);
    }

    /// The errors.
    pub fn iter(&self) -> std::slice::Iter<'_, ConfigError> {
        self.errors.iter()
    }
}

impl From<ConfigError> for ConfigErrors {
    fn from(error: ConfigError) -> Self {
        Self {
            errors: vec![error],
        }
    }
}

impl IntoIterator for ConfigErrors {
    type Item = ConfigError;
    type IntoIter = std::vec::IntoIter<ConfigError>;

    fn into_iter(self) -> Self::IntoIter {
        self.errors.into_iter()
    }
}

impl<'a> IntoIterator for &'a ConfigErrors {
    type Item = &'a ConfigError;
    type IntoIter = std::slice::Iter<'a, ConfigError>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// One line: the first error, and how many more there are.
impl fmt::Display for ConfigErrors {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [first, more @ ..] = self.errors.as_slice() else {
            return Ok(());
        };
        first.fmt(out)?;
        match more.len() {
            0 => Ok(()),
            1 => out.write_str("; and 1 more error: run `vmhook check`"),
            n => write!(out, "; and {n} more errors: run `vmhook check`"),
        }
    }
}

impl std::error::Error for ConfigErrors {}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(message: &str) -> ConfigError {
        let position = Position {
            line: 14,
            column: 8,
            width: 2,
            text: "\tvni =\t-1\r".to_owned(),
        };
        ConfigError::new("vmhook.toml", Some(position), message)
    }

    #[test]
    fn is_one_line_with_its_place() {
        let line = error("network.lab: the name \"a\nb\u{1b}[31m\" is bad").to_string();
        assert_eq!(
            line,
            "network.lab: the name \"a\\nb\\u{1b}[31m\" is bad (vmhook.toml:14)"
        );
    }

    #[test]
    fn the_caret_stands_under_the_culprit_also_after_tabs() {
        assert_eq!(
            error("below zero").report(),
            "error: below zero\n  --> vmhook.toml:14:8\n   |\n14 | \tvni =\t-1\n   | \t     \t^^\n"
        );
    }

    #[test]
    fn several_errors_are_one_line_too() {
        let all = ConfigErrors::of(vec![error("one"), error("two"), error("three")]).unwrap();
        assert_eq!(
            all.to_string(),
            "one (vmhook.toml:14); and 2 more errors: run `vmhook check`"
        );
        assert_eq!(ConfigErrors::of(Vec::new()), None);
    }
}
