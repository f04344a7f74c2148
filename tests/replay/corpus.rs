//! A corpus of captured hook calls, as `fixtures/libvirt/README.md` describes it.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

use vmhook::domain::{Domain, parse_domain, parse_network_port};
use vmhook::model::DomainUuid;

/// What happened once: a sequence of calls.
#[derive(Debug)]
pub(crate) struct Situation {
    /// Its folder.
    pub(crate) folder: PathBuf,
    /// The calls, in libvirt's order.
    pub(crate) calls: Vec<Call>,
}

/// One call of a hook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Call {
    /// `02-start-begin`, the name of its XML.
    pub(crate) label: String,
    /// `qemu`, `network`, `daemon`.
    pub(crate) driver: String,
    /// The arguments behind the program's name.
    pub(crate) words: Vec<OsString>,
    /// What came on standard input.
    pub(crate) xml: Vec<u8>,
}

impl Situation {
    /// Every situation of a corpus, by name.
    pub(crate) fn all(corpus: &Path) -> Vec<Self> {
        let entries = fs::read_dir(corpus)
            .unwrap_or_else(|error| panic!("{} is no corpus: {error}", corpus.display()));
        let mut folders: Vec<PathBuf> = entries
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.join("args.txt").is_file())
            .collect();
        folders.sort();
        folders.iter().map(|folder| Self::read(folder)).collect()
    }

    pub(crate) fn read(folder: &Path) -> Self {
        let lines = fs::read(folder.join("args.txt")).unwrap();
        let lines = lines.split(|&byte| byte == b'\n');
        let calls = lines.filter(|line| !line.is_empty() && !line.starts_with(b"#"));
        Self {
            folder: folder.to_owned(),
            calls: calls.map(|line| Call::read(folder, line)).collect(),
        }
    }

    pub(crate) fn name(&self) -> String {
        let name = self.folder.file_name();
        name.unwrap_or_default().to_string_lossy().into_owned()
    }
}

impl Call {
    /// Name, time and argv, separated by tabs; a tab in an argument is escaped there.
    fn read(folder: &Path, line: &[u8]) -> Self {
        let mut fields = line.split(|&byte| byte == b'\t').map(unquote);
        let label = fields.next().unwrap().into_string().unwrap();
        let program = fields
            .nth(1)
            .unwrap_or_else(|| panic!("{}: {label} has no argv", folder.display()));
        // A daemon's call has no standard input.
        let xml = fs::read(folder.join(format!("{label}.xml"))).unwrap_or_default();
        Self {
            driver: driver(Path::new(&program)),
            words: fields.collect(),
            label,
            xml,
        }
    }

    /// The operation: `prepare`.
    pub(crate) fn operation(&self) -> &str {
        self.words
            .get(1)
            .and_then(|word| word.to_str())
            .unwrap_or("")
    }

    /// The same with another operation, as nobody captured it.
    pub(crate) fn with_operation(&self, operation: &str, sub_operation: &str) -> Self {
        let mut call = self.clone();
        call.label = format!("not-captured-{operation}");
        call.words[1] = operation.into();
        call.words[2] = sub_operation.into();
        call
    }

    /// Driver and operation.
    pub(crate) fn what(&self) -> (&str, &str) {
        (&self.driver, self.operation())
    }

    /// Whether this is what libvirt does to a domain.
    pub(crate) fn is(&self, operation: &str) -> bool {
        self.what() == ("qemu", operation)
    }

    /// Whether libvirt gives up a start if this call fails.
    pub(crate) fn may_refuse(&self) -> bool {
        matches!(
            self.what(),
            ("qemu", "prepare" | "start" | "started") | ("network", "port-created")
        )
    }

    /// The domain on standard input.
    pub(crate) fn domain(&self) -> Option<Domain> {
        parse_domain(&self.xml).ok()
    }

