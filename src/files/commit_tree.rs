//! The files of one commit, in a folder that nobody else writes to.
//!
//! The commit alone says which files there are: a file in the folder that the commit does not list does not exist for a
//! reader, and each file is compared with its blob while it is read.

use super::blob::{BlobId, Verified};
use rustix::fs::statvfs;
use rustix::io::Errno;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read};
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, symlink};
use std::path::{Component, Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use thiserror::Error;

/// A file of a commit, as git lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommitFile {
    pub id: BlobId,
    /// A link to another path.
    pub is_link: bool,
    pub size: u64,
}

/// By paths from the top of the repository.
pub type CommitFiles = BTreeMap<PathBuf, CommitFile>;

#[derive(Debug)]
pub struct CommitTree {
    commit: String,
    folder: PathBuf,
    files: CommitFiles,
    /// A file was found that is not as it is in the commit.
    is_damaged: AtomicBool,
}

impl PartialEq for CommitTree {
    fn eq(&self, other: &CommitTree) -> bool {
        self.folder == other.folder
    }
}

impl Eq for CommitTree {}

#[derive(Debug, Error)]
pub enum TreeError {
    #[error("`{}` is a path that no file of a commit can have", .0.display())]
    Path(PathBuf),
    #[error("`{}` cannot be written: {error}", .path.display())]
    Name { path: PathBuf, error: io::Error },
    #[error("the disk has {free} MiB left, and its files need {needed} MiB")]
    NoRoom { needed: u64, free: u64 },
    #[error("git gives no blob `{0}`")]
    Blob(String),
    #[error("{0}")]
    Git(String),
    #[error("the files of the commit cannot be written: {0}")]
    Io(#[from] io::Error),
}

impl TreeError {
    /// Whether the commit is at fault, so that it is the same at the next try.
    pub fn is_of_commit(&self) -> bool {
        matches!(self, TreeError::Path(_) | TreeError::Name { .. })
    }

    fn of(path: &Path, error: io::Error) -> TreeError {
        match Errno::from_io_error(&error) {
            Some(errno) if OF_NAMES.contains(&errno) => TreeError::Name {
                path: path.to_owned(),
                error,
            },
            _ => TreeError::Io(error),
        }
    }
}

/// Failures that come of what a file is called, or of another file that is called so as well.
const OF_NAMES: [Errno; 7] = [
    Errno::NAMETOOLONG,
    Errno::INVAL,
    Errno::ILSEQ,
    Errno::EXIST,
    Errno::NOTDIR,
    Errno::ISDIR,
    Errno::LOOP,
];

/// Gives blobs: each as a line `<id> blob <size>`, its bytes and a line feed, in the order in which they are asked for.
pub type Blobs<'a> = dyn FnMut(&[BlobId]) -> Result<File, TreeError> + 'a;

const PARTIAL: &str = "partial";
const GIT: &str = ".git";
const FOLDER_MODE: u32 = 0o700;
/// Nobody writes to it any more.
const FILE_MODE: u32 = 0o400;
/// Bytes that stay free for the journal beside the files of a commit.
const ROOM_LEFT: u64 = 8 << 20;
/// The target of a link is no longer.
const LINK_MAX: u64 = 4_096;

impl CommitTree {
    /// Finds the tree of a commit in the folder of all trees, or makes it: beside, and renamed into its place. What is as it
    /// was `before` is linked.
    pub fn create(
        trees: &Path,
        commit: &str,
        files: CommitFiles,
        before: Option<&CommitTree>,
        blobs: &mut Blobs<'_>,
    ) -> Result<CommitTree, TreeError> {
        if let Some(path) = files.keys().find(|path| !is_plain(path)) {
            return Err(TreeError::Path(path.clone()));
        }
        let folder = trees.join(commit);
        let tree = CommitTree {
            commit: commit.to_owned(),
            folder: folder.clone(),
            files,
            is_damaged: AtomicBool::new(false),
        };
        if folder.is_dir() {
            return Ok(tree);
        }
        let partial = trees.join(PARTIAL);
        remove_folder(&partial)?;
        let filled = tree.write_files(&partial, before, blobs);
        if filled.is_err() {
            // The rest of a failed try would take the room that the journal needs.
            remove_folder(&partial)?;
        }
        filled?;
        fs::rename(&partial, &folder)?;
        Ok(tree)
    }

