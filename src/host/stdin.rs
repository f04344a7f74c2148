//! Standard input: the XML that libvirt hands to a hook.

use std::io::{self, Read};
use std::sync::mpsc;
use std::time::Duration;

/// The longest input that is looked at: domain XML has kilobytes.
pub const LONGEST: usize = 8 * 1024 * 1024;

/// What came on standard input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StandardInput {
    /// All of it.
    Complete(Vec<u8>),
    /// More than [`LONGEST`] bytes; the rest was not read.
    TooLarge,
}

/// Reads standard input to its end, its bound or the time limit.
///
/// # Errors
/// What the kernel says; [`io::ErrorKind::TimedOut`] if the end did not come in time.
pub fn read(limit: Duration) -> io::Result<StandardInput> {
    let (sender, receiver) = mpsc::sync_channel(1);
    // The thread may be waiting still when the program ends, and ends with it.
    std::thread::spawn(move || sender.send(read_from(io::stdin().lock())));
    receiver.recv_timeout(limit).unwrap_or_else(|_| {
        let words = format!("standard input did not end within {limit:.1?}");
        Err(io::Error::new(io::ErrorKind::TimedOut, words))
    })
}

fn read_from(source: impl Read) -> io::Result<StandardInput> {
    let mut bytes = Vec::new();
    source.take(LONGEST as u64 + 1).read_to_end(&mut bytes)?;
    Ok(if bytes.len() > LONGEST {
        StandardInput::TooLarge
    } else {
        StandardInput::Complete(bytes)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bound_itself_is_taken_and_one_byte_more_is_not() {
        let bytes = vec![b'x'; LONGEST + 1];
        let whole = read_from(&bytes[..LONGEST]).unwrap();
        assert_eq!(whole, StandardInput::Complete(bytes[..LONGEST].to_vec()));
        assert_eq!(read_from(&bytes[..]).unwrap(), StandardInput::TooLarge);
        assert_eq!(read_from(io::repeat(0)).unwrap(), StandardInput::TooLarge);
    }
}
