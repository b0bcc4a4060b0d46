//! Files of the repository: below its root, plain, and no larger than they may be.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Component, Path, PathBuf};
use std::process::{Command, Stdio};
use thiserror::Error;

/// The folder of `campanile.yaml`.
#[derive(Clone, Debug)]
pub struct Repository {
    root: PathBuf,
}

#[derive(Debug, Error, PartialEq, Eq)]
pub enum Error {
    #[error("there is no file `{0}`")]
    Missing(String),
    #[error("`{0}` is not a plain file")]
    NotPlain(String),
    #[error("`{0}` leads out of the repository")]
    Outside(String),
    #[error("`{path}` is larger than {limit}")]
    TooLarge { path: String, limit: &'static str },
    #[error("`{path}` is not UTF-8 text (byte {byte})")]
    NotText { path: String, byte: usize },
    #[error("`{path}` cannot be read: {why}")]
    Unreadable { path: String, why: String },
}

/// A YAML file is no larger.
const TEXT_MAX: u64 = 1 << 20;
const TEXT_MAX_WORDS: &str = "1 MiB";

impl Repository {
    pub fn at(root: &Path) -> Result<Repository, Error> {
        let root = root
            .canonicalize()
            .map_err(|error| unreadable(root, &error))?;
        Ok(Repository { root })
    }

    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The whole of a small text.
    pub fn read_text(&self, path: &str) -> Result<String, Error> {
        read_whole(self.open(path)?, path)
    }

    /// Opens a plain file below the root, following links that stay below it.
    pub(super) fn open(&self, path: &str) -> Result<File, Error> {
        let relative = Path::new(path);
        let stays = relative
            .components()
            .all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
        if !stays {
            return Err(Error::Outside(path.to_owned()));
        }
        let real = self
            .root
            .join(relative)
            .canonicalize()
            .map_err(|error| match error.kind() {
                io::ErrorKind::NotFound => Error::Missing(path.to_owned()),
                _ => unreadable(relative, &error),
            })?;
        if !real.starts_with(&self.root) {
            return Err(Error::Outside(path.to_owned()));
        }
        open_plain(&real, path)
    }

    /// A path given by a person, from the working directory, as one below the root.
    pub fn relative(&self, path: &Path) -> Result<String, Error> {
        let shown = path.display().to_string();
        let real = path.canonicalize().map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => Error::Missing(shown.clone()),
            _ => unreadable(path, &error),
        })?;
        let below = real
            .strip_prefix(&self.root)
            .map_err(|_| Error::Outside(shown.clone()))?;
        below
            .to_str()
            .map(str::to_owned)
            .ok_or(Error::Outside(shown))
    }
}

/// The nearest `name` in `from` or a folder above it.
pub fn find_upwards(from: &Path, name: &str) -> Option<PathBuf> {
    from.ancestors()
        .map(|folder| folder.join(name))
        .find(|path| path.is_file())
}

/// A settings file, wherever it was said to be.
pub fn read_settings(path: &Path) -> Result<String, Error> {
    let shown = path.display().to_string();
    read_whole(open_plain(path, &shown)?, &shown)
}

/// The commit that is checked out below `root`, if git knows one.
pub fn revision(root: &Path) -> Option<String> {
    let git = Command::new("git")
        .args(["rev-parse", "--verify", "HEAD"])
        .current_dir(root)
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .ok()?;
    let text = String::from_utf8(git.stdout).ok()?;
    let commit = text.trim();
    (git.status.success() && !commit.is_empty()).then(|| commit.to_owned())
}

/// A pipe or a device would block or never end, so a file is looked at before it is opened.
fn open_plain(real: &Path, shown: &str) -> Result<File, Error> {
    let about = fs::metadata(real).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => Error::Missing(shown.to_owned()),
        _ => unreadable(Path::new(shown), &error),
    })?;
    if !about.is_file() {
        return Err(Error::NotPlain(shown.to_owned()));
    }
    #[expect(clippy::disallowed_methods, reason = "this is the room of files")]
    File::open(real).map_err(|error| unreadable(Path::new(shown), &error))
}

fn read_whole(file: File, shown: &str) -> Result<String, Error> {
    let mut bytes = Vec::new();
    let read = file.take(TEXT_MAX + 1).read_to_end(&mut bytes);
    read.map_err(|error| unreadable(Path::new(shown), &error))?;
    if bytes.len() as u64 > TEXT_MAX {
        return Err(Error::TooLarge {
            path: shown.to_owned(),
            limit: TEXT_MAX_WORDS,
        });
    }
    String::from_utf8(bytes).map_err(|error| Error::NotText {
        path: shown.to_owned(),
        byte: error.utf8_error().valid_up_to(),
    })
}

pub(super) fn unreadable(path: &Path, error: &io::Error) -> Error {
    Error::Unreadable {
        path: path.display().to_string(),
        why: error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn nothing_outside_the_root_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("root");
        fs::create_dir(&root).unwrap();
        #[expect(clippy::disallowed_methods, reason = "this is the room of files")]
        fs::write(folder.path().join("secret"), "hush").unwrap();
        symlink(folder.path().join("secret"), root.join("link")).unwrap();
        let repository = Repository::at(&root).unwrap();
        for path in ["../secret", "/etc/passwd", "link", "a/../../secret"] {
            assert_eq!(
                repository.read_text(path),
                Err(Error::Outside(path.to_owned()))
            );
        }
        assert_eq!(
            repository.read_text("none"),
            Err(Error::Missing("none".to_owned()))
        );
        assert_eq!(
            repository.read_text("."),
            Err(Error::NotPlain(".".to_owned()))
        );
    }
}
