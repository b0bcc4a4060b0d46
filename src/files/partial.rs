//! A file that is there whole or not at all.

use rustix::fs::{CWD, RenameFlags, renameat_with};
use rustix::io::Errno;
use std::fs::{self, File, OpenOptions, Permissions};
use std::io;
use std::path::{Path, PathBuf};

/// What is written under another name until it is finished; gone if it never is.
#[derive(Debug)]
pub struct Partial {
    path: PathBuf,
    target: PathBuf,
}

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
        name.push(format!(".{}.partial", std::process::id()));
        let path = PathBuf::from(name);
        let file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(&path)?;
        let partial = Partial {
            path,
            target: target.to_owned(),
        };
        file.set_permissions(permissions)?;
        Ok(partial)
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
        #[expect(clippy::disallowed_methods, reason = "this is the room of files")]
        let _ = fs::remove_file(&self.path);
    }
}
