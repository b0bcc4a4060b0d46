//! Files of the repository: below its root, plain, and no larger than they may be.

use super::CommitTree;
use super::blob::{Altered, Opened, Verified, is_altered};
use super::campaigns::stamp_of;
use super::own::{OwnFiles, check_root};
use super::pinned::is_pinned;
use super::stamp::Stamp;
use crate::process::{AwaitedChild, is_of_machine, patiently};
use crate::source::{Blame, Diagnostic, Premise, Span, in_root, list_of, nearest};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Component, Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use thiserror::Error;

/// The folder of `campanile.yaml`.
#[derive(Clone, Debug)]
pub struct Repository {
    root: PathBuf,
    /// Files are read from here: from the same folder, or from that of the settings in the tree of a commit.
    files: PathBuf,
    commit: Option<Arc<CommitTree>>,
    /// Folders elsewhere from which may be read, by name.
    roots: BTreeMap<String, PathBuf>,
    /// Names of folders from which may be read once an operator has accepted them, and after a restart.
    unused_roots: BTreeSet<String>,
    /// Files that are read for no campaign.
    own: Arc<OwnFiles>,
}

#[derive(Debug, Error, PartialEq, Eq)]
pub enum Error {
    #[error("there is no file `{0}`")]
    Missing(String),
    #[error("`{0}` is not a plain file")]
    NotPlain(String),
    #[error("`{0}` is a file of campanile or of git, which no campaign reads")]
    Own(String),
    #[error("`{0}` is in /proc, /sys or /dev, from which no campaign reads")]
    System(String),
    #[error("`{0}` leads out of the repository")]
    Outside(String),
    #[error("`{0}` is more than 16 folders deep")]
    TooDeep(String),
    #[error("`{path}` leads out of the root `{root}`")]
    OutsideRoot { path: String, root: String },
    #[error("`{0}` is an absolute path")]
    Absolute(String),
    #[error("there is no root `{root}`, as in `{path}`")]
    NoRoot {
        path: String,
        root: String,
        known: Vec<String>,
    },
    #[error("the root `{root}` of the settings is not in use, as in `{path}`")]
    UnusedRoot { path: String, root: String },
    #[error("the folder `{folder}` of the root `{root}` cannot be read: {why}")]
    RootUnreadable {
        root: String,
        folder: String,
        why: String,
        blame: Blame,
    },
    #[error("`{path}` is larger than {limit}")]
    TooLarge { path: String, limit: &'static str },
    #[error("`{path}` is not UTF-8 text (byte {byte})")]
    NotText { path: String, byte: usize },
    #[error("`{path}` cannot be read: {why}")]
    Unreadable {
        path: String,
        why: String,
        blame: Blame,
    },
    #[error("`{path}` cannot be written: {why}")]
    Unwritable { path: String, why: String },
    #[error("`{0}` belongs to the journal in use, which campaigns cannot read")]
    OfJournal(String),
    #[error("`{0}` was changed by somebody else meanwhile")]
    Changed(String),
}

/// A YAML file is no larger.
const TEXT_MAX: u64 = 1 << 20;
const TEXT_MAX_WORDS: &str = "1 MiB";
/// Length of a commit's id, with room to spare.
const REVISION_MAX: u64 = 256;

impl Error {
    /// The same about the place in a file that names it.
    pub fn diagnostic(&self, place: &Span) -> Diagnostic {
        Diagnostic {
            help: self.help(),
            premise: self.premise(),
            blame: self.blame(),
            ..Diagnostic::error("file", place, self.to_string())
        }
    }

    /// Returns the part of the settings without which it cannot be told to be right.
    pub fn premise(&self) -> Option<Premise> {
        matches!(self, Error::NoRoot { .. }).then_some(Premise::Roots)
    }

    /// Names the party at fault.
    pub fn blame(&self) -> Blame {
        match self {
            Error::Unreadable { blame, .. } | Error::RootUnreadable { blame, .. } => *blame,
            Error::Missing(_)
            | Error::NotPlain(_)
            | Error::Own(_)
            | Error::System(_)
            | Error::Outside(_)
            | Error::TooDeep(_)
            | Error::OutsideRoot { .. }
            | Error::Absolute(_)
            | Error::NoRoot { .. }
            | Error::UnusedRoot { .. }
            | Error::TooLarge { .. }
            | Error::NotText { .. }
            | Error::Unwritable { .. }
            | Error::OfJournal(_)
            | Error::Changed(_) => Blame::Author,
        }
    }

