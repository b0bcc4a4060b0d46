//! One sender for each lane: an OS lock that ends with its process, however that ends.

use super::{Error, Journal};
use crate::channel::Channel;
use crate::identity::VendorApp;
use crate::seeded_bug::SeededBug;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};

/// Held as long as it lives.
#[derive(Debug)]
pub struct LaneLock {
    _file: File,
}

impl Journal {
    /// Takes the lane, or says who has it.
    pub fn lock_lane(&self, app: &VendorApp, channel: Channel) -> Result<LaneLock, Error> {
        lock(&self.lock_path(app, channel))
    }

    /// One daemon for each journal: takes its place, or says who has it.
    pub fn lock_daemon(&self) -> Result<LaneLock, Error> {
        lock(&self.path_beside("-serve.lock"))
    }

    /// Who has the lane at this moment, for onlookers: nothing is taken or written.
    pub fn lane_holder(&self, app: &VendorApp, channel: Channel) -> Option<String> {
        holder_of(&self.lock_path(app, channel))
    }

    /// The daemon at this moment, for onlookers.
    pub fn daemon(&self) -> Option<String> {
        holder_of(&self.path_beside("-serve.lock"))
    }

    fn lock_path(&self, app: &VendorApp, channel: Channel) -> PathBuf {
        self.path_beside(&format!("-lane-{}-{}.lock", app.sdk_app_id, channel.name()))
    }

    fn path_beside(&self, ending: &str) -> PathBuf {
        let mut name = self.canonical.clone().into_os_string();
        name.push(ending);
        PathBuf::from(name)
    }
}

fn lock(path: &Path) -> Result<LaneLock, Error> {
    let failed = |error: std::io::Error| Error::Lock {
        path: path.to_owned(),
        why: error.to_string(),
    };
    let mut options = OpenOptions::new();
    let mut file = options
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(path)
        .map_err(failed)?;
    let locked = match file.try_lock() {
        Err(TryLockError::WouldBlock) if SeededBug::LaneNotLocked.is_active() => Ok(()),
        locked => locked,
    };
    match locked {
        Ok(()) => {
            let mut sign = || -> std::io::Result<()> {
                file.set_len(0)?;
                file.rewind()?;
                write!(file, "process {}", std::process::id())
            };
            sign().map_err(failed)?;
            Ok(LaneLock { _file: file })
        }
        Err(TryLockError::WouldBlock) => Err(Error::LaneHeld {
            holder: holder(file),
        }),
        Err(TryLockError::Error(error)) => Err(failed(error)),
    }
}

fn holder_of(path: &Path) -> Option<String> {
    let file = OpenOptions::new().read(true).open(path).ok()?;
    // Shared with other onlookers, and let go of with the file.
    let is_held = matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock));
    is_held.then(|| holder(file))
}

/// Who it is, is a courtesy; that it is held, is the point.
fn holder(file: File) -> String {
    const HOLDER_MAX: u64 = 64;
    let mut holder = String::new();
    let _ = file.take(HOLDER_MAX).read_to_string(&mut holder);
    holder
}
