//! One line to the journal, or to syslog where there is no journal.
//!
//! Both are datagram sockets. A send never waits and its failure is nobody's error: a hook works
//! without a log. Nothing goes to standard error here: libvirt shows that to whoever started the
//! VM, and the programs decide what belongs there.

use std::os::unix::net::UnixDatagram;
use std::path::Path;

use super::Priority;

/// <https://systemd.io/JOURNAL_NATIVE_PROTOCOL/>
const JOURNAL: &str = "/run/systemd/journal/socket";
const SYSLOG: &str = "/dev/log";

/// The name of all our lines.
const TAG: &str = "vmhook";
/// `LOG_DAEMON`.
const FACILITY: u8 = 3;
/// A datagram has a bound; an error's text can hold a whole rule set.
const LONGEST: usize = 32 * 1024;

/// Writes one line.
pub(super) fn write(priority: Priority, fields: &[(&str, &str)], message: &str) {
    let entry = journal_entry(priority, fields, message);
    let sent = send(JOURNAL.as_ref(), &entry);
    if !sent {
        send(
            SYSLOG.as_ref(),
            syslog_line(priority, fields, message).as_bytes(),
        );
    }
}

fn send(socket: &Path, datagram: &[u8]) -> bool {
    let send = || {
        let sender = UnixDatagram::unbound()?;
        sender.set_nonblocking(true)?;
        sender.send_to(datagram, socket)
    };
    send().is_ok()
}

fn severity(priority: Priority) -> u8 {
    match priority {
        Priority::Error => 3,
        Priority::Warning => 4,
        Priority::Info => 6,
    }
}

/// Each field is a line `NAME=value`; a value with a line break gives its length instead. A message
/// has none: libvirt hands over a domain's name with a carriage return as one with a line break.
fn journal_entry(priority: Priority, fields: &[(&str, &str)], message: &str) -> Vec<u8> {
    let mut entry = Vec::new();
    journal_field(&mut entry, "MESSAGE", &one_line(message));
    journal_field(&mut entry, "PRIORITY", &severity(priority).to_string());
    journal_field(&mut entry, "SYSLOG_FACILITY", &FACILITY.to_string());
    journal_field(&mut entry, "SYSLOG_IDENTIFIER", TAG);
    for (name, value) in fields {
        journal_field(&mut entry, &journal_name(name), value);
    }
    entry
}

fn journal_field(entry: &mut Vec<u8>, name: &str, value: &str) {
    let value = cut(value);
    entry.extend(name.as_bytes());
    if value.contains('\n') {
        entry.push(b'\n');
        entry.extend((value.len() as u64).to_le_bytes());
    } else {
        entry.push(b'=');
    }
    entry.extend(value.as_bytes());
    entry.push(b'\n');
}

/// `domain` → `VMHOOK_DOMAIN`: the journal takes A-Z, 0-9 and `_`.
fn journal_name(name: &str) -> String {
    let letter = |letter: char| match letter.to_ascii_uppercase() {
        fit @ ('A'..='Z' | '0'..='9') => fit,
        _ => '_',
    };
    format!("VMHOOK_{}", name.chars().map(letter).collect::<String>())
}

/// RFC 3164 without the time stamp: the receiver adds its own, and knows the local time zone. The
/// fields follow the text under the journal's names, with values in quotation marks as RFC 5424
/// writes them: where there is no journal a program still finds them.
fn syslog_line(priority: Priority, fields: &[(&str, &str)], message: &str) -> String {
    let value = FACILITY << 3 | severity(priority);
    let mut line = format!("<{value}>{TAG}[{}]: {}", std::process::id(), cut(message));
    for (name, value) in fields {
        let value = cut(value).replace('\\', "\\\\").replace('"', "\\\"");
        line.extend([" ", &journal_name(name), "=\"", &value, "\""]);
    }
    one_line(&line)
}

fn one_line(text: &str) -> String {
    text.replace(char::is_control, " ")
}

fn cut(text: &str) -> &str {
    let end = (0..=LONGEST.min(text.len())).rev();
    let end = end.into_iter().find(|&at| text.is_char_boundary(at));
    &text[..end.unwrap_or(0)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_journal_entry_has_fields_of_our_own_and_keeps_line_breaks_in_them() {
        let entry = journal_entry(Priority::Error, &[("domain", "a\nb")], "closed");
        let expected = b"MESSAGE=closed\nPRIORITY=3\nSYSLOG_FACILITY=3\nSYSLOG_IDENTIFIER=vmhook\n\
                         VMHOOK_DOMAIN\n\x03\0\0\0\0\0\0\0a\nb\n";
        assert_eq!(entry, expected);
    }

    #[test]
    fn a_message_is_one_line_whatever_a_domain_is_called() {
        let entry = journal_entry(Priority::Error, &[], "domain a\nPRIORITY=0\r: closed");
        assert!(entry.starts_with(b"MESSAGE=domain a PRIORITY=0 : closed\nPRIORITY=3\n"));
    }

    #[test]
    fn a_syslog_line_is_one_line_whatever_a_domain_is_called() {
        let line = syslog_line(
            Priority::Warning,
            &[("domain", "a\n<0>kernel: \"b\\")],
            "closed",
        );
        let pid = std::process::id();
        assert_eq!(
            line,
            format!(r#"<28>vmhook[{pid}]: closed VMHOOK_DOMAIN="a <0>kernel: \"b\\""#)
        );
    }

    #[test]
    fn a_datagram_arrives_whole_and_a_missing_socket_is_no_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("socket");
        assert!(!send(&path, b"lost"));
        let receiver = UnixDatagram::bind(&path).unwrap();
        assert!(send(&path, b"heard"));
        let mut bytes = [0; 16];
        let length = receiver.recv(&mut bytes).unwrap();
        assert_eq!(&bytes[..length], b"heard");
    }

    #[test]
    fn a_reader_that_has_stopped_reading_does_not_stop_us() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("socket");
        let _receiver = UnixDatagram::bind(&path).unwrap();
        let refused = (0..100_000).any(|_| !send(&path, &[0; 1024]));
        assert!(refused, "the socket's queue has no end");
    }

    #[test]
    fn a_long_text_is_cut_between_letters() {
        let long = "ä".repeat(LONGEST);
        assert!(cut(&long).len() <= LONGEST);
        assert_eq!(cut("short"), "short");
    }
}