    /// What to type instead, where that can be said.
    pub fn help(&self) -> Option<String> {
        match self {
            Error::Absolute(path) => {
                let path = Path::new(path);
                let folder = path.parent().unwrap_or(path).display();
                let name = path.file_name().unwrap_or_default().to_string_lossy();
                Some(format!(
                    "name its folder in the settings, `roots: {{ exports: {folder} }}`, and write `exports:{name}`"
                ))
            }
            Error::NoRoot { path, root, known } => Some(match nearest(root, known) {
                Some(meant) => format!("did you mean `{meant}{}`?", &path[root.len()..]),
                None if known.is_empty() => {
                    format!("name its folder in the settings: `roots: {{ {root}: /srv/{root} }}`")
                }
                None => format!("the settings name {}", list_of(known)),
            }),
            Error::UnusedRoot { .. } => Some(
                "an operator accepts it with the command that `campanile status` shows, and starts the daemon again"
                    .to_owned(),
            ),
            Error::Outside(_) => Some(
                "copy the file into the repository, or name its folder in the settings: `roots: { exports: /srv/exports }`"
                    .to_owned(),
            ),
            Error::Missing(path) => Some(format!(
                "write the path from the folder of `campanile.yaml`, or make the file `{path}`"
            )),
            Error::NotPlain(_) => Some("name a file, not a folder".to_owned()),
            Error::Own(_) | Error::System(_) => {
                Some("name a file that is meant to be read, such as a CSV export".to_owned())
            }
            Error::NotText { .. } => Some("save the file as UTF-8".to_owned()),
            Error::Changed(_) => Some("look at it, and try again".to_owned()),
            Error::TooDeep(_) => Some("move it up".to_owned()),
            Error::OutsideRoot { .. }
            | Error::OfJournal(_)
            | Error::Unwritable { .. }
            | Error::RootUnreadable { .. }
            | Error::TooLarge { .. }
            | Error::Unreadable { .. } => None,
        }
    }
}

impl Repository {
    pub fn at(root: &Path) -> Result<Repository, Error> {
        let root = root
            .canonicalize()
            .map_err(|error| unreadable(root, &error))?;
        Ok(Repository {
            files: root.clone(),
            commit: None,
            root,
            roots: BTreeMap::new(),
            unused_roots: BTreeSet::new(),
            own: Arc::default(),
        })
    }

    /// Reads files from a commit; `folder` is the path of this folder from the top of the repository. Roots and the
    /// program's own files are found as before.
    #[must_use]
    pub fn of_commit(mut self, commit: Arc<CommitTree>, folder: &str) -> Repository {
        self.files = commit.folder().join(folder);
        self.commit = Some(commit);
        self
    }

    /// The commit whose files are read; `None`: those that lie in the folder.
    pub fn commit(&self) -> Option<&Arc<CommitTree>> {
        self.commit.as_ref()
    }

    pub(super) fn files(&self) -> &Path {
        &self.files
    }

    /// Whether files are read from the same folder.
    pub fn is_at_same_place(&self, other: &Repository) -> bool {
        (&self.root, &self.files) == (&other.root, &other.files)
    }

    /// With the names of roots that are in the settings and not in use.
    #[must_use]
    pub fn with_unused_roots(mut self, names: BTreeSet<String>) -> Repository {
        self.unused_roots = names;
        self
    }

    /// With files that no campaign reads.
    #[must_use]
    pub fn with_own(mut self, own: OwnFiles) -> Repository {
        self.own = Arc::new(own);
        self
    }

    /// With folders elsewhere, each below the repository's unless absolute. They need not be there until they are read.
    #[must_use]
    pub fn with_roots(mut self, roots: &BTreeMap<String, String>) -> Repository {
        let below = |(name, folder): (&String, &String)| (name.clone(), self.root.join(folder));
        self.roots = roots.iter().map(below).collect();
        self
    }

    pub fn root(&self) -> &Path {
        &self.root
    }

    /// A folder below the root is not elsewhere by way of a link. One that is not there is nowhere else.
    pub(super) fn check_inside(&self, folder: &str) -> Result<(), Error> {
        match self.files.join(folder).canonicalize() {
            Ok(real) if !real.starts_with(&self.files) => Err(Error::Outside(folder.to_owned())),
            _ => Ok(()),
        }
    }