    fn write_files(
        &self,
        partial: &Path,
        before: Option<&CommitTree>,
        blobs: &mut Blobs<'_>,
    ) -> Result<(), TreeError> {
        make_folder(partial)?;
        let is_linked = |path: &Path, file: &CommitFile| {
            let same = before.filter(|before| before.files.get(path) == Some(file));
            same.is_some_and(|before| {
                fs::hard_link(before.folder.join(path), partial.join(path)).is_ok()
            })
        };
        let mut wanted = Vec::new();
        for (path, file) in &self.files {
            if let Some(above) = partial.join(path).parent() {
                make_folder(above).map_err(|error| TreeError::of(path, error))?;
            }
            // Links come last, so that none can lead elsewhere what is written.
            if file.is_link || !is_linked(path, file) {
                wanted.push((path.as_path(), file));
            }
        }
        wanted.sort_by_key(|(_, file)| file.is_link);
        let sizes = wanted.iter().map(|(_, file)| file.size);
        check_room(partial, sizes.sum())?;
        let places: Vec<PathBuf> = wanted.iter().map(|(path, _)| partial.join(path)).collect();
        write_blobs(&wanted, blobs, &places)
    }

    /// Writes anew what is not as it is in the commit.
    pub fn restore(&self, blobs: &mut Blobs<'_>) -> Result<(), TreeError> {
        self.is_damaged.store(false, Ordering::Relaxed);
        let differs = |(path, file): &(&PathBuf, &CommitFile)| !self.is_right(path, file);
        let wanted = self.files.iter().filter(differs);
        let wanted: Vec<_> = wanted.map(|(path, file)| (path.as_path(), file)).collect();
        let beside = self.folder.with_file_name(PARTIAL);
        remove_folder(&beside)?;
        make_folder(&beside)?;
        let written = (0..wanted.len()).map(|number| beside.join(number.to_string()));
        let written: Vec<PathBuf> = written.collect();
        write_blobs(&wanted, blobs, &written)?;
        for ((path, _), written) in wanted.iter().zip(&written) {
            let place = self.folder.join(path);
            if place.is_dir() {
                remove_folder(&place)?;
            }
            let above: Vec<&Path> = path.ancestors().skip(1).collect();
            for above in above.iter().rev().map(|above| self.folder.join(above)) {
                if !fs::symlink_metadata(&above).is_ok_and(|about| about.is_dir()) {
                    remove_folder(&above)?;
                    make_folder(&above)?;
                }
            }
            fs::rename(written, place)?;
        }
        remove_folder(&beside)?;
        Ok(())
    }

    fn is_right(&self, path: &Path, file: &CommitFile) -> bool {
        let place = self.folder.join(path);
        let target = || Some(fs::read_link(&place).ok()?.into_os_string().into_vec());
        if file.is_link {
            return target().is_some_and(|target| is_blob(&*target, file.id, target.len() as u64));
        }
        let about = fs::symlink_metadata(&place).ok();
        about.filter(fs::Metadata::is_file).is_some_and(|about| {
            #[expect(clippy::disallowed_methods, reason = "this is the room of files")]
            let opened = File::open(&place);
            opened.is_ok_and(|opened| is_blob(opened, file.id, about.len()))
        })
    }

    pub fn commit(&self) -> &str {
        &self.commit
    }

