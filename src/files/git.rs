//! What git leaves in its own folder while it works.

use super::repository::{find_upwards, read_settings};
use super::stamp::Stamp;
use std::fs;
use std::io;
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
        let stamp = Stamp::of(&path.symlink_metadata().ok()?);
        let since_ms = stamp.modified_ms();
        Some(GitLock { path, since_ms })
    })
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

/// What git may have left behind where nobody but the program works with it.
const LEFT: [&str; 5] = [
    "index.lock",
    "HEAD.lock",
    "config.lock",
    "packed-refs.lock",
    "refs/campanile/fetched.lock",
];

/// Whether git is at work in a tree of the program's own, or was cut off there.
pub fn git_lock_left(root: &Path) -> bool {
    let folder = root.join(".git");
    LEFT.iter().any(|name| folder.join(name).exists())
}

/// Takes away what was left behind there.
pub fn remove_git_locks(root: &Path) -> io::Result<()> {
    let folder = root.join(".git");
    for path in LEFT.map(|name| folder.join(name)) {
        if path.exists() {
            #[expect(clippy::disallowed_methods, reason = "this is the room of files")]
            fs::remove_file(path)?;
        }
    }
    Ok(())
}
