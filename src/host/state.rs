//! The state directory: small files, each written whole.
//!
//! A file is written under a name that nothing reads and then renamed, so a reader sees the old
//! content or the new one, also after a crash in between. It lies on a tmpfs (`/run`): what a
//! reboot loses is what a reboot has undone anyway, so nothing is synced to a disk.
//!
//! Names are `file` or `folder/file`, of `[A-Za-z0-9._-]` and not starting with a dot: a name can
//! never lead out of the directory, and what starts with a dot no list shows: it is being written, or
//! its writer was killed. The latter goes with the last file of its folder.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use super::HostError;

/// The state directory.
#[derive(Debug)]
pub(super) struct StateDir {
    folder: PathBuf,
}

impl StateDir {
    /// A directory that need not be there yet.
    pub(super) fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// The content of a file.
    pub(super) fn read(&self, name: &str) -> Result<Option<Vec<u8>>, HostError> {
        let path = self.path(name)?;
        match fs::read(&path) {
            Err(error) if is_absent(&error) => Ok(None),
            other => other
                .map(Some)
                .map_err(HostError::file("cannot read", &path)),
        }
    }

    /// The names of the files in a folder.
    pub(super) fn list(&self, folder: &str) -> Result<Vec<String>, HostError> {
        let path = self.path(folder)?;
        match names(&path) {
            Err(error) if is_absent(&error) => Ok(Vec::new()),
            other => other.map_err(HostError::file("cannot list", &path)),
        }
    }

    /// Writes a file whole.
    pub(super) fn write(&self, name: &str, content: &[u8]) -> Result<(), HostError> {
        let path = self.path(name)?;
        replace(&path, content).map_err(HostError::file("cannot write", &path))
    }

    /// Removes a file, and its folder with the last one: where nothing is left to know, nothing is
    /// left to see.
    pub(super) fn remove(&self, name: &str) -> Result<(), HostError> {
        let path = self.path(name)?;
        match fs::remove_file(&path) {
            Err(error) if is_absent(&error) => return Ok(()),
            other => other.map_err(HostError::file("cannot remove", &path))?,
        }
        let folder = path.parent().unwrap_or(&self.folder);
        if folder == self.folder {
            sweep(folder);
        } else if fs::remove_dir(folder).is_err() && names(folder).is_ok_and(|it| it.is_empty()) {
            sweep(folder);
            // Refused while the folder holds anything, and then it stays.
            let _ = fs::remove_dir(folder);
        }
        Ok(())
    }

    /// The directory itself, made if need be: it is what the host lock locks.
    pub(super) fn made(&self) -> Result<&Path, HostError> {
        make_folder(&self.folder).map_err(HostError::file("cannot make", &self.folder))?;
        Ok(&self.folder)
    }

    fn path(&self, name: &str) -> Result<PathBuf, HostError> {
        let path = self.folder.join(name);
        if is_name(name) {
            return Ok(path);
        }
        let error = io::Error::new(ErrorKind::InvalidInput, "not a name of a state file");
        Err(HostError::file("cannot use", &path)(error))
    }
}

fn is_name(name: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    let is_part =
        |part: &str| !part.is_empty() && !part.starts_with('.') && part.bytes().all(allowed);
    name.split('/').count() <= 2 && name.split('/').all(is_part)
}

fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory)
}

fn names(folder: &Path) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder)? {
        let name = entry?.file_name();
        // Ours are ASCII and do not start with a dot.
        names.extend(
            name.to_str()
                .filter(|name| is_name(name))
                .map(str::to_owned),
        );
    }
    names.sort();
    Ok(names)
}

/// Removes what killed writers left. What cannot be looked at or removed is in nobody's way.
fn sweep(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let name = name.to_str().filter(|name| name.starts_with('.'));
        let writer: Option<u32> = name.and_then(|name| name.rsplit_once('.')?.1.parse().ok());
        if writer.is_some_and(|pid| !Path::new(&format!("/proc/{pid}")).exists()) {
            let _ = fs::remove_file(entry.path());
        }
    }
}

fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("/"));
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let unfinished = folder.join(format!(".{name}.{}", std::process::id()));
    create(&unfinished, folder)?
        .write_all(content)
        .and_then(|()| fs::rename(&unfinished, path))
        .inspect_err(|_| drop(fs::remove_file(&unfinished)))
}

