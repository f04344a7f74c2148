//! `vmhook` as an operator meets it: what needs no root runs here as an ordinary user.
#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::unwrap_used,
    reason = "these tests run a program on files of their own, and helpers are tests too"
)]

mod check;
mod command;
mod plan;

use std::fs::{self, Permissions};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tempfile::TempDir;

const CASES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/cases");
const NOBODY: u32 = 65534;

/// A program that is being written cannot be run, and a process that is being started holds the
/// files open that others write: one at a time.
static ALONE: Mutex<()> = Mutex::new(());

fn alone() -> MutexGuard<'static, ()> {
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// An ordinary user with a copy of the program, a configuration and a domain.
struct User {
    folder: TempDir,
}

/// How the program ended.
#[derive(Debug)]
struct Ended {
    code: i32,
    out: String,
    err: String,
}

impl User {
    /// The user with the files of a case.
    fn with(case: &str) -> Self {
        let folder = TempDir::new().unwrap();
        let user = Self { folder };
        user.put(env!("CARGO_BIN_EXE_vmhook"), "vmhook", 0o755);
        for file in ["vmhook.toml", "domain.xml"] {
            user.put(&format!("{CASES}/{case}/{file}"), file, 0o644);
        }
        fs::set_permissions(user.folder.path(), Permissions::from_mode(0o755)).unwrap();
        user
    }

    fn put(&self, from: &str, name: &str, mode: u32) {
        let _alone = alone();
        fs::copy(from, self.path(name)).unwrap();
        fs::set_permissions(self.path(name), Permissions::from_mode(mode)).unwrap();
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn configure(&self, text: &str) -> &Self {
        fs::write(self.path("vmhook.toml"), text).unwrap();
        self
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(self.path("vmhook"));
        command
            .args(arguments)
            .current_dir(self.folder.path())
            .env("VMHOOK_CONFIG_DIR", self.folder.path())
            .env("VMHOOK_STATE_DIR", self.path("state"))
            .uid(NOBODY)
            .gid(NOBODY)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    fn run(&self, arguments: &[&str]) -> Ended {
        Ended::of(spawn(&mut self.command(arguments)))
    }

    fn plan(&self, arguments: &[&str]) -> Ended {
        let plan = ["plan", "--xml", "domain.xml"];
        self.run(&[&plan, arguments].concat())
    }
}

impl Ended {
    fn of(child: Child) -> Self {
        let output = child.wait_with_output().unwrap();
        Self {
            code: output.status.code().unwrap(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    #[track_caller]
    fn with_code(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{self:#?}");
        self
    }
}

fn spawn(command: &mut Command) -> Child {
    let _alone = alone();
    command.spawn().unwrap()
}
