//! What "pure" means in this crate, held by reading its source.
//!
//! Clippy refuses files, processes, sockets, clock and environment by name (`clippy.toml`), outside
//! of the boundary. That leaves three ways around: to reach the world through a module of ours that
//! does, through a crate that does, or to switch the lint off. And the lint's lists must be whole.
#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "this test reads the source"
)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// The modules that touch the machine, or drive those that do. All others are pure.
const IMPURE: [&str; 3] = ["host", "apply", "hook"];

/// Crates that touch the machine.
const CRATES: [&str; 4] = ["nix", "tokio", "rtnetlink", "virt"];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every source file of the library with its path below `src/`.
fn sources() -> Vec<(PathBuf, String)> {
    let src = root().join("src");
    let mut folders = vec![src.clone()];
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|it| it == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                files.push((path.strip_prefix(&src).unwrap().to_owned(), text));
            }
        }
    }
    files.sort();
    files
}

/// The path of a file's module below the crate: `plan`, `links` for `plan/links.rs`.
fn module(file: &Path) -> Vec<String> {
    let path = file.with_extension("");
    let parts = path.iter().map(|part| part.to_string_lossy().into_owned());
    parts.filter(|part| part != "mod").collect()
}

fn is_pure(file: &Path) -> bool {
    let top = module(file).remove(0);
    top != "bin" && top != "lib" && !IMPURE.contains(&top.as_str())
}

fn pure() -> Vec<(PathBuf, String)> {
    let all = sources().into_iter();
    all.filter(|(file, _)| is_pure(file)).collect()
}

/// The text without comments: what they link to is no dependency.
fn code(text: &str) -> String {
    let before = |line: &str| match line.find("//") {
        // Only a URL in a text has it elsewhere, and no module of ours follows one.
        Some(at) => line[..at].to_owned(),
        None => line.to_owned(),
    };
    text.lines().map(before).collect::<Vec<_>>().join("\n")
}

/// Every path in the code, as its parts: `crate::plan::Plan` is one of three.
fn paths(code: &str) -> Vec<Vec<&str>> {
    let in_path = |letter: char| letter.is_alphanumeric() || letter == '_' || letter == ':';
    let words = code.split(|letter| !in_path(letter));
    words
        .filter(|word| word.contains("::"))
        .map(|word| word.split("::").collect())
        .collect()
}

/// The module of this crate's root that a path in a file leads to, if it leads there by name.
fn top_module<'a>(path: &[&'a str], depth: usize) -> Option<&'a str> {
    let supers = path.iter().take_while(|part| **part == "super").count();
    match path {
        ["crate" | "vmhook", top, ..] => Some(top),
        _ if supers >= depth => path.get(supers).copied(),
        _ => None,
    }
}

#[test]
fn pure_modules_name_no_module_that_touches_the_machine() {
    for (file, text) in pure() {
        let depth = module(&file).len();
        let code = code(&text);
        for path in paths(&code) {
            let top = top_module(&path, depth);
            let impure = top.is_some_and(|top| IMPURE.contains(&top));
            assert!(!impure, "{}: {}", file.display(), path.join("::"));
            let hidden = path.first() == Some(&"crate") && top == Some("");
            assert!(!hidden, "{}: crate::{{…}} hides names", file.display());
        }
    }
}

#[test]
fn pure_modules_name_no_crate_that_touches_the_machine() {
    for (file, text) in pure() {
        let code = code(&text);
        for path in paths(&code) {
            let name = path.iter().find(|part| !part.is_empty());
            let touches = name.is_some_and(|name| CRATES.contains(name));
            assert!(!touches, "{}: {}", file.display(), path.join("::"));
        }
    }
}

#[test]
fn pure_modules_switch_off_no_lint_that_keeps_them_pure() {
    for (file, text) in pure() {
        let lints = ["clippy::disallowed", "clippy::print_", "clippy::dbg_macro"];
        for lint in lints {
            assert!(!code(&text).contains(lint), "{}: {lint}", file.display());
        }
    }
}

