//! Files that stay open as long as the process lives, and locks on single bytes of them.
//!
//! Closing any descriptor of a file drops all POSIX locks of the process on that file, those of a database library included.
//! So a file that such a library locks is opened here once and never closed, and no other code of the program opens it.
//! The locks of this module are open file description locks: they belong to the one descriptor, and no close of another
//! one drops them.

use nix::fcntl::{FcntlArg, fcntl};
use nix::libc;
use rustix::fs::{AtFlags, CWD, StatxAttributes, StatxFlags, statx};
use std::collections::BTreeSet;
use std::fs::{self, File, Metadata, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A file whatever its name is. Valid while the file is open or has a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileId {
    device: u64,
    inode: u64,
}

impl FileId {
    pub fn of(about: &Metadata) -> FileId {
        FileId {
            device: about.dev(),
            inode: about.ino(),
        }
    }
}

/// What a file is pinned for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    Read,
    /// Makes the file if it is not there, readable and writable for its owner alone.
    Write,
}

/// A file that is open until the process ends.
#[derive(Debug)]
pub struct PinnedFile {
    file: File,
    id: FileId,
    /// Where it was when it was opened, without links.
    path: PathBuf,
    /// Endings of the names of files beside it that are no one else's to open either.
    companions: &'static [&'static str],
    access: Access,
    /// Bytes that this process has locked.
    held: Mutex<BTreeSet<u64>>,
}

static PINNED: Mutex<Vec<Arc<PinnedFile>>> = Mutex::new(Vec::new());

