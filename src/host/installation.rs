//! The files of an installation: looking at them, and doing one [`Step`] at a time.
//!
//! A file comes by a rename on the same file system, after it and its permissions are on the disk.
//! So also a crash or a power cut leaves in a folder that libvirt reads either the old file or the
//! new one, whole.

use std::fs::{self, File, Permissions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use super::HostError;
use crate::installation::{Found, Scene, Step, unfinished};

/// The files below one folder, `/` or the root of another system. One program at a time has it.
#[derive(Debug)]
pub struct Tree {
    root: PathBuf,
    /// Locked until it is closed.
    _lock: File,
}

impl Tree {
    /// The files below this folder.
    ///
    /// # Errors
    /// If there is no such folder, or another `setup` or `remove` is at work in it.
    pub fn open(root: &Path) -> Result<Self, HostError> {
        let etc = root.join("etc");
        let folder = if etc.is_dir() { etc.as_path() } else { root };
        let lock = File::open(folder).map_err(HostError::file("cannot open", folder))?;
        lock.try_lock().map_err(|error| {
            let error = match error {
                fs::TryLockError::Error(error) => error,
                fs::TryLockError::WouldBlock => {
                    io::Error::other("another setup or remove is at work here")
                }
            };
            HostError::file("cannot lock", folder)(error)
        })?;
        Ok(Self {
            root: root.to_owned(),
            _lock: lock,
        })
    }

    /// What is there.
    ///
    /// # Errors
    /// If something cannot be read.
    pub fn look(&self) -> Result<Scene, HostError> {
        let mut scene = Scene {
            user: nix::unistd::geteuid().as_raw(),
            ..Scene::default()
        };
        for path in Scene::folders().into_iter().chain(Scene::files()) {
            scene.places.insert(path.to_owned(), self.found(path)?);
        }
        for folder in Scene::listed() {
            for name in self.names_in(folder)? {
                let path = format!("{folder}/{name}");
                let found = self.found(&path)?;
                scene.places.insert(path, found);
            }
        }
        Ok(scene)
    }

    /// Whether this file is there and may be executed.
    pub fn has_program(&self, path: &str) -> bool {
        let file = fs::metadata(self.place(path));
        file.is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 == 0o111)
    }

    /// The text of a file, if there is one.
    pub fn text(&self, path: &str) -> Option<String> {
        fs::read_to_string(self.place(path)).ok()
    }

    /// **Changes**: does one step. Whether anything changed: a folder that is not empty stays.
    ///
    /// # Errors
    /// [`HostError::File`], which names what could not be done.
    pub fn carry_out(&self, step: &Step) -> Result<bool, HostError> {
        match step {
            Step::Already(_) | Step::Keep(..) => Ok(true),
            Step::MakeFolder(path) => self.at(path, "cannot make", make_folder),
            Step::Protect(path, mode) | Step::Disarm(path, mode) => {
                self.at(path, "cannot change the mode of", |path| {
                    fs::set_permissions(path, Permissions::from_mode(*mode)).map(|()| true)
                })
            }
            Step::SetAside { from, to } => {
                let content = self.at(from, "cannot read", |path| fs::read(path))?;
                self.put(to, &content, 0o644)
            }
            Step::Write(file) => self.put(file.path, file.text().as_bytes(), file.mode()),
            Step::Remove(path) => self.at(path, "cannot remove", remove),
            Step::RemoveFolder(path) => self.at(path, "cannot remove", remove_folder),
        }
    }

    /// Puts a complete file in its place.
    fn put(&self, path: &str, content: &[u8], mode: u32) -> Result<bool, HostError> {
        let unfinished = self.place(unfinished(path));
        self.at(path, "cannot write", |path| {
            let written = File::create(&unfinished).and_then(|mut file| {
                file.write_all(content)?;
                file.set_permissions(Permissions::from_mode(mode))?;
                file.sync_all()
            });
            written
                .and_then(|()| fs::rename(&unfinished, path))
                .inspect_err(|_| drop(fs::remove_file(&unfinished)))?;
            sync_folder_of(path)
        })
    }

    fn found(&self, path: &str) -> Result<Found, HostError> {
        self.at(path, "cannot read", look_at)
    }

    fn names_in(&self, folder: &str) -> Result<Vec<String>, HostError> {
        let names = |path: &Path| {
            let entries = match fs::read_dir(path) {
                Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
                other => other?,
            };
            // A name that is no UTF-8 is none of ours.
            let name = |entry: io::Result<fs::DirEntry>| Ok(entry?.file_name().into_string().ok());
            entries
                .filter_map(|entry| name(entry).transpose())
                .collect()
        };
        self.at(folder, "cannot list", names)
    }

    fn at<T>(
        &self,
        path: &str,
        doing: &'static str,
        act: impl FnOnce(&Path) -> io::Result<T>,
    ) -> Result<T, HostError> {
        let path = self.place(path);
        act(&path).map_err(HostError::file(doing, &path))
    }

    fn place(&self, path: &str) -> PathBuf {
        self.root.join(path.trim_start_matches('/'))
    }
}

/// What is at a path. A folder may be behind a symbolic link, a file may not: what libvirt runs
/// would be somewhere else.
fn look_at(path: &Path) -> io::Result<Found> {
    let entry = match fs::symlink_metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Found::Absent),
        other => other?,
    };
    let mode = |entry: &fs::Metadata| entry.permissions().mode() & 0o7777;
    if entry.is_file() {
        return Ok(Found::File {
            content: fs::read(path)?,
            mode: mode(&entry),
            owner: entry.uid(),
        });
    }
    let behind = fs::metadata(path).ok().filter(fs::Metadata::is_dir);
    Ok(behind.map_or(Found::Other, |folder| Found::Folder {
        mode: mode(&folder),
    }))
}

fn make_folder(path: &Path) -> io::Result<bool> {
    fs::create_dir_all(path)?;
    fs::set_permissions(path, Permissions::from_mode(0o755))?;
    sync_folder_of(path)
}

fn remove(path: &Path) -> io::Result<bool> {
    fs::remove_file(path)?;
    sync_folder_of(path)
}

fn remove_folder(path: &Path) -> io::Result<bool> {
    match fs::remove_dir(path) {
        Ok(()) => sync_folder_of(path),
        Err(error) if error.kind() == ErrorKind::DirectoryNotEmpty => Ok(false),
        Err(error) => Err(error),
    }
}

/// What a folder holds is on the disk only once the folder is.
fn sync_folder_of(path: &Path) -> io::Result<bool> {
    File::open(path.parent().unwrap_or(Path::new("/")))?.sync_all()?;
    Ok(true)
}
