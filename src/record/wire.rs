//! Records as bytes: JSON in an envelope with a version.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// The version that this program writes.
const VERSION: u32 = 1;

#[derive(Serialize, Deserialize)]
struct Envelope<T> {
    version: u32,
    record: T,
}

#[derive(Deserialize)]
struct Version {
    version: u32,
}

/// A record that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// Not JSON, or not of the record's shape.
    #[error("is not a record: {0}")]
    Shape(#[from] serde_json::Error),
    /// Written by a newer program.
    #[error("has version {0}, this program knows version {VERSION}")]
    Version(u32),
}

/// The bytes of a record.
pub fn encode<T: Serialize>(record: &T) -> Vec<u8> {
    let envelope = Envelope {
        version: VERSION,
        record,
    };
    let mut bytes = serde_json::to_vec(&envelope)
        .expect("a record has no map with keys that are not text, and writes to memory");
    bytes.push(b'\n');
    bytes
}

/// The record in these bytes.
///
/// # Errors
/// [`RecordError`] if it is none, or a newer program's.
pub fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, RecordError> {
    let Version { version } = serde_json::from_slice(bytes)?;
    if version != VERSION {
        return Err(RecordError::Version(version));
    }
    let envelope: Envelope<T> = serde_json::from_slice(bytes)?;
    Ok(envelope.record)
}