/// Makes the folder and the file in it. Another process may remove the empty folder in between, so
/// it is made again, as often as others can come and go in the meantime.
fn create(file: &Path, folder: &Path) -> io::Result<fs::File> {
    const TRIES: usize = 100;
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600);
    let mut tried = 0;
    loop {
        make_folder(folder)?;
        match options.open(file) {
            Err(error) if error.kind() == ErrorKind::NotFound && tried < TRIES => tried += 1,
            other => return other,
        }
    }
}

/// What it names is nobody's business but root's.
fn make_folder(folder: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn state() -> (tempfile::TempDir, StateDir) {
        let folder = tempfile::tempdir().unwrap();
        let state = StateDir::new(folder.path().join("vmhook"));
        (folder, state)
    }

    #[test]
    fn what_is_written_is_read_and_listed_until_it_is_removed() {
        let (_folder, state) = state();
        assert_eq!(state.read("domains/a.want").unwrap(), None);
        assert!(state.list("domains").unwrap().is_empty());
        state.write("domains/b.want", b"2").unwrap();
        state.write("domains/a.want", b"old").unwrap();
        state.write("domains/a.want", b"1").unwrap();
        assert_eq!(state.read("domains/a.want").unwrap().unwrap(), b"1");
        assert_eq!(state.list("domains").unwrap(), ["a.want", "b.want"]);
        state.remove("domains/a.want").unwrap();
        state.remove("domains/a.want").unwrap();
        assert_eq!(state.list("domains").unwrap(), ["b.want"]);
    }

    #[test]
    fn a_folder_goes_with_its_last_file() {
        let (folder, state) = state();
        state.write("domains/a", b"1").unwrap();
        state.write("domains/b", b"2").unwrap();
        let domains = folder.path().join("vmhook/domains");
        state.remove("domains/a").unwrap();
        assert!(domains.exists());
        state.remove("domains/b").unwrap();
        assert!(!domains.exists());
    }

    #[test]
    fn only_root_can_look_into_it() {
        let (folder, state) = state();
        state.write("domains/a", b"1").unwrap();
        let mode = |path: &str| {
            let file = fs::metadata(folder.path().join(path)).unwrap();
            file.permissions().mode() & 0o777
        };
        assert_eq!(mode("vmhook"), 0o700);
        assert_eq!(mode("vmhook/domains"), 0o700);
        assert_eq!(mode("vmhook/domains/a"), 0o600);
    }

    #[test]
    fn a_leftover_of_a_killed_writer_is_never_seen() {
        let (folder, state) = state();
        state.write("domains/a", b"1").unwrap();
        fs::write(folder.path().join("vmhook/domains/.a.99"), b"hal").unwrap();
        assert_eq!(state.list("domains").unwrap(), ["a"]);
    }

    #[test]
    fn a_leftover_of_a_killed_writer_goes_with_the_last_file() {
        let (folder, state) = state();
        let mut killed = std::process::Command::new("true").spawn().unwrap();
        killed.wait().unwrap();
        let (root, domains) = (
            folder.path().join("vmhook"),
            folder.path().join("vmhook/domains"),
        );
        state.write("domains/a", b"1").unwrap();
        state.write("host", b"1").unwrap();
        for at in [&root, &domains] {
            fs::write(at.join(format!(".a.{}", killed.id())), b"hal").unwrap();
            fs::write(at.join(format!(".b.{}", std::process::id())), b"hal").unwrap();
        }
        state.remove("domains/a").unwrap();
        state.remove("host").unwrap();
        for at in [&root, &domains] {
            assert!(!at.join(format!(".a.{}", killed.id())).exists());
            assert!(
                at.join(format!(".b.{}", std::process::id())).exists(),
                "it is written"
            );
        }
    }

    #[test]
    fn a_failed_write_leaves_the_old_content_and_no_leftover() {
        let (folder, state) = state();
        let path = folder.path().join("vmhook/domains/a");
        fs::create_dir_all(path.join("in-the-way")).unwrap();
        assert!(state.write("domains/a", b"new").is_err());
        assert!(path.join("in-the-way").is_dir());
        let files = fs::read_dir(folder.path().join("vmhook/domains")).unwrap();
        assert_eq!(files.count(), 1);
    }

    #[test]
    fn no_name_leads_out_of_the_directory() {
        let (_folder, state) = state();
        for name in [
            "",
            "..",
            "../x",
            "/etc/passwd",
            "a/b/c",
            "a//b",
            ".a",
            "a b",
            "a/.b",
        ] {
            assert!(state.read(name).is_err(), "{name}");
            assert!(state.write(name, b"").is_err(), "{name}");
            assert!(state.remove(name).is_err(), "{name}");
            assert!(state.list(name).is_err(), "{name}");
        }
    }
}