    /// Whether there is such a folder below the root.
    pub fn has_folder(&self, folder: &str) -> bool {
        self.files.join(folder).is_dir() || self.lost_error(folder).is_some()
    }

    /// Where a file lies by its name, whether it is there and may be read or not.
    pub fn place(&self, path: &str) -> Option<PathBuf> {
        match in_root(path) {
            None => Some(self.files.join(path)),
            Some((name, relative)) => Some(self.roots.get(name)?.join(relative)),
        }
    }

    /// What tells a file from what it is after another write; `None`: it cannot be looked at.
    pub fn stamp(&self, path: &str) -> Option<Stamp> {
        let place = self.place(path)?;
        match &self.commit {
            Some(commit) if in_root(path).is_none() => {
                let real = place.canonicalize().ok()?;
                commit.blob_id(&real).map(Stamp::Blob)
            }
            _ => stamp_of(&place),
        }
    }

    /// The whole of a small text.
    pub fn read_text(&self, path: &str) -> Result<String, Error> {
        read_whole(self.open(path)?, path)
    }

    /// Opens a plain file below the repository's root, or below one with a name (`exports:weekly.csv`), following
    /// links that stay below it.
    pub(super) fn open(&self, path: &str) -> Result<Opened, Error> {
        let Some((name, relative)) = in_root(path) else {
            if Path::new(path).is_absolute() {
                return Err(Error::Absolute(path.to_owned()));
            }
            let outside = || Error::Outside(path.to_owned());
            return match &self.commit {
                Some(commit) => self.open_of(commit, path, outside),
                None => self
                    .open_below(&self.root, path, path, outside)
                    .map(Opened::Plain),
            };
        };
        let Some(folder) = self.roots.get(name) else {
            if self.unused_roots.contains(name) {
                return Err(Error::UnusedRoot {
                    path: path.to_owned(),
                    root: name.to_owned(),
                });
            }
            return Err(Error::NoRoot {
                path: path.to_owned(),
                root: name.to_owned(),
                known: self.roots.keys().cloned().collect(),
            });
        };
        check_root(folder, path)?;
        let root = folder
            .canonicalize()
            .map_err(|error| Error::RootUnreadable {
                root: name.to_owned(),
                folder: folder.display().to_string(),
                why: error.to_string(),
                blame: blame(&error),
            })?;
        let opened = self.open_below(&root, relative, path, || Error::OutsideRoot {
            path: path.to_owned(),
            root: name.to_owned(),
        });
        opened.map(Opened::Plain)
    }

    /// Opens a file of a commit, which is not there unless it is listed in it.
    fn open_of(
        &self,
        commit: &Arc<CommitTree>,
        path: &str,
        outside: impl Fn() -> Error,
    ) -> Result<Opened, Error> {
        let lost = |error| match error {
            Error::Missing(_) | Error::NotPlain(_) => self.lost_error(path).unwrap_or(error),
            error => error,
        };
        let real = real_below(&self.files, path, path, outside).map_err(lost)?;
        let missing = || Error::Missing(path.to_owned());
        let file = self.open_real(&real, &self.files, path).map_err(lost)?;
        let Some(blob) = commit.blob_id(&real) else {
            return Err(missing());
        };
        let size = file
            .metadata()
            .map_err(|error| unreadable(Path::new(path), &error))?
            .len();
        let verified = Verified::new(file, blob, size);
        Ok(Opened::OfCommit(verified, Arc::clone(commit)))
    }

    /// Why nothing is found at a path, if the commit has a file or a folder there.
    pub(super) fn lost_error(&self, path: &str) -> Option<Error> {
        let commit = self.commit.as_ref()?;
        commit.has_lost(&self.files.join(path)).then(|| {
            commit.note_damage();
            unreadable(Path::new(path), &io::Error::other(Altered))
        })
    }

    /// Opens what is and stays below `root`, which has no links in it.
    fn open_below(
        &self,
        root: &Path,
        relative: &str,
        shown: &str,
        outside: impl Fn() -> Error,
    ) -> Result<File, Error> {
        let real = real_below(root, relative, shown, outside)?;
        self.open_real(&real, &self.root, shown)
    }

