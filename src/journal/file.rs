//! The file of a journal: one descriptor of it for as long as the process lives, its names, and whether it is still there.

use super::Error;
use super::header::{MAGIC, log_path};
use super::witness::Witness;
use crate::files::{Access, FileId, PinnedFile, is_mount_point, restrict_path};
use std::fmt;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

/// Endings of the names of the files that `SQLite` keeps beside a journal, and locks.
const COMPANIONS: &[&str] = &["-wal", "-shm", "-journal"];
/// Those that are there for as long as a process has the journal open.
const LASTING: usize = 2;

/// How a journal went away while it was in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Displaced {
    Gone,
    Replaced,
    Emptied,
    LogGone,
}

impl fmt::Display for Displaced {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Displaced::Gone => "was deleted or moved away",
            Displaced::Replaced => "was replaced by another file",
            Displaced::Emptied => "was emptied or overwritten",
            Displaced::LogGone => "lost one of the files beside it, `-wal` or `-shm`,",
        })
    }
}

#[derive(Debug)]
pub(super) struct JournalFile {
    /// As it was given.
    pub(super) shown: PathBuf,
    /// Without links.
    pub(super) path: PathBuf,
    pub(super) pinned: Arc<PinnedFile>,
    /// What lies beside the journal as long as this process has it open.
    companions: OnceLock<Vec<(PathBuf, FileId)>>,
}

impl JournalFile {
    /// Opens the file of a journal before `SQLite` does. Refuses one that has a further name.
    pub(super) fn open(shown: &Path, path: &Path, access: Access) -> Result<JournalFile, Error> {
        if path.is_dir() {
            return Err(Error::Open {
                path: shown.to_owned(),
                why: "it is a folder".to_owned(),
            });
        }
        let is_readable = || PinnedFile::open(path, Access::Read, COMPANIONS).is_ok();
        let pinned = PinnedFile::open(path, access, COMPANIONS).map_err(|error| {
            let (path, why) = (shown.to_owned(), error.to_string());
            match error.kind() {
                io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem
                    if is_readable() =>
                {
                    Error::ReadOnly("attempt to write a readonly database".to_owned())
                }
                io::ErrorKind::PermissionDenied if path.exists() => Error::Lock { path, why },
                _ => Error::Open { path, why },
            }
        })?;
        let file = JournalFile {
            shown: shown.to_owned(),
            path: path.to_owned(),
            pinned,
            companions: OnceLock::new(),
        };
        file.check_names()?;
        Ok(file)
    }

    /// Another name has other files beside it, so that two processes would not see what the other writes. A name beside
    /// which the write-ahead log lies is in use, and the commands of an operator go on working by that name.
    fn check_names(&self) -> Result<(), Error> {
        if is_mount_point(&self.path) {
            return Err(Error::Mounted {
                path: self.shown.clone(),
            });
        }
        if log_path(&self.path).exists() {
            return Ok(());
        }
        self.check_links()
    }