    pub fn files(&self) -> &CommitFiles {
        &self.files
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Returns the blob of a plain file, by a path that has no links in it.
    pub(super) fn blob_id(&self, real: &Path) -> Option<BlobId> {
        let file = self.files.get(real.strip_prefix(&self.folder).ok()?)?;
        (!file.is_link).then_some(file.id)
    }

    /// Returns whether the commit has a file or a folder at a path, though none can be found there: somebody has removed
    /// it, or a link or a folder that leads to it.
    pub(super) fn has_lost(&self, place: &Path) -> bool {
        let Ok(path) = place.strip_prefix(&self.folder) else {
            return false;
        };
        let has_file = |path: &Path| self.files.contains_key(path);
        let has_folder = |path: &Path| {
            let mut below = self.files.range(path.to_owned()..);
            below.next().is_some_and(|(next, _)| next.starts_with(path))
        };
        let is_there = |path: &Path| fs::symlink_metadata(self.folder.join(path)).is_ok();
        let is_lost = |path: &Path| (has_file(path) || has_folder(path)) && !is_there(path);
        // Where a link is in place that leads to nothing, the file behind it is looked for.
        let is_lost_behind = |link: &Path| {
            let target = fs::read_link(self.folder.join(link)).unwrap_or_default();
            let behind = link.parent().unwrap_or(link).join(target);
            without_parents(&behind).is_some_and(|behind| is_lost(&behind))
        };
        let mut links = path.ancestors().filter(|above| has_file(above));
        path.ancestors().any(is_lost) || links.any(is_lost_behind)
    }

    pub(super) fn note_damage(&self) {
        self.is_damaged.store(true, Ordering::Relaxed);
    }

    /// Returns whether a file was found that is not as it is in the commit.
    pub fn is_damaged(&self) -> bool {
        self.is_damaged.load(Ordering::Relaxed)
    }
}

/// Removes what is in the folder of all trees but those of some commits, as far as it can be removed.
pub fn clear_trees(trees: &Path, kept: &[String]) {
    #[expect(clippy::disallowed_methods, reason = "this is the room of files")]
    let entries = fs::read_dir(trees);
    for entry in entries.into_iter().flatten().flatten() {
        let name = entry.file_name();
        if !kept.iter().any(|kept| name == kept.as_str()) {
            // The next look tries again.
            let _ = remove_folder(&entry.path());
        }
    }
}

/// A folder or a file.
fn remove_folder(path: &Path) -> io::Result<()> {
    #[expect(clippy::disallowed_methods, reason = "this is the room of files")]
    let removed = match fs::symlink_metadata(path) {
        Ok(about) if about.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(error) => Err(error),
    };
    removed.or_else(|error| match error.kind() {
        io::ErrorKind::NotFound => Ok(()),
        _ => Err(error),
    })
}

pub fn make_folder(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true).mode(FOLDER_MODE).create(path)
}

/// Makes sure that the disk is not filled for files that are not there as a whole in the end. Beside their tree they are in
/// the file that git gives, and in the working tree.
fn check_room(folder: &Path, size: u64) -> Result<(), TreeError> {
    let needed = size.saturating_mul(3).saturating_add(ROOM_LEFT);
    let Ok(disk) = statvfs(folder) else {
        return Ok(());
    };
    let free = disk.f_bavail.saturating_mul(disk.f_frsize);
    if size > 0 && free < needed {
        return Err(TreeError::NoRoom {
            needed: needed >> 20,
            free: free >> 20,
        });
    }
    Ok(())
}

/// Writes each blob to the place of the same number.
fn write_blobs(
    wanted: &[(&Path, &CommitFile)],
    blobs: &mut Blobs<'_>,
    places: &[PathBuf],
) -> Result<(), TreeError> {
    if wanted.is_empty() {
        return Ok(());
    }
    let ids: Vec<BlobId> = wanted.iter().map(|(_, file)| file.id).collect();
    let mut from = BufReader::new(blobs(&ids)?);
    for ((path, file), place) in wanted.iter().zip(places) {
        let mut head = String::new();
        from.read_line(&mut head)?;
        let size = head
            .strip_prefix(&format!("{} blob ", file.id.hex()))
            .and_then(|size| size.trim_end().parse::<u64>().ok());
        let size = size.ok_or_else(|| TreeError::Blob(file.id.hex()))?;
        let mut bytes = Verified::new(from.by_ref().take(size), file.id, size);
        let named = |error| TreeError::of(path, error);
        if file.is_link {
            if size > LINK_MAX {
                return Err(TreeError::Path((*path).to_owned()));
            }
            let mut target = Vec::new();
            bytes.read_to_end(&mut target)?;
            symlink(OsString::from_vec(target), place).map_err(named)?;
        } else {
            let mut options = OpenOptions::new();
            options.write(true).create_new(true).mode(FILE_MODE);
            let mut file = options.open(place).map_err(named)?;
            io::copy(&mut bytes, &mut file)?;
        }
        from.read_exact(&mut [0])?;
    }
    Ok(())
}

/// A path without `..`. `None`: it leads out.
fn without_parents(path: &Path) -> Option<PathBuf> {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::Normal(name) => plain.push(name),
            Component::CurDir => {}
            Component::ParentDir if plain.pop() => {}
            _ => return None,
        }
    }
    Some(plain)
}

fn is_blob(bytes: impl Read, id: BlobId, size: u64) -> bool {
    io::copy(&mut Verified::new(bytes, id, size), &mut io::sink()).is_ok()
}

/// A file that is gone when it is closed, or when the process ends.
pub fn new_unnamed(path: &Path) -> io::Result<File> {
    remove_folder(path)?;
    let mut options = OpenOptions::new();
    let file = options.read(true).write(true).create_new(true).open(path)?;
    remove_folder(path)?;
    Ok(file)
}

/// Whether a path leads nowhere but down, and not into the folder of git.
fn is_plain(path: &Path) -> bool {
    let is_plain = |part: Component<'_>| match part {
        Component::Normal(name) => !name.eq_ignore_ascii_case(GIT),
        _ => false,
    };
    let parts = path.components();
    // Components pass over `.` and doubled slashes.
    let joined: PathBuf = parts.clone().collect();
    parts.clone().all(is_plain)
        && joined.as_os_str() == path.as_os_str()
        && !path.as_os_str().is_empty()
}

