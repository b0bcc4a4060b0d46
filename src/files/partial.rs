//! A file that is there whole or not at all.

use rustix::fs::{CWD, RenameFlags, renameat_with};
use rustix::io::Errno;
use std::fs::{self, File, OpenOptions, Permissions};
use std::io;
use std::path::{Path, PathBuf};

/// A file that has another name until it is finished, and is removed if it never is.
#[derive(Debug)]
pub struct Partial {
    path: PathBuf,
    target: PathBuf,
    /// Locked: by that it is told from what a process left that was killed.
    _lock: File,
}

const ENDING: &str = ".partial";
/// Ending of what a database library keeps beside a file that it writes.
const JOURNAL: &str = "-journal";

impl Partial {
    /// Begins an empty file beside `target`, which must not be there.
    pub fn begin(target: &Path, permissions: Permissions) -> io::Result<Partial> {
        if fs::symlink_metadata(target).is_ok() {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        Partial::over(target, permissions)
    }

    /// Begins an empty file beside `target`, which may be there.
    pub fn over(target: &Path, permissions: Permissions) -> io::Result<Partial> {
        let mut name = target.as_os_str().to_owned();
        name.push(format!(".{}{ENDING}", std::process::id()));
        let path = PathBuf::from(name);
        let file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(&path)?;
        // A file system without locks leaves more behind, and that is all.
        let _ = file.try_lock();
        file.set_permissions(permissions)?;
        Ok(Partial {
            path,
            target: target.to_owned(),
            _lock: file,
        })
    }

    /// Removes what processes left beside `target` that were killed while they wrote it.
    pub fn sweep(target: &Path) -> io::Result<()> {
        let folder = target.parent().filter(|path| !path.as_os_str().is_empty());
        let begin = target.file_name().unwrap_or_default().to_string_lossy();
        #[expect(clippy::disallowed_methods, reason = "this is the room of files")]
        for entry in fs::read_dir(folder.unwrap_or(Path::new(".")))? {
            let path = entry?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            let process = name
                .strip_prefix(begin.as_ref())
                .and_then(|name| name.strip_prefix('.'))
                .and_then(|name| {
                    name.strip_suffix(JOURNAL)
                        .unwrap_or(name)
                        .strip_suffix(ENDING)
                });
            if process.is_some_and(|id| id.bytes().all(|byte| byte.is_ascii_digit())) {
                let partial = target.with_file_name(name.strip_suffix(JOURNAL).unwrap_or(&name));
                let file = OpenOptions::new().write(true).open(&partial);
                if file.is_ok_and(|file| file.try_lock().is_err()) {
                    continue;
                }
                remove(&partial);
            }
        }
        Ok(())
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Gives it its name once it is on the disk, unless something has that name by now. Returns its length.
    pub fn finish(self) -> io::Result<u64> {
        let bytes = self.settle()?;
        rename_new(&self.path, &self.target)?;
        settle_folder(&self.target)?;
        Ok(bytes)
    }

    /// Takes the place of what has its name, once it is on the disk: there is always one of the two, and whole.
    pub fn replace(self) -> io::Result<()> {
        self.settle()?;
        fs::rename(&self.path, &self.target)?;
        settle_folder(&self.target)
    }

    fn settle(&self) -> io::Result<u64> {
        #[expect(clippy::disallowed_methods, reason = "this is the room of files")]
        let file = File::open(&self.path)?;
        file.sync_all()?;
        Ok(file.metadata()?.len())
    }
}

/// Gives a file a name that nothing has yet.
pub(super) fn rename_new(from: &Path, to: &Path) -> io::Result<()> {
    match renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
        Ok(()) => Ok(()),
        // Not every file system can; a second name for a file that is there fails on all.
        Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => {
            fs::hard_link(from, to)?;
            #[expect(clippy::disallowed_methods, reason = "this is the room of files")]
            fs::remove_file(from)
        }
        Err(error) => Err(error.into()),
    }
}

/// A name is on the disk once its folder is.
pub(super) fn settle_folder(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|path| !path.as_os_str().is_empty());
    #[expect(clippy::disallowed_methods, reason = "this is the room of files")]
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}

impl Drop for Partial {
    fn drop(&mut self) {
        remove(&self.path);
    }
}

/// Removes a partial file and what was kept beside it.
fn remove(partial: &Path) {
    let mut journal = partial.as_os_str().to_owned();
    journal.push(JOURNAL);
    for path in [partial, Path::new(&journal)] {
        #[expect(clippy::disallowed_methods, reason = "this is the room of files")]
        let _ = fs::remove_file(path);
    }
}

#[cfg(test)]
#[expect(
    clippy::disallowed_methods,
    reason = "the file system is what is tested"
)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn sweep_removes_what_was_left_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("a.db");
        let left = [
            "a.db.1.partial",
            "a.db.1.partial-journal",
            "a.db.7.partial-journal",
        ];
        let others = [
            "a.db.x.partial",
            "a.db",
            "b.db.1.partial",
            "a.db.1.partials",
        ];
        for name in left.iter().chain(&others) {
            fs::write(folder.path().join(name), "x").unwrap();
        }
        let held = Partial::over(&target, fs::Permissions::from_mode(0o600)).unwrap();
        Partial::sweep(&target).unwrap();
        let entries = fs::read_dir(folder.path()).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut expected: BTreeSet<String> = others.map(str::to_owned).into();
        let own = held.path().file_name().unwrap().to_str().unwrap();
        expected.insert(own.to_owned());
        assert_eq!(names.collect::<BTreeSet<_>>(), expected);
    }
}
