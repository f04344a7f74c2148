//! XML from a file or from standard input.

use std::path::Path;
use std::{fs, io};

use anyhow::{Context, Result, bail};
use vmhook::domain::{Domain, parse_domain};
use vmhook::host::stdin::{self, StandardInput};

use crate::LIMIT;

/// The domain in a file; `-` is standard input.
pub(crate) fn domain(path: &Path) -> Result<Domain> {
    let xml = if path == Path::new("-") {
        match stdin::read(LIMIT).context("standard input")? {
            StandardInput::Complete(xml) => xml,
            StandardInput::TooLarge => bail!("standard input: {}", too_large()),
        }
    } else {
        read(path).with_context(|| path.display().to_string())?
    };
    parse_domain(&xml).with_context(|| match path.to_str() {
        Some("-") => "standard input".to_owned(),
        _ => path.display().to_string(),
    })
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    let xml = fs::read(path)?;
    if xml.len() > stdin::LONGEST {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, too_large()));
    }
    Ok(xml)
}

fn too_large() -> String {
    format!(
        "more than {} MiB, which no domain's XML has",
        stdin::LONGEST >> 20
    )
}