    /// The domain that it is about.
    pub(crate) fn owner(&self) -> Option<DomainUuid> {
        let of_port = || Some(parse_network_port(&self.xml).ok()?.owner_uuid);
        self.domain().map(|domain| domain.uuid).or_else(of_port)
    }

    /// The command line, for people.
    pub(crate) fn shown(&self) -> String {
        let words = self.words.iter().map(|word| match word.to_str() {
            Some(word) if !word.contains([' ', '\'', '"']) => word.to_owned(),
            _ => format!("'{}'", word.display()),
        });
        let words: Vec<String> = words.collect();
        format!("{}: {} {}", self.label, self.driver, words.join(" "))
    }
}

/// `/etc/libvirt/hooks/qemu`, or a file in `/etc/libvirt/hooks/qemu.d`.
fn driver(program: &Path) -> String {
    let of_folder = program.parent().and_then(Path::file_name);
    let of_folder = of_folder.and_then(OsStr::to_str);
    let driver = of_folder.and_then(|folder| folder.strip_suffix(".d"));
    let name = program.file_name().and_then(OsStr::to_str);
    driver.or(name).unwrap_or_default().to_owned()
}

/// Undoes bash's `printf %q`: bytes, whatever their encoding.
fn unquote(word: &[u8]) -> OsString {
    let mut bytes = Vec::new();
    let mut rest = word;
    while let Some((&first, behind)) = rest.split_first() {
        rest = match (first, behind) {
            (b'$', [b'\'', quoted @ ..]) => ansi(quoted, &mut bytes),
            (b'\'', quoted) => {
                let end = quoted.iter().position(|&byte| byte == b'\'').unwrap();
                bytes.extend(&quoted[..end]);
                &quoted[end + 1..]
            }
            (b'\\', [escaped, behind @ ..]) => {
                bytes.push(*escaped);
                behind
            }
            _ => {
                bytes.push(first);
                behind
            }
        };
    }
    OsString::from_vec(bytes)
}

/// The inside of `$'…'`; what is behind it.
fn ansi<'a>(quoted: &'a [u8], bytes: &mut Vec<u8>) -> &'a [u8] {
    let mut rest = quoted;
    loop {
        rest = match rest {
            [b'\'', behind @ ..] => return behind,
            [
                b'\\',
                a @ b'0'..=b'3',
                b @ b'0'..=b'7',
                c @ b'0'..=b'7',
                behind @ ..,
            ] => {
                bytes.push((a - b'0') << 6 | (b - b'0') << 3 | (c - b'0'));
                behind
            }
            [b'\\', letter, behind @ ..] => {
                bytes.push(control(*letter));
                behind
            }
            [byte, behind @ ..] => {
                bytes.push(*byte);
                behind
            }
            [] => panic!("a $' without its end"),
        };
    }
}

fn control(letter: u8) -> u8 {
    match letter {
        b'a' => 7,
        b'b' => 8,
        b't' => b'\t',
        b'n' => b'\n',
        b'v' => 11,
        b'f' => 12,
        b'r' => b'\r',
        b'E' | b'e' => 27,
        itself => itself,
    }
}

#[test]
fn an_argument_is_the_bytes_that_bash_quoted() {
    for (quoted, bytes) in [
        ("plain", &b"plain"[..]),
        ("--help", b"--help"),
        (r#"it\'s\ \"q\"\ \&\ \<x\>"#, br#"it's "q" & <x>"#),
        (r"$'\346\227\245 VM'", b"\xe6\x97\xa5 VM"),
        (r"$'a\tb\'\\\n'", b"a\tb'\\\n"),
        ("''", b""),
    ] {
        assert_eq!(unquote(quoted.as_bytes()).into_vec(), bytes, "{quoted}");
    }
}

#[test]
fn the_driver_is_the_hook_s_name_or_its_folder_s() {
    let driver = |path| driver(Path::new(path));
    assert_eq!(driver("/etc/libvirt/hooks/network"), "network");
    assert_eq!(driver("/etc/libvirt/hooks/qemu.d/50-vmhook"), "qemu");
}