    /// Fails if the file has more than one name.
    pub(super) fn check_links(&self) -> Result<(), Error> {
        match self.pinned.metadata() {
            Ok(about) if about.nlink() > 1 => Err(Error::Linked {
                path: self.shown.clone(),
                links: about.nlink(),
            }),
            _ => Ok(()),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.pinned.metadata().is_ok_and(|about| about.len() == 0)
    }

    /// Remembers what `SQLite` keeps beside the file. Makes all of it private to its owner.
    pub(super) fn settle(&self) -> Result<(), Error> {
        let failed = |error: io::Error| Error::Lock {
            path: self.shown.clone(),
            why: error.to_string(),
        };
        self.pinned.restrict().map_err(failed)?;
        let paths = COMPANIONS.iter().map(|ending| beside(&self.path, ending));
        let paths: Vec<PathBuf> = paths.collect();
        for path in &paths {
            restrict_path(path).map_err(failed)?;
        }
        let known = paths.into_iter().take(LASTING).filter_map(|path| {
            let id = FileId::of(&fs::metadata(&path).ok()?);
            Some((path, id))
        });
        let _ = self.companions.set(known.collect());
        Ok(())
    }

    /// Fails if the file does not have its name any more, if it was emptied, or if its log was taken from it.
    pub(super) fn check_in_place(&self) -> Result<(), Error> {
        match self.displaced() {
            None => Ok(()),
            Some(how) => Err(Error::Displaced {
                path: self.shown.clone(),
                witness: Witness::path_of(&self.path),
                how,
            }),
        }
    }

    fn displaced(&self) -> Option<Displaced> {
        match fs::metadata(&self.path) {
            Ok(about) if FileId::of(&about) != self.pinned.id() => {
                return Some(Displaced::Replaced);
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Some(Displaced::Gone),
            // A name that cannot be looked up for now tells nothing.
            _ => {}
        }
        let companions = self.companions.get()?;
        let mut begin = [0; MAGIC.len()];
        match self.pinned.read_exact_at(&mut begin, 0) {
            Ok(()) if begin != MAGIC => return Some(Displaced::Emptied),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                return Some(Displaced::Emptied);
            }
            _ => {}
        }
        let is_gone = |(path, id): &(PathBuf, FileId)| match fs::metadata(path) {
            Ok(about) => FileId::of(&about) != *id,
            Err(error) => error.kind() == io::ErrorKind::NotFound,
        };
        companions.iter().any(is_gone).then_some(Displaced::LogGone)
    }
}

/// Returns the path of a file whose name is that of the journal and an ending.
pub(super) fn beside(journal: &Path, ending: &str) -> PathBuf {
    let mut name = journal.to_owned().into_os_string();
    name.push(ending);
    PathBuf::from(name)
}

/// Links to the file that a path names are followed so far.
const LINKS_MAX: usize = 16;

/// Returns a path without links. The file need not be there.
pub(super) fn resolve(path: &Path) -> io::Result<PathBuf> {
    let mut path = path.to_owned();
    for _ in 0..LINKS_MAX {
        let folder = match path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder.canonicalize()?,
            _ => Path::new(".").canonicalize()?,
        };
        let resolved = match path.file_name() {
            Some(name) => folder.join(name),
            None => return path.canonicalize(),
        };
        match fs::read_link(&resolved) {
            Ok(target) => path = folder.join(target),
            Err(_) => return Ok(resolved),
        }
    }
    Err(io::Error::other("it is a link that leads to itself"))
}

#[cfg(test)]
#[expect(
    clippy::disallowed_methods,
    reason = "the file system is what is tested"
)]
mod tests {
    use super::super::Journal;
    use super::super::tests::{in_a_new_journal, opening};
    use super::*;
    use std::fs::{File, OpenOptions};
    use std::os::unix::fs::{PermissionsExt, symlink};

    /// Locks that this process has on a file, as the kernel lists them.
    fn posix_locks(path: &Path) -> usize {
        let about = fs::metadata(path).unwrap();
        let (process, inode) = (
            format!(" {} ", std::process::id()),
            format!(":{} ", about.ino()),
        );
        let locks = fs::read_to_string("/proc/locks").unwrap();
        let own = locks.lines().filter(|line| {
            line.contains("POSIX") && line.contains(&process) && line.contains(&inode)
        });
        own.count()
    }

    /// `SQLite` holds a lock on the file for as long as it has the journal open.
    #[tokio::test]
    async fn no_use_of_the_journal_drops_the_locks_of_the_database() {
        let (folder, journal) = in_a_new_journal().await;
        let path = folder.path().join("a.db");
        assert!(posix_locks(&path) > 0);
        let key = opening().key;
        let lock = journal.lock_lane(&key.app, crate::channel::Channel::Broadcast);
        assert!(journal.daemon().is_none());
        drop(lock.unwrap());
        journal.check_newest().await.unwrap();
        journal.stamp();
        Journal::open(&path).await.unwrap().close().await;
        Journal::open_to_read(&path).await.unwrap().close().await;
        let copy = folder.path().join("copy.db");
        journal.back_up(&copy).await.unwrap();
        assert!(posix_locks(&path) > 0);

        // What each of these would have done that opens and closes the file.
        drop(File::open(&path).unwrap());
        assert_eq!(posix_locks(&path), 0);
    }

