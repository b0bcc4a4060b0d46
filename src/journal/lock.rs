//! One sender for each lane and one daemon for each journal: locks on bytes of the journal's own file, which end with their
//! process, however that ends.
//!
//! Whatever name leads to the journal, the locks are the same. Who holds one is recorded in a file beside the journal, which
//! is a courtesy: nothing depends on that file, and what it says is shown only while `/proc` confirms it.

use super::file::beside;
use super::{Error, Journal};
use crate::channel::Channel;
use crate::files::{ByteLock, OWN_MODE, restrict};
use crate::identity::VendorApp;
use crate::process::ProcessInstance;
use crate::seeded_bug::SeededBug;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// First byte that is locked: far beyond the bytes that `SQLite` locks (a few hundred from 1 GiB on) and beyond the end of
/// any file.
const FIRST: u64 = 1 << 46;
/// Distance from there to the first lane; the bytes between are for locks on the journal as a whole.
const LANES: u64 = 1 << 10;
/// Bytes of each app, of which there may be so many.
const CHANNELS: u64 = 8;
const APPS: u64 = 1 << 56;

/// A lock on a lane, or on the place of the daemon.
#[derive(Debug)]
pub struct LaneLock {
    /// `None` only with a seeded bug.
    lock: Option<ByteLock>,
    record: PathBuf,
}

impl Drop for LaneLock {
    fn drop(&mut self) {
        // Before the lock is let go of, so that the record of the next holder stays.
        if self.lock.is_some() {
            let _ = write_record(&self.record, "");
        }
    }
}

impl Journal {
    /// Takes the lane, or says who has it.
    pub fn lock_lane(&self, app: &VendorApp, channel: Channel) -> Result<LaneLock, Error> {
        self.lock(lane_byte(app, channel), self.lane_record(app, channel))
    }

    /// One daemon for each journal: takes its place, or says who has it.
    pub fn lock_daemon(&self) -> Result<LaneLock, Error> {
        self.lock(FIRST, self.daemon_record())
    }

    /// Who has the lane at this moment, for onlookers: nothing is taken or written.
    pub fn lane_holder(&self, app: &VendorApp, channel: Channel) -> Option<String> {
        self.holder(lane_byte(app, channel), &self.lane_record(app, channel))
    }

    /// The daemon at this moment, for onlookers.
    pub fn daemon(&self) -> Option<String> {
        self.holder(FIRST, &self.daemon_record())
    }

    fn lane_record(&self, app: &VendorApp, channel: Channel) -> PathBuf {
        let ending = format!("-lane-{}-{}.lock", app.sdk_app_id, channel.name());
        beside(&self.canonical, &ending)
    }

    fn daemon_record(&self) -> PathBuf {
        beside(&self.canonical, "-serve.lock")
    }

    fn lock(&self, byte: u64, record: PathBuf) -> Result<LaneLock, Error> {
        let taken = self.file.pinned.try_lock(byte);
        let lock = taken.map_err(|error| Error::Lock {
            path: self.path.clone(),
            why: error.to_string(),
        })?;
        if lock.is_none() && !SeededBug::LaneNotLocked.is_active() {
            return Err(Error::LaneHeld {
                holder: recorded_holder(&record),
            });
        }
        let holder = ProcessInstance::current().map(ProcessInstance::record);
        // Without room on the disk it is not recorded.
        let _ = write_record(&record, &holder.unwrap_or_default());
        Ok(LaneLock { lock, record })
    }

    fn holder(&self, byte: u64, record: &Path) -> Option<String> {
        let is_locked = self.file.pinned.is_locked(byte).unwrap_or(false);
        is_locked.then(|| recorded_holder(record))
    }
}

fn lane_byte(app: &VendorApp, channel: Channel) -> u64 {
    let channel = match channel {
        Channel::GroupMessage => 0,
        Channel::Notification => 1,
        Channel::Broadcast => 2,
    };
    FIRST + LANES + app.sdk_app_id.0 % APPS * CHANNELS + channel
}

fn write_record(path: &Path, text: &str) -> io::Result<()> {
    let mut options = OpenOptions::new();
    let options = options.write(true).create(true).truncate(true);
    let mut file: File = options.mode(OWN_MODE).open(path)?;
    restrict(&file)?;
    file.write_all(text.as_bytes())
}

/// Names who holds a lock, if that process is still the one that recorded itself.
fn recorded_holder(record: &Path) -> String {
    const RECORD_MAX: u64 = 64;
    let mut text = String::new();
    let read = OpenOptions::new().read(true).open(record);
    let read = read.and_then(|file| file.take(RECORD_MAX).read_to_string(&mut text));
    let holder = read.ok().and_then(|_| ProcessInstance::parse(&text));
    match holder.filter(|holder| holder.is_alive()) {
        Some(holder) => holder.to_string(),
        None => "a process that cannot be seen from here".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{in_a_new_journal, opening};
    use super::*;

    #[tokio::test]
    async fn holder_is_named_only_while_it_lives() {
        let (_folder, journal) = in_a_new_journal().await;
        let app = opening().key.app;
        assert_eq!(journal.lane_holder(&app, Channel::Broadcast), None);
        let lock = journal.lock_lane(&app, Channel::Broadcast).unwrap();
        let own = format!("process {}", std::process::id());
        let holder = || journal.lane_holder(&app, Channel::Broadcast);
        assert_eq!(holder(), Some(own));
        assert_eq!(journal.lane_holder(&app, Channel::GroupMessage), None);
        let refused = journal.lock_lane(&app, Channel::Broadcast).unwrap_err();
        assert!(matches!(refused, Error::LaneHeld { .. }), "{refused}");
        for innocent in ["1 1\n", "process 1", ""] {
            write_record(&lock.record, innocent).unwrap();
            let unknown = "a process that cannot be seen from here".to_owned();
            assert_eq!(holder(), Some(unknown), "{innocent:?}");
        }
        drop(lock);
        assert_eq!(holder(), None);
    }

    #[test]
    fn locks_have_bytes_of_their_own() {
        let mut app = opening().key.app;
        let mut bytes = std::collections::BTreeSet::from([FIRST]);
        for sdk_app_id in [0, 1, 1_400_000_000, APPS - 1] {
            app.sdk_app_id.0 = sdk_app_id;
            for channel in Channel::ALL {
                let byte = lane_byte(&app, channel);
                assert!(i64::try_from(byte).is_ok() && bytes.insert(byte));
            }
        }
    }
}