impl PinnedFile {
    pub fn open(
        path: &Path,
        access: Access,
        companions: &'static [&'static str],
    ) -> io::Result<Arc<PinnedFile>> {
        let mut pinned = guard(&PINNED);
        let known = |pinned: &[Arc<PinnedFile>], id| {
            let fits = |each: &&Arc<PinnedFile>| {
                each.id == id && (each.access == Access::Write || access == Access::Read)
            };
            pinned.iter().find(fits).cloned()
        };
        if let Ok(about) = fs::metadata(path)
            && let Some(found) = known(&pinned, FileId::of(&about))
        {
            return Ok(found);
        }
        let writes = access == Access::Write;
        let file = OpenOptions::new()
            .read(true)
            .write(writes)
            .create(writes)
            .truncate(false)
            .mode(OWN_MODE)
            .open(path)?;
        let id = FileId::of(&file.metadata()?);
        // It was pinned, and got this name just now: the further descriptor stays open as well.
        let found = known(&pinned, id);
        let opened = Arc::new(PinnedFile {
            file,
            id,
            path: path.canonicalize()?,
            companions,
            access,
            held: Mutex::default(),
        });
        pinned.push(Arc::clone(&opened));
        Ok(found.unwrap_or(opened))
    }

    pub fn id(&self) -> FileId {
        self.id
    }

    pub fn metadata(&self) -> io::Result<Metadata> {
        self.file.metadata()
    }

    pub fn read_exact_at(&self, bytes: &mut [u8], place: u64) -> io::Result<()> {
        self.file.read_exact_at(bytes, place)
    }

    /// Takes away what others than the owner may do with it, if this user is the owner.
    pub fn restrict(&self) -> io::Result<()> {
        restrict(&self.file)
    }

    /// Locks a byte, which need not exist, for as long as the lock lives. `None`: it is locked, by this process or another.
    pub fn try_lock(self: &Arc<Self>, byte: u64) -> io::Result<Option<ByteLock>> {
        let mut held = guard(&self.held);
        if held.contains(&byte) {
            return Ok(None);
        }
        match fcntl(
            &self.file,
            FcntlArg::F_OFD_SETLK(&range(libc::F_WRLCK, byte)?),
        ) {
            Ok(_) => {
                held.insert(byte);
                let file = Arc::clone(self);
                Ok(Some(ByteLock { file, byte }))
            }
            Err(nix::Error::EAGAIN | nix::Error::EACCES) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Returns whether a byte is locked. Takes and writes nothing.
    pub fn is_locked(&self, byte: u64) -> io::Result<bool> {
        if guard(&self.held).contains(&byte) {
            return Ok(true);
        }
        let mut found = range(libc::F_WRLCK, byte)?;
        fcntl(&self.file, FcntlArg::F_OFD_GETLK(&mut found))?;
        Ok(libc::c_int::from(found.l_type) != libc::F_UNLCK)
    }

    fn is_guarded(&self, real: &Path, about: &Metadata) -> bool {
        let has_name = |ending: &&str| {
            let mut name = self.path.clone().into_os_string();
            name.push(ending);
            real.as_os_str() == name
        };
        self.id == FileId::of(about) || self.companions.iter().any(has_name)
    }
}

/// A lock on a byte of a pinned file. The end of the process frees it as well.
#[derive(Debug)]
pub struct ByteLock {
    file: Arc<PinnedFile>,
    byte: u64,
}

impl Drop for ByteLock {
    fn drop(&mut self) {
        let mut held = guard(&self.file.held);
        if let Ok(range) = range(libc::F_UNLCK, self.byte) {
            let _ = fcntl(&self.file.file, FcntlArg::F_OFD_SETLK(&range));
        }
        held.remove(&self.byte);
    }
}

fn range(kind: libc::c_int, byte: u64) -> io::Result<libc::flock> {
    let invalid = |_| io::Error::from(io::ErrorKind::InvalidInput);
    Ok(libc::flock {
        l_type: libc::c_short::try_from(kind).map_err(invalid)?,
        l_whence: libc::c_short::try_from(libc::SEEK_SET).map_err(invalid)?,
        l_start: libc::off_t::try_from(byte).map_err(invalid)?,
        l_len: 1,
        l_pid: 0,
    })
}

fn guard<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Returns whether a file is pinned or belongs to one that is: then opening and closing it would drop locks.
pub(super) fn is_pinned(real: &Path, about: &Metadata) -> bool {
    let pinned = guard(&PINNED);
    pinned.iter().any(|each| each.is_guarded(real, about))
}

/// Returns whether a file is a mount point itself, so that it has another name elsewhere.
pub fn is_mount_point(path: &Path) -> bool {
    let found = statx(CWD, path, AtFlags::empty(), StatxFlags::BASIC_STATS);
    found.is_ok_and(|found| found.stx_attributes.contains(StatxAttributes::MOUNT_ROOT))
}

/// Mode of the program's own files: readable and writable for their owner alone.
pub const OWN_MODE: u32 = 0o600;
/// What others than the owner may do with a file.
const OTHERS: u32 = 0o077;

/// Takes away what others than the owner may do with a file, if this user is the owner.
pub fn restrict(file: &File) -> io::Result<()> {
    if is_too_open(&file.metadata()?) {
        file.set_permissions(Permissions::from_mode(OWN_MODE))?;
    }
    Ok(())
}

/// The same of a file that is not to be opened. One that is not there is no error.
pub fn restrict_path(path: &Path) -> io::Result<()> {
    match fs::symlink_metadata(path) {
        Ok(about) if about.is_file() && is_too_open(&about) => {
            fs::set_permissions(path, Permissions::from_mode(OWN_MODE))
        }
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

fn is_too_open(about: &Metadata) -> bool {
    about.uid() == rustix::process::geteuid().as_raw() && about.mode() & OTHERS != 0
}

#[cfg(test)]
#[expect(
    clippy::disallowed_methods,
    reason = "the file system is what is tested"
)]
mod tests {
    use super::*;

    fn pinned(folder: &tempfile::TempDir) -> Arc<PinnedFile> {
        PinnedFile::open(&folder.path().join("a"), Access::Write, &["-b"]).unwrap()
    }

    #[test]
    fn byte_is_locked_once_in_a_process_and_free_after_its_lock() {
        let folder = tempfile::tempdir().unwrap();
        let file = pinned(&folder);
        assert!(Arc::ptr_eq(&file, &pinned(&folder)));
        let first = file.try_lock(1 << 46).unwrap().unwrap();
        assert!(file.try_lock(1 << 46).unwrap().is_none());
        let second = file.try_lock((1 << 46) + 1).unwrap().unwrap();
        drop(first);
        assert!(!file.is_locked(1 << 46).unwrap());
        assert!(file.is_locked((1 << 46) + 1).unwrap());
        drop(second);
        assert_eq!(file.metadata().unwrap().len(), 0);
    }

    /// A descriptor of its own is to the kernel as another process is.
    #[test]
    fn byte_that_another_descriptor_has_locked_is_seen_and_not_taken() {
        let folder = tempfile::tempdir().unwrap();
        let file = pinned(&folder);
        let other = OpenOptions::new().write(true).open(&file.path).unwrap();
        let lock = range(libc::F_WRLCK, 7).unwrap();
        fcntl(&other, FcntlArg::F_OFD_SETLK(&lock)).unwrap();
        assert!(file.is_locked(7).unwrap() && file.try_lock(7).unwrap().is_none());
        // A lock of the whole file by `flock(2)` is another kind, and stops nothing.
        other.lock().unwrap();
        assert!(file.try_lock(8).unwrap().is_some());
        drop(other);
        assert!(file.try_lock(7).unwrap().is_some());
    }

    #[test]
    fn pinned_file_is_known_by_every_name_and_its_companions_by_theirs() {
        let folder = tempfile::tempdir().unwrap();
        let file = pinned(&folder);
        let is_known = |name: &str| {
            let path = file.path.with_file_name(name);
            is_pinned(&path, &fs::metadata(&path).unwrap())
        };
        fs::hard_link(&file.path, file.path.with_file_name("link")).unwrap();
        for name in ["a-b", "c"] {
            fs::write(file.path.with_file_name(name), "").unwrap();
        }
        assert!(is_known("a") && is_known("link") && is_known("a-b"));
        assert!(!is_known("c"));
    }

    #[test]
    fn own_file_is_for_its_owner_alone() {
        let folder = tempfile::tempdir().unwrap();
        let file = pinned(&folder);
        let mode = || file.metadata().unwrap().mode() & 0o777;
        assert_eq!(mode(), OWN_MODE);
        fs::set_permissions(&file.path, Permissions::from_mode(0o664)).unwrap();
        file.restrict().unwrap();
        assert_eq!(mode(), OWN_MODE);
        fs::set_permissions(&file.path, Permissions::from_mode(0o640)).unwrap();
        restrict_path(&file.path).unwrap();
        assert_eq!(mode(), OWN_MODE);
        restrict_path(&file.path.with_file_name("none")).unwrap();
    }
}
