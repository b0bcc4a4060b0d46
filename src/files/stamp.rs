//! By what a file is known to be the one that was read.

use super::BlobId;
use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;

/// Differs if a file is not the one that was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stamp {
    Written(Written),
    /// A file of a commit is known by what is in it.
    Blob(BlobId),
}

/// Which file it is, and when and how it was written last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Written {
    device: u64,
    inode: u64,
    size: u64,
    modified_ns: i64,
    /// Nobody can set it, unlike the time above.
    changed_ns: i64,
}

/// A file that was written less long ago may be written again without another stamp, or be half of what it will be.
const FRESH_MS: i64 = 1_000;
/// The clock of a file system may be ahead so far; a file from a later time says nothing about when it was written.
const AHEAD_MS: i64 = 60_000;
const MS: i64 = 1_000_000;

impl Stamp {
    pub(super) fn of(about: &Metadata) -> Stamp {
        let ns = |seconds: i64, ns: i64| seconds.saturating_mul(1_000 * MS).saturating_add(ns);
        Stamp::Written(Written {
            device: about.dev(),
            inode: about.ino(),
            size: about.size(),
            modified_ns: ns(about.mtime(), about.mtime_nsec()),
            changed_ns: ns(about.ctime(), about.ctime_nsec()),
        })
    }

    /// Whether it was written just now.
    pub fn is_fresh(&self, now_ms: i64) -> bool {
        let Stamp::Written(written) = self else {
            return false;
        };
        [written.modified_ns, written.changed_ns]
            .map(|at_ns| now_ms - at_ns / MS)
            .iter()
            .any(|age_ms| (-AHEAD_MS..FRESH_MS).contains(age_ms))
    }
}
