//! Reading the configuration's files; what they mean is `config`'s.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

/// One file of the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigFile {
    /// Its path, for messages.
    pub path: String,
    /// Its text, or why it could not be read.
    pub text: Result<String, String>,
}

/// Reads `vmhook.toml` and then `conf.d/*.toml`, sorted by name.
///
/// A missing `vmhook.toml` and a file that cannot be read are entries with a reason, not errors:
/// what is to be managed can stand in another file, and starts there must be refused. A missing
/// `conf.d` is nothing.
pub(super) fn read(folder: &Path) -> Vec<ConfigFile> {
    let mut files = vec![file(&folder.join("vmhook.toml"))];
    let parts = folder.join("conf.d");
    match parts_of(&parts) {
        Ok(paths) => files.extend(paths.iter().map(|path| file(path))),
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => files.push(unreadable(&parts, &error)),
    }
    files
}

fn parts_of(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let hidden = path
            .file_name()
            .is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
        if !hidden && path.extension().is_some_and(|end| end == "toml") {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}

fn file(path: &Path) -> ConfigFile {
    match fs::read(path) {
        Ok(bytes) => ConfigFile {
            path: path.display().to_string(),
            text: String::from_utf8(bytes).map_err(|error| {
                let place = error.utf8_error().valid_up_to();
                format!("is not UTF-8 text (byte {place})")
            }),
        },
        Err(error) => unreadable(path, &error),
    }
}

fn unreadable(path: &Path, error: &io::Error) -> ConfigFile {
    let reason = match error.kind() {
        ErrorKind::NotFound => "there is no such file".to_owned(),
        _ => format!("cannot be read: {error}"),
    };
    ConfigFile {
        path: path.display().to_string(),
        text: Err(reason),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_of(files: &[(&str, &[u8])]) -> Vec<(String, Result<String, String>)> {
        let folder = tempfile::tempdir().unwrap();
        for (name, content) in files {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        }
        let name = |path: &str| path[folder.path().to_str().unwrap().len() + 1..].to_owned();
        let files = read(folder.path()).into_iter();
        files.map(|file| (name(&file.path), file.text)).collect()
    }

    #[test]
    fn parts_come_after_the_main_file_in_order_of_their_names() {
        let files = read_of(&[
            ("conf.d/20-b.toml", b"b"),
            ("conf.d/10-a.toml", b"a"),
            ("conf.d/README", b"not toml"),
            ("conf.d/.10-a.toml.swp", b"an editor's"),
            ("conf.d/.hidden.toml", b"an editor's"),
            ("vmhook.toml", b"main"),
        ]);
        let expected = [
            ("vmhook.toml", "main"),
            ("conf.d/10-a.toml", "a"),
            ("conf.d/20-b.toml", "b"),
        ];
        assert_eq!(
            files,
            expected.map(|(path, text)| (path.to_owned(), Ok(text.to_owned())))
        );
    }

    #[test]
    fn a_missing_main_file_is_said_and_a_missing_folder_is_nothing() {
        let reason = Err("there is no such file".to_owned());
        assert_eq!(read_of(&[]), [("vmhook.toml".to_owned(), reason)]);
    }

    #[test]
    fn a_file_that_is_no_text_or_no_file_is_said() {
        let files = read_of(&[("vmhook.toml", b"ab\xff"), ("conf.d/folder.toml/x", b"")]);
        assert_eq!(files[0].1, Err("is not UTF-8 text (byte 2)".to_owned()));
        let reason = files[1].1.as_ref().unwrap_err();
        assert!(reason.starts_with("cannot be read: "), "{reason}");
    }
}
