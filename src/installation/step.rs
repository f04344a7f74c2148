//! What `setup` and `remove` do, each step a value that says in a line what it does.

use std::fmt;

use super::file::OwnFile;
use super::leftover::{self, Leftover};
use super::scene::{Found, Scene};
use super::{CONFIG, EXAMPLE, MAIN, PARTS, STUBS, UNFINISHED};

/// One step. Printed, it says what was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// It is so already.
    Already(String),
    /// Make a folder, mode 0755.
    MakeFolder(String),
    /// Only the owner may write there: set these permissions.
    Protect(String, u32),
    /// Keep a copy of what somebody has changed, not executable.
    SetAside {
        /// The changed file.
        from: String,
        /// The copy.
        to: String,
    },
    /// Write a file of ours, whole, in the place of whatever file is there.
    Write(OwnFile),
    /// Remove a file.
    Remove(String),
    /// Take away the permission to execute it.
    Disarm(String, u32),
    /// Remove a folder, if nothing is in it.
    RemoveFolder(String),
    /// It stays, for this reason.
    Keep(String, &'static str),
}

impl fmt::Display for Step {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Already(path) => write!(out, "as it was  {path}"),
            Self::MakeFolder(path) => write!(out, "made       {path}"),
            Self::Protect(path, mode) => {
                write!(
                    out,
                    "protected  {path}: only its owner may write there ({mode:04o})"
                )
            }
            Self::SetAside { from, to } => {
                write!(
                    out,
                    "set aside  {from}, which somebody had changed, as {to}"
                )
            }
            Self::Write(file) => write!(out, "wrote      {}", file.path),
            Self::Remove(path) | Self::RemoveFolder(path) => write!(out, "removed    {path}"),
            Self::Disarm(path, _) => {
                write!(
                    out,
                    "disarmed   {path}: libvirt would have run it; look what it is"
                )
            }
            Self::Keep(path, why) => write!(out, "kept       {path}: {why}"),
        }
    }
}

/// What makes the installation whole. The stubs come last: from then on libvirt calls them.
pub fn to_set_up(scene: &Scene) -> Vec<Step> {
    let folders = Scene::folders().into_iter();
    let mut steps: Vec<Step> = folders.map(|path| folder(scene, path)).collect();
    steps.extend(unfinished(scene));
    steps.extend(example(scene));
    steps.extend(leftovers(scene));
    steps.extend(STUBS.iter().flat_map(|stub| put(scene, stub)));
    steps
}

/// What takes it away. The stubs go first: from then on libvirt calls nothing.
pub fn to_remove(scene: &Scene) -> Vec<Step> {
    let mut steps: Vec<Step> = STUBS.iter().flat_map(|stub| take(scene, stub)).collect();
    steps.extend(leftovers(scene));
    steps.extend(unfinished(scene));
    steps.extend(take_example(scene));
    let folders = Scene::listed().into_iter().chain([PARTS, CONFIG]);
    let there = folders.filter(|path| *scene.at(path) != Found::Absent);
    steps.extend(there.map(|path| Step::RemoveFolder(path.to_owned())));
    if let Found::File { .. } = scene.at(MAIN) {
        steps.push(Step::Keep(MAIN.to_owned(), "it is your configuration"));
    }
    steps
}

fn folder(scene: &Scene, path: &str) -> Step {
    match scene.at(path) {
        Found::Folder { mode } if mode & 0o022 == 0 => Step::Already(path.to_owned()),
        Found::Folder { mode } => Step::Protect(path.to_owned(), mode & !0o022),
        _ => Step::MakeFolder(path.to_owned()),
    }
}

/// A killed setup's. libvirt does not run it.
fn unfinished(scene: &Scene) -> impl Iterator<Item = Step> {
    let there = |path: &&str| *scene.at(path) != Found::Absent;
    let paths = UNFINISHED.into_iter().filter(there);
    paths.map(|path| Step::Remove(path.to_owned()))
}

fn leftovers(scene: &Scene) -> Vec<Step> {
    let in_folder = |folder: &'static str| {
        scene.within(folder).filter_map(move |(name, found)| {
            let path = format!("{folder}/{name}");
            match (leftover::of(name, found)?, found) {
                (Leftover::Disarm, Found::File { mode, .. }) => {
                    Some(Step::Disarm(path, mode & !0o111))
                }
                _ => Some(Step::Remove(path)),
            }
        })
    };
    Scene::listed().into_iter().flat_map(in_folder).collect()
}

/// Whether exactly this file is there.
fn stands(scene: &Scene, file: &OwnFile) -> bool {
    matches!(scene.at(file.path), Found::File { content, mode, owner }
        if *content == file.text().as_bytes() && *mode == file.mode() && *owner == scene.user)
}

/// Whether what is there is somebody else's, or was changed.
fn is_changed(scene: &Scene, file: &OwnFile) -> bool {
    match scene.at(file.path) {
        Found::File { content, .. } => !file.made(content),
        Found::Absent | Found::Folder { .. } | Found::Other => false,
    }
}

fn set_aside(scene: &Scene, file: &OwnFile) -> Option<Step> {
    is_changed(scene, file).then(|| Step::SetAside {
        from: file.path.to_owned(),
        to: file.aside(),
    })
}

fn put(scene: &Scene, file: &OwnFile) -> Vec<Step> {
    if stands(scene, file) {
        return vec![Step::Already(file.path.to_owned())];
    }
    set_aside(scene, file)
        .into_iter()
        .chain([Step::Write(*file)])
        .collect()
}

fn take(scene: &Scene, file: &OwnFile) -> Vec<Step> {
    if *scene.at(file.path) == Found::Absent {
        return Vec::new();
    }
    set_aside(scene, file)
        .into_iter()
        .chain([Step::Remove(file.path.to_owned())])
        .collect()
}

fn example(scene: &Scene) -> Vec<Step> {
    if is_changed(scene, &EXAMPLE) {
        return vec![Step::Keep(EXAMPLE.path.to_owned(), CHANGED)];
    }
    put(scene, &EXAMPLE)
}

fn take_example(scene: &Scene) -> Vec<Step> {
    if is_changed(scene, &EXAMPLE) {
        return vec![Step::Keep(EXAMPLE.path.to_owned(), CHANGED)];
    }
    take(scene, &EXAMPLE)
}

const CHANGED: &str = "somebody has changed it";
