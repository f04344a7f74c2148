//! A journal that keeps what vmhook says.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::sync::mpsc::{self, Receiver};

use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};

use super::World;

/// The fields of an entry: `MESSAGE`, `PRIORITY`, `VMHOOK_DOMAIN` and so on.
pub type Entry = BTreeMap<String, String>;

/// The journal's socket, or syslog's. A thread empties it, as its queue is short and nobody waits for
/// room in it; the thread ends with the journal.
#[derive(Debug)]
pub struct Journal {
    socket: UnixDatagram,
    datagrams: Receiver<Vec<u8>>,
}

/// A world whose hooks find this journal, and no other: `/run` is its own.
pub fn with_journal(test: impl FnOnce(&World, &Journal) + Send) {
    World::run(|world| {
        own_run();
        let journal = Journal::open(Path::new("/run/systemd/journal/socket"));
        test(world, &journal);
    });
}

/// Gives this thread, and what it starts, mounts of its own and an empty `/run`.
pub fn own_run() {
    unshare(CloneFlags::CLONE_NEWNS).expect("root can have mounts of its own");
    let private = MsFlags::MS_REC | MsFlags::MS_PRIVATE;
    mount::<str, str, str, str>(None, "/", None, private, None).expect("a mount of its own");
    let nothing = MsFlags::empty();
    mount::<str, str, str, str>(None, "/run", Some("tmpfs"), nothing, None).expect("a tmpfs");
}

impl Journal {
    /// Takes the place of whoever would listen here.
    pub fn open(path: &Path) -> Self {
        fs::create_dir_all(path.parent().expect("a folder")).expect("folders can be made");
        let socket = UnixDatagram::bind(path).expect("nobody else is the lab's journal");
        let reader = socket.try_clone().expect("a socket can be shared");
        let (keep, datagrams) = mpsc::channel();
        std::thread::spawn(move || {
            let mut bytes = vec![0; 1 << 18];
            while let Ok(count @ 1..) = reader.recv(&mut bytes) {
                let _ = keep.send(bytes[..count].to_vec());
            }
        });
        Self { socket, datagrams }
    }

    /// What was said since it was last asked.
    pub fn entries(&self) -> Vec<Entry> {
        let datagrams = self.datagrams().into_iter();
        datagrams.map(|datagram| fields(&datagram)).collect()
    }

    /// The same, as it was sent.
    pub fn datagrams(&self) -> Vec<Vec<u8>> {
        let address = self.socket.local_addr().expect("it is bound");
        let path = address.as_pathname().expect("to a path");
        let asked = b"asked\n";
        UnixDatagram::unbound()
            .and_then(|sender| sender.send_to(asked, path))
            .expect("the journal listens");
        let said = self.datagrams.iter();
        said.take_while(|datagram| datagram != asked).collect()
    }

    /// What was said since it was last asked: see [`told`].
    #[track_caller]
    pub fn told(&self) -> Vec<String> {
        self.entries().iter().map(told).collect()
    }
}

/// Domain, event, result and what changed of a line, between bars. The time that it took must be a
/// number.
#[track_caller]
pub fn told(entry: &Entry) -> String {
    let field = |name: &str| {
        entry
            .get(&format!("VMHOOK_{name}"))
            .map_or("", String::as_str)
    };
    let elapsed: f64 = field("MILLISECONDS").parse().expect("a number");
    assert!(elapsed > 0.0, "{entry:?}");
    ["DOMAIN", "EVENT", "RESULT", "CHANGED"]
        .map(field)
        .join("|")
}

impl Drop for Journal {
    fn drop(&mut self) {
        let _ = self.socket.shutdown(std::net::Shutdown::Both);
    }
}

/// <https://systemd.io/JOURNAL_NATIVE_PROTOCOL/>: `NAME=value`, or where the value has line breaks
/// `NAME`, its length in eight bytes, and the value.
fn fields(mut datagram: &[u8]) -> Entry {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let mut entry = Entry::new();
    while let Some(end) = datagram.iter().position(|byte| *byte == b'\n') {
        let (line, rest) = (&datagram[..end], &datagram[end + 1..]);
        let (name, value, next) = if let Some(at) = line.iter().position(|byte| *byte == b'=') {
            (&line[..at], &line[at + 1..], rest)
        } else {
            let (length, rest) = rest.split_first_chunk().expect("a length in eight bytes");
            let length = usize::try_from(u64::from_le_bytes(*length)).expect("a short value");
            (line, &rest[..length], &rest[length + 1..])
        };
        entry.insert(text(name), text(value));
        datagram = next;
    }
    entry
}