    /// `root`: the folder in which a folder of git is one of the repository.
    fn open_real(&self, real: &Path, root: &Path, shown: &str) -> Result<File, Error> {
        self.own.check_path(real, root, shown)?;
        let file = open_plain(real, shown)?;
        self.own.check_file(&file, shown)?;
        Ok(file)
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

/// Where what is and stays below `root` really is.
pub(super) fn real_below(
    root: &Path,
    relative: &str,
    shown: &str,
    outside: impl Fn() -> Error,
) -> Result<PathBuf, Error> {
    let stays = Path::new(relative)
        .components()
        .all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
    if !stays {
        return Err(outside());
    }
    let real = root
        .join(relative)
        .canonicalize()
        .map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => Error::Missing(shown.to_owned()),
            _ => unreadable(Path::new(shown), &error),
        })?;
    if !real.starts_with(root) {
        return Err(outside());
    }
    Ok(real)
}

/// The nearest `name` in `from` or a folder above it, even if it cannot be read: another above it is not meant.
pub fn find_upwards(from: &Path, name: &str) -> Option<PathBuf> {
    from.ancestors()
        .map(|folder| folder.join(name))
        .find(|path| fs::symlink_metadata(path).is_ok())
}

/// A settings file, wherever it was said to be.
pub fn read_settings(path: &Path) -> Result<String, Error> {
    let shown = path.display().to_string();
    read_whole(Opened::Plain(open_plain(path, &shown)?), &shown)
}

/// What a revision says of files that are not those of its commit.
const LOCAL_CHANGES: &str = " + local changes";

/// Returns the commit that files are read from, or else what `revision_at` says.
pub fn revision<'a>(
    repository: &Repository,
    files: impl IntoIterator<Item = &'a str>,
) -> Option<String> {
    match &repository.commit {
        Some(commit) => Some(commit.commit().to_owned()),
        None => revision_at(&repository.root, files),
    }
}

/// Returns the commit that is checked out below `root`, if git knows one, and whether the files are those of the commit:
/// `3f2a9c + local changes` if one of them is edited or not in it. Files of other roots do not count.
fn revision_at<'a>(root: &Path, files: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let head = git_says(root, &["rev-parse", "--verify", "HEAD"])?;
    let commit = head.trim();
    if commit.is_empty() {
        return None;
    }
    let files = files.into_iter().filter(|path| in_root(path).is_none());
    let status = [
        "status",
        "--porcelain",
        "--untracked-files=all",
        "--ignored=matching",
        "--",
    ];
    let words: Vec<&str> = status.into_iter().chain(files).collect();
    // What git cannot tell about a file is no proof that it is the commit's.
    let is_same =
        words.len() == status.len() || git_says(root, &words).is_some_and(|said| said.is_empty());
    let changes = if is_same { "" } else { LOCAL_CHANGES };
    Some(format!("{commit}{changes}"))
}

/// Returns the beginning of what git prints, if it ends well.
fn git_says(root: &Path, words: &[&str]) -> Option<String> {
    let mut command = Command::new("git");
    command
        .args(["-c", "core.fsmonitor=false"])
        .args(words)
        .env("GIT_OPTIONAL_LOCKS", "0")
        .env("GIT_LITERAL_PATHSPECS", "1")
        .current_dir(root)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    let mut git = AwaitedChild::spawn(&mut command).ok()?;
    let mut text = String::new();
    let printed = git.child.stdout.take()?;
    let read = printed.take(REVISION_MAX).read_to_string(&mut text);
    // It is not to wait for somebody to read the rest.
    let status = git.child.wait().ok()?;
    read.ok()?;
    (status.success() || !text.is_empty()).then_some(text)
}

/// A pipe or a device would block or never end, so a file is looked at before it is opened.
fn open_plain(real: &Path, shown: &str) -> Result<File, Error> {
    let about = patiently(|| fs::metadata(real)).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => Error::Missing(shown.to_owned()),
        _ => unreadable(Path::new(shown), &error),
    })?;
    if !about.is_file() {
        return Err(Error::NotPlain(shown.to_owned()));
    }
    // Closing it again would drop the locks of the database.
    if is_pinned(real, &about) {
        return Err(Error::OfJournal(shown.to_owned()));
    }
    #[expect(clippy::disallowed_methods, reason = "this is the room of files")]
    let opened = patiently(|| File::open(real));
    opened.map_err(|error| unreadable(Path::new(shown), &error))
}

