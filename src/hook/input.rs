//! What came on standard input.

use std::ffi::OsStr;

use crate::domain::{Domain, parse_domain};
use crate::refusal::Refusal;

/// What came on standard input, as far as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// All of it.
    Xml(Vec<u8>),
    /// More than any domain's XML has; the rest was not read.
    TooLarge,
}

impl Input {
    /// The domain in it.
    ///
    /// # Errors
    /// Why there is none, with the name that libvirt gave.
    pub(super) fn domain(&self, name: &OsStr) -> Result<Domain, Refusal> {
        let refuse = |cause: String| Refusal::of_domain(&name.to_string_lossy(), cause);
        match self {
            Self::TooLarge => Err(refuse("its XML is larger than 8 MiB".to_owned())),
            Self::Xml(xml) => parse_domain(xml).map_err(|error| refuse(error.to_string())),
        }
    }
}
