//! What git leaves in its own folder while it works.

use super::repository::{find_upwards, read_settings};
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// A lock upon the files of a working tree.
#[derive(Debug)]
pub struct GitLock {
    pub path: PathBuf,
    pub since_ms: i64,
}

const LOCKS: [&str; 2] = ["index.lock", "HEAD.lock"];

/// The lock that git has upon the working tree in which `root` is.
pub fn git_lock(root: &Path) -> Option<GitLock> {
    let folder = git_folder(&find_upwards(root, ".git")?)?;
    LOCKS.iter().find_map(|name| {
        let path = folder.join(name);
        let made = path.symlink_metadata().ok()?.mtime();
        let since_ms = made.saturating_mul(1_000);
        Some(GitLock { path, since_ms })
    })
}

/// Returns whether git is writing the files of a checkout of the daemon's own, in which `root` is.
pub fn is_checkout_busy(root: &Path) -> bool {
    let own = in_git_folder(root, OWN_LOCK);
    own.is_some_and(|own| own.exists()) && git_lock(root).is_some()
}

/// Returns where a file of the program's own is in the folder of git that belongs to the working tree in which `root` is.
pub fn in_git_folder(root: &Path, name: &str) -> Option<PathBuf> {
    let folder = find_upwards(root, ".git")?;
    folder.is_dir().then(|| folder.join(name))
}

/// In a second working tree, and in a submodule, `.git` is a file that says where it is.
fn git_folder(git: &Path) -> Option<PathBuf> {
    if git.is_dir() {
        return Some(git.to_owned());
    }
    let text = read_settings(git).ok()?;
    let folder = text.trim().strip_prefix("gitdir:")?.trim();
    Some(git.parent()?.join(folder))
}

/// Lock of the daemon itself, which is none of git's.
const OWN_LOCK: &str = "campanile.lock";
const LOCK_ENDING: &str = "lock";

/// Returns the locks of git in a working tree of the program's own: git is at work there, or was cut off.
pub fn git_locks(root: &Path) -> Vec<PathBuf> {
    let folder = root.join(".git");
    let mut found = Vec::new();
    collect_locks(&folder, false, &mut found);
    collect_locks(&folder.join("refs"), true, &mut found);
    found
}

fn collect_locks(folder: &Path, with_folders: bool, found: &mut Vec<PathBuf>) {
    #[expect(clippy::disallowed_methods, reason = "this is the room of files")]
    let entries = fs::read_dir(folder);
    for entry in entries.into_iter().flatten().flatten() {
        let path = entry.path();
        let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
        if is_folder && with_folders {
            collect_locks(&path, true, found);
        } else if path.extension().is_some_and(|ending| ending == LOCK_ENDING)
            && entry.file_name() != OWN_LOCK
        {
            found.push(path);
        }
    }
}

/// Takes away what git left behind there.
pub fn remove_git_locks(root: &Path) -> io::Result<()> {
    for path in git_locks(root) {
        #[expect(clippy::disallowed_methods, reason = "this is the room of files")]
        match fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}