fn read_whole(file: Opened, shown: &str) -> Result<String, Error> {
    // Without knowing its size a file is read in ever larger pieces.
    let size = file.metadata().map_or(0, |about| about.len().min(TEXT_MAX));
    let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or(0) + 1);
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
        blame: blame(error),
    }
}

/// Names the party at fault for an error of the file system.
fn blame(error: &io::Error) -> Blame {
    if is_of_machine(error) || is_altered(error) {
        Blame::Machine
    } else {
        Blame::Author
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Source;
    use std::os::unix::fs::symlink;

    #[test]
    fn shortage_of_the_machine_is_not_blamed_on_the_author() {
        use rustix::io::Errno;
        let of = |error: &io::Error| {
            let error = unreadable(Path::new("a.csv"), error);
            let place = Span::beginning(&Source::new("campanile.yaml", ""));
            let found = error.diagnostic(&place);
            assert_eq!(found.blame, error.blame());
            Blame::of(&[Diagnostic::error("template", &place, "echo"), found])
        };
        assert_eq!(of(&Errno::MFILE.into()), Blame::Machine);
        assert_eq!(of(&io::ErrorKind::OutOfMemory.into()), Blame::Machine);
        assert_eq!(of(&Errno::ACCESS.into()), Blame::Author);
        let contents = io::Error::new(io::ErrorKind::InvalidData, "line 2: no UTF-8");
        assert_eq!(of(&contents), Blame::Author);
    }

    #[test]
    fn nothing_outside_the_root_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("root");
        fs::create_dir(&root).unwrap();
        #[expect(clippy::disallowed_methods, reason = "this is the room of files")]
        fs::write(folder.path().join("secret"), "hush").unwrap();
        symlink(folder.path().join("secret"), root.join("link")).unwrap();
        let repository = Repository::at(&root).unwrap();
        assert_eq!(
            repository.read_text("/etc/passwd"),
            Err(Error::Absolute("/etc/passwd".to_owned()))
        );
        for path in ["../secret", "link", "a/../../secret"] {
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

    #[test]
    fn a_root_with_a_name_is_read_from_and_never_left() {
        let folder = tempfile::tempdir().unwrap();
        #[expect(clippy::disallowed_methods, reason = "this is the room of files")]
        for name in ["repository", "exports/in"] {
            fs::create_dir_all(folder.path().join(name)).unwrap();
        }
        #[expect(clippy::disallowed_methods, reason = "this is the room of files")]
        for (path, text) in [
            ("hush", "hush"),
            ("exports/in/a.csv", "a"),
            ("repository/b:c.csv", "bc"),
        ] {
            fs::write(folder.path().join(path), text).unwrap();
        }
        symlink(
            folder.path().join("hush"),
            folder.path().join("exports/link"),
        )
        .unwrap();
        let roots = [("exports", "../exports"), ("none", "/there/is/none")];
        let roots = roots
            .map(|(name, path)| (name.to_owned(), path.to_owned()))
            .into();
        let root = folder.path().join("repository");
        let repository = Repository::at(&root).unwrap().with_roots(&roots);
        assert_eq!(repository.read_text("exports:in/a.csv").as_deref(), Ok("a"));
        assert_eq!(repository.read_text("./b:c.csv").as_deref(), Ok("bc"));
        for path in [
            "exports:../hush",
            "exports:/etc/passwd",
            "exports:link",
            "exports:in/../../hush",
        ] {
            let outside = Error::OutsideRoot {
                path: path.to_owned(),
                root: "exports".to_owned(),
            };
            assert_eq!(repository.read_text(path), Err(outside), "{path}");
        }
        assert_eq!(
            repository.read_text("exports:no.csv"),
            Err(Error::Missing("exports:no.csv".to_owned()))
        );
        assert_eq!(
            repository.read_text("exports:"),
            Err(Error::NotPlain("exports:".to_owned()))
        );
        let gone = repository.read_text("none:a.csv").unwrap_err();
        assert!(
            gone.to_string()
                .starts_with("the folder `/there/is/none` of the root `none` cannot be read")
        );
        let slip = repository.read_text("exprots:in/a.csv").unwrap_err();
        assert_eq!(
            slip.help().as_deref(),
            Some("did you mean `exports:in/a.csv`?")
        );
    }
}
