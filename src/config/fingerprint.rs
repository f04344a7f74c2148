//! Which configuration it was, for whoever asks later whether it still is that one.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};
use sha1::{Digest, Sha1};

use super::Source;

/// What tells the files of one configuration from any others: a digest of their names and bytes, or
/// of why they could not be read. Another version of this program makes the same of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fingerprint(String);

impl Fingerprint {
    /// That of these files, in this order.
    pub fn of(sources: &[Source]) -> Self {
        let mut digest = Sha1::new();
        for Source { name, text } in sources {
            let (kind, text) = match text {
                Ok(text) => ("text", text),
                Err(error) => ("error", error),
            };
            for part in [name, kind, text] {
                digest.update(part.len().to_be_bytes());
                digest.update(part);
            }
        }
        let mut hex = String::new();
        for byte in digest.finalize() {
            write!(hex, "{byte:02x}").expect("a String takes any text");
        }
        Self(hex)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(files: &[(&str, Result<&str, &str>)]) -> Fingerprint {
        let source = |&(name, text): &(&str, Result<&str, &str>)| Source {
            name: name.to_owned(),
            text: text.map(str::to_owned).map_err(str::to_owned),
        };
        Fingerprint::of(&files.iter().map(source).collect::<Vec<_>>())
    }

    #[test]
    fn any_other_name_byte_place_or_error_makes_another() {
        let all = [
            of(&[]),
            of(&[("a", Ok(""))]),
            of(&[("a", Ok("b"))]),
            of(&[("ab", Ok(""))]),
            of(&[("a", Err("b"))]),
            of(&[("a", Ok("b")), ("c", Ok("d"))]),
            of(&[("c", Ok("d")), ("a", Ok("b"))]),
            of(&[("a", Ok("d")), ("c", Ok("b"))]),
        ];
        for (at, one) in all.iter().enumerate() {
            assert!(!all[..at].contains(one), "{at}");
        }
        assert_eq!(of(&[("a", Ok("b"))]), all[2]);
    }
}