#[test]
fn of_the_library_only_the_boundary_switches_them_off() {
    let off = |(file, text): (PathBuf, String)| {
        let library = module(&file)[0] != "bin";
        (library && code(&text).contains("clippy::disallowed")).then_some(file)
    };
    let files: Vec<PathBuf> = sources().into_iter().filter_map(off).collect();
    assert_eq!(files, [Path::new("host/mod.rs")]);
}

#[test]
fn every_module_is_listed_once() {
    let lib = fs::read_to_string(root().join("src/lib.rs")).unwrap();
    let listed: Vec<&str> = lib
        .lines()
        .filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';'))
        .collect();
    let there: BTreeSet<String> = sources()
        .iter()
        .map(|(file, _)| module(file).remove(0))
        .filter(|module| module != "lib" && module != "bin")
        .collect();
    assert_eq!(listed, there.iter().map(String::as_str).collect::<Vec<_>>());
}

/// What `clippy.toml` must refuse, by the standard library's own lists. What only computes
/// (`split_paths`), is unsafe anyway, or is no use without something else of these lists is left
/// out.
const REFUSED: [(&str, &str, &[&str]); 14] = [
    (
        "disallowed-methods",
        "std::fs",
        &[
            "canonicalize",
            "copy",
            "create_dir",
            "create_dir_all",
            "exists",
            "hard_link",
            "metadata",
            "read",
            "read_dir",
            "read_link",
            "read_to_string",
            "remove_dir",
            "remove_dir_all",
            "remove_file",
            "rename",
            "set_permissions",
            "symlink_metadata",
            "write",
        ],
    ),
    (
        "disallowed-methods",
        "std::os::unix::fs",
        &["chown", "chroot", "lchown", "symlink"],
    ),
    (
        "disallowed-methods",
        "std::path::Path",
        &[
            "canonicalize",
            "exists",
            "is_dir",
            "is_file",
            "is_symlink",
            "metadata",
            "read_dir",
            "read_link",
            "symlink_metadata",
            "try_exists",
        ],
    ),
    (
        "disallowed-methods",
        "std::env",
        &[
            "args",
            "args_os",
            "current_dir",
            "current_exe",
            "home_dir",
            "remove_var",
            "set_current_dir",
            "set_var",
            "temp_dir",
            "var",
            "var_os",
            "vars",
            "vars_os",
        ],
    ),
    ("disallowed-methods", "std::thread", &["sleep", "spawn"]),
    (
        "disallowed-methods",
        "std::process",
        &["abort", "exit", "id"],
    ),
    (
        "disallowed-methods",
        "std::io",
        &["stderr", "stdin", "stdout"],
    ),
    (
        "disallowed-types",
        "std::fs",
        &["DirBuilder", "File", "OpenOptions"],
    ),
    (
        "disallowed-types",
        "std::net",
        &["TcpListener", "TcpStream", "UdpSocket"],
    ),
    (
        "disallowed-types",
        "std::os::unix::net",
        &["UnixDatagram", "UnixListener", "UnixStream"],
    ),
    ("disallowed-types", "std::process", &["Command"]),
    ("disallowed-types", "tokio::process", &["Command"]),
    ("disallowed-types", "std::time", &["Instant", "SystemTime"]),
    (
        "disallowed-macros",
        "std",
        &["eprint", "eprintln", "print", "println"],
    ),
];

#[test]
fn clippy_refuses_every_way_to_files_environment_clock_net_processes_and_output() {
    let text = fs::read_to_string(root().join("clippy.toml")).unwrap();
    let lists: toml::Table = text.parse().unwrap();
    for (list, place, names) in REFUSED {
        let entries = lists[list].as_array().unwrap();
        let refused: BTreeSet<&str> = entries
            .iter()
            .map(|entry| entry["path"].as_str().unwrap())
            .collect();
        for name in names {
            let path = format!("{place}::{name}");
            assert!(refused.contains(path.as_str()), "{list} lacks {path}");
        }
    }
}
