//! Standard output and error: text in colour on a terminal, plain elsewhere.

use std::io::{self, ErrorKind, Write};

use anstream::{AutoStream, ColorChoice};
use anstyle::{AnsiColor, Style};

use crate::arguments::Color;

/// What is well.
pub(crate) const GOOD: Style = AnsiColor::Green.on_default();
/// What is not.
pub(crate) const BAD: Style = AnsiColor::Red.on_default().bold();
/// What is worth knowing.
pub(crate) const NOTE: Style = AnsiColor::Yellow.on_default();
/// What heads a part.
pub(crate) const HEAD: Style = Style::new().bold();
/// What is said beside.
pub(crate) const FAINT: Style = Style::new().dimmed();

/// Both standard streams.
pub(crate) struct Output(ColorChoice);

/// A text in a style.
pub(crate) fn styled(style: Style, text: &str) -> String {
    format!("{style}{text}{style:#}")
}

/// A name may hold anything; a terminal gets none of it that steers.
pub(crate) fn printable(name: &str) -> String {
    name.chars()
        .map(|c| if c.is_control() { '?' } else { c })
        .collect()
}

impl Output {
    pub(crate) fn new(color: Color) -> Self {
        Self(match color {
            Color::Auto => ColorChoice::Auto,
            Color::Always => ColorChoice::Always,
            Color::Never => ColorChoice::Never,
        })
    }

    /// Prints to standard output. A reader that has read enough (`| head`) is no error.
    pub(crate) fn print(&self, text: &str) -> io::Result<()> {
        let mut stream = AutoStream::new(io::stdout(), self.0);
        let done = stream
            .write_all(text.as_bytes())
            .and_then(|()| stream.flush());
        done.or_else(|error| match error.kind() {
            ErrorKind::BrokenPipe => Ok(()),
            _ => Err(error),
        })
    }

    /// Says on standard error, in one line, why there is no answer or a bad one.
    pub(crate) fn complain(&self, message: &str) {
        let message = message.trim_end().replace('\n', " ");
        let line = format!("{} {message}\n", styled(BAD, "vmhook:"));
        // With standard error gone there is nobody to tell.
        let _ = AutoStream::new(io::stderr(), self.0).write_all(line.as_bytes());
    }
}