#[cfg(test)]
#[expect(
    clippy::disallowed_methods,
    reason = "the file system is what is tested"
)]
mod tests {
    use super::*;
    use std::os::unix::fs::MetadataExt;

    const HELLO: &str = "ce013625030ba8dba906f756967f9e9ca394464a";
    const EMPTY: &str = "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391";
    /// A blob that nobody gives.
    const TO_A: &str = "d0f33efa8b1ae8f4ecf1ecf1c3e2e8f4a9f4d0a5";

    fn files(listed: &[(&str, &str)]) -> CommitFiles {
        let file = |id: &str| CommitFile {
            id: id.parse().unwrap(),
            is_link: false,
            size: 6,
        };
        let each = listed.iter();
        each.map(|(path, id)| (path.into(), file(id))).collect()
    }

    /// As `git cat-file --batch` gives them.
    fn given(folder: &Path) -> impl FnMut(&[BlobId]) -> Result<File, TreeError> {
        let place = folder.join("given");
        move |ids| {
            let text: String = ids
                .iter()
                .map(|id| match id.hex().as_str() {
                    HELLO => format!("{HELLO} blob 6\nhello\n\n"),
                    EMPTY => format!("{EMPTY} blob 0\n\n"),
                    other => format!("{other} missing\n"),
                })
                .collect();
            fs::write(&place, text)?;
            Ok(File::open(&place)?)
        }
    }

    #[test]
    fn tree_has_the_files_of_its_commit_and_shares_those_of_the_one_before() {
        let folder = tempfile::tempdir().unwrap();
        let (trees, mut blobs) = (folder.path().join("trees"), given(folder.path()));
        let both = files(&[("a.txt", HELLO), ("b/c.txt", EMPTY)]);
        let first = CommitTree::create(&trees, "1", both, None, &mut blobs).unwrap();
        let inode = |commit: &str, path: &str| {
            let place = trees.join(commit).join(path);
            fs::metadata(place).unwrap().ino()
        };
        assert_eq!(fs::read(trees.join("1/a.txt")).unwrap(), b"hello\n");
        let moved = files(&[("a.txt", HELLO), ("b/c.txt", HELLO)]);
        CommitTree::create(&trees, "2", moved, Some(&first), &mut blobs).unwrap();
        assert_eq!(inode("1", "a.txt"), inode("2", "a.txt"));
        assert_ne!(inode("1", "b/c.txt"), inode("2", "b/c.txt"));
        clear_trees(&trees, &["2".to_owned()]);
        let left: Vec<_> = fs::read_dir(&trees).unwrap().collect();
        assert_eq!(left.len(), 1);
    }

    #[test]
    fn paths_that_lead_elsewhere_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let trees = folder.path().join("trees");
        for path in [
            "../a",
            "/a",
            "a/../b",
            "a//b",
            "./a",
            "a/.",
            "",
            ".git/config",
            "a/.GIT/hooks/x",
            "a/",
        ] {
            let made = CommitTree::create(
                &trees,
                "1",
                files(&[(path, HELLO)]),
                None,
                &mut given(folder.path()),
            );
            assert!(matches!(made, Err(TreeError::Path(_))), "{path}: {made:?}");
        }
        assert!(!trees.join("1").exists());
    }

    #[test]
    fn half_of_a_tree_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let trees = folder.path().join("trees");
        let unknown = files(&[("a.txt", HELLO), ("b.txt", TO_A)]);
        let made = CommitTree::create(&trees, "1", unknown, None, &mut given(folder.path()));
        assert!(matches!(made, Err(TreeError::Blob(_))), "{made:?}");
        assert!(!trees.join("1").exists());
    }

    #[test]
    fn what_is_not_as_it_is_in_the_commit_is_written_anew() {
        let folder = tempfile::tempdir().unwrap();
        let (trees, mut blobs) = (folder.path().join("trees"), given(folder.path()));
        let all = files(&[("a.txt", HELLO), ("b/c.txt", EMPTY), ("d.txt", HELLO)]);
        let tree = CommitTree::create(&trees, "1", all, None, &mut blobs).unwrap();
        let place = |path: &str| trees.join("1").join(path);
        fs::remove_file(place("a.txt")).unwrap();
        fs::write(place("a.txt"), "HELLO\n").unwrap();
        fs::remove_dir_all(place("b")).unwrap();
        tree.note_damage();
        tree.restore(&mut blobs).unwrap();
        assert!(!tree.is_damaged());
        for (path, text) in [("a.txt", "hello\n"), ("b/c.txt", ""), ("d.txt", "hello\n")] {
            assert_eq!(fs::read_to_string(place(path)).unwrap(), text);
        }
    }
}
