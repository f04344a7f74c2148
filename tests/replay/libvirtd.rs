//! libvirtd, as far as its hooks see it: a process that calls them.

use std::ffi::OsStr;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use crate::corpus::Call;
use crate::support::Outcome;

const EVENT: &str = env!("CARGO_BIN_EXE_vmhook-event");
/// Longer than the program's own limit.
const SECONDS: &str = "60";

/// A shell by the daemon's name that is fed one line a call. It runs each hook in a session of its
/// own, with libvirt's environment and folder. It ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Libvirtd {
    shell: Child,
    lines: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
    folder: PathBuf,
}

impl Libvirtd {
    /// Starts it in this thread's network namespace. `folder` holds the program's configuration
    /// (`etc`) and state (`run`).
    pub(crate) fn start(folder: &Path) -> Self {
        let mut shell = Command::new("sh")
            .current_dir("/")
            .env_clear()
            .env("LC_ALL", "C")
            .env(
                "PATH",
                "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            )
            .env("VMHOOK_CONFIG_DIR", folder.join("etc"))
            .env("VMHOOK_STATE_DIR", folder.join("run"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("sh starts");
        let mut lines = shell.stdin.take().expect("stdin is a pipe");
        // A hook knows its caller by the daemon's name.
        lines
            .write_all(b"printf libvirtd >/proc/$$/comm\n")
            .expect("the shell reads");
        Self {
            lines: Some(lines),
            answers: BufReader::new(shell.stdout.take().expect("stdout is a pipe")),
            shell,
            folder: folder.to_owned(),
        }
    }

    /// Calls the hook and waits for its end.
    pub(crate) fn call(&mut self, call: &Call) -> Outcome {
        let file = |name: &str| self.folder.join(name);
        let (xml, out, err) = (file("stdin"), file("stdout"), file("stderr"));
        fs::write(&xml, &call.xml).unwrap();
        let mut line = b"cat ".to_vec();
        quote(xml.as_os_str(), &mut line);
        line.extend(b"| setsid timeout ");
        let program = [SECONDS, EVENT, &call.driver].map(OsStr::new);
        let words = call.words.iter().map(AsRef::as_ref);
        program
            .into_iter()
            .chain(words)
            .for_each(|word| quote(word, &mut line));
        for (sign, path) in [(">", &out), ("2>", &err)] {
            line.extend(sign.bytes());
            quote(path.as_os_str(), &mut line);
        }
        line.extend(b"; echo $?\n");
        let lines = self.lines.as_mut().expect("open until it is dropped");
        lines.write_all(&line).expect("the shell reads");
        let mut code = String::new();
        self.answers
            .read_line(&mut code)
            .expect("the shell answers");
        let text = |path| String::from_utf8_lossy(&fs::read(path).unwrap()).into_owned();
        Outcome {
            command: call.shown(),
            code: code
                .trim()
                .parse()
                .expect("the shell prints an exit status"),
            out: text(out),
            err: text(err),
        }
    }
}

impl Drop for Libvirtd {
    fn drop(&mut self) {
        drop(self.lines.take());
        let ended = self.shell.wait();
        if !std::thread::panicking() {
            ended.expect("the shell ends");
        }
    }
}

/// A word of the shell's, and a blank.
fn quote(word: &OsStr, line: &mut Vec<u8>) {
    line.push(b'\'');
    for &byte in word.as_bytes() {
        match byte {
            b'\'' => line.extend(br"'\''"),
            _ => line.push(byte),
        }
    }
    line.extend(b"' ");
}