    #[tokio::test]
    async fn journal_with_a_further_name_is_refused_by_each_of_them() {
        let (folder, journal) = in_a_new_journal().await;
        let (path, link) = (folder.path().join("a.db"), folder.path().join("b.db"));
        fs::hard_link(&path, &link).unwrap();
        assert!(matches!(
            journal.check_links(),
            Err(Error::Linked { links: 2, .. })
        ));
        // The name in use goes on working: an operator must be able to pause what is being sent.
        Journal::open(&path).await.unwrap().close().await;
        for opened in [
            Journal::open(&link).await,
            Journal::open_to_read(&link).await,
        ] {
            assert!(
                matches!(opened, Err(Error::Linked { links: 2, .. })),
                "{opened:?}"
            );
        }
        journal.close().await;
        for name in [&path, &link] {
            let refused = Journal::open(name).await.unwrap_err();
            assert!(matches!(refused, Error::Linked { .. }), "{refused}");
        }
        fs::remove_file(&link).unwrap();
        Journal::open(&path).await.unwrap().close().await;
    }

    #[tokio::test]
    async fn every_way_to_lose_a_journal_is_noticed() {
        type Lose = fn(&Path);
        let ways: [(Displaced, Lose); 6] = [
            (Displaced::Gone, |path| fs::remove_file(path).unwrap()),
            (Displaced::Gone, |path| {
                fs::rename(path, path.with_extension("old")).unwrap();
            }),
            (Displaced::Replaced, |path| {
                let copy = path.with_extension("copy");
                fs::copy(path, &copy).unwrap();
                fs::rename(&copy, path).unwrap();
            }),
            (Displaced::Emptied, |path| {
                let file = OpenOptions::new().write(true).open(path).unwrap();
                file.set_len(0).unwrap();
                // Closed here, it would drop locks of the other journals of this process.
                std::mem::forget(file);
            }),
            (Displaced::LogGone, |path| {
                fs::remove_file(log_path(path)).unwrap();
            }),
            (Displaced::LogGone, |path| {
                fs::remove_file(beside(path, "-shm")).unwrap();
            }),
        ];
        for (expected, lose) in ways {
            let (folder, journal) = in_a_new_journal().await;
            journal.check_in_place().unwrap();
            lose(&folder.path().join("a.db"));
            let noticed = journal.check_in_place().unwrap_err();
            assert!(
                matches!(&noticed, Error::Displaced { how, .. } if *how == expected),
                "{expected:?}: {noticed}"
            );
            let transaction = journal.writer.begin().await.unwrap();
            assert!(journal.commit(transaction).await.is_err(), "{expected:?}");
        }
    }

    #[tokio::test]
    async fn all_files_of_a_journal_are_for_their_owner_alone() {
        let (folder, journal) = in_a_new_journal().await;
        let transaction = journal.writer.begin().await.unwrap();
        journal.commit(transaction).await.unwrap();
        let lock = journal.lock_daemon().unwrap();
        let modes = || -> Vec<(String, u32)> {
            let entries = fs::read_dir(folder.path()).unwrap();
            let entries = entries.map(|entry| entry.unwrap());
            let mode = |entry: &fs::DirEntry| entry.metadata().unwrap().permissions().mode();
            entries
                .map(|entry| {
                    let name = entry.file_name().into_string().unwrap();
                    (name, mode(&entry) & 0o777)
                })
                .collect()
        };
        let before = modes();
        assert_eq!(before.len(), 5, "{before:?}");
        assert!(before.iter().all(|(_, mode)| *mode == 0o600), "{before:?}");
        drop(lock);
        for (name, _) in &before {
            let path = folder.path().join(name);
            fs::set_permissions(path, fs::Permissions::from_mode(0o644)).unwrap();
        }
        let again = Journal::open(&folder.path().join("a.db")).await.unwrap();
        let transaction = again.writer.begin().await.unwrap();
        again.commit(transaction).await.unwrap();
        let _lock = again.lock_daemon().unwrap();
        let after = modes();
        assert!(after.iter().all(|(_, mode)| *mode == 0o600), "{after:?}");
    }

    #[test]
    fn path_is_resolved_though_the_file_is_not_there() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        symlink("deep/b.db", root.join("a.db")).unwrap();
        fs::create_dir(root.join("deep")).unwrap();
        symlink("self", root.join("self")).unwrap();
        assert_eq!(resolve(&root.join("a.db")).unwrap(), root.join("deep/b.db"));
        assert_eq!(resolve(&root.join("c.db")).unwrap(), root.join("c.db"));
        assert!(resolve(&root.join("self")).is_err());
        assert!(resolve(&root.join("none/a.db")).is_err());
    }
}
