//! Child processes: those that the program waits for, and those that it inherits.
//!
//! As process 1 of a container the program becomes the parent of what its children leave behind, which stays in the process
//! table until it is reaped. The exit status of a child that is waited for is never taken.

use super::patiently;
use nix::sys::wait::{Id, WaitPidFlag, waitid};
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::io;
use std::process::{Child, Command};
use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};

/// Children that the program waits for.
static AWAITED: Mutex<BTreeSet<u32>> = Mutex::new(BTreeSet::new());

/// Names of environment variables that children do not inherit: they hold secrets.
static WITHHELD: Mutex<BTreeSet<OsString>> = Mutex::new(BTreeSet::new());

/// Keeps environment variables from every child that is started from here on.
pub fn withhold(names: impl IntoIterator<Item = OsString>) {
    let mut withheld = WITHHELD.lock().unwrap_or_else(PoisonError::into_inner);
    withheld.extend(names);
}

/// A child that the program waits for.
#[derive(Debug)]
pub struct AwaitedChild {
    /// Whoever drops the rest has waited for it.
    pub child: Child,
}

impl AwaitedChild {
    /// Starts a child without the variables that are withheld. Until its id is known nothing is reaped.
    pub fn spawn(command: &mut Command) -> io::Result<AwaitedChild> {
        let mut awaited = awaited();
        for name in &*WITHHELD.lock().unwrap_or_else(PoisonError::into_inner) {
            command.env_remove(name);
        }
        #[expect(clippy::disallowed_methods, reason = "this is where children start")]
        let child = patiently(|| command.spawn())?;
        awaited.insert(child.id());
        Ok(AwaitedChild { child })
    }
}

impl Drop for AwaitedChild {
    fn drop(&mut self) {
        awaited().remove(&self.child.id());
    }
}

fn awaited() -> MutexGuard<'static, BTreeSet<u32>> {
    AWAITED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Reaps ended children that the program does not wait for. Never blocks, and leaves the rest for the next call while a
/// child is being started, or has ended and is about to be waited for.
pub fn reap_inherited() {
    let awaited = match AWAITED.try_lock() {
        Ok(awaited) => awaited,
        Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
        Err(TryLockError::WouldBlock) => return,
    };
    let ended = WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG;
    // The first look leaves it as it is, because it may be one that is waited for.
    while let Ok(status) = waitid(Id::All, ended | WaitPidFlag::WNOWAIT)
        && let Some(id) = status.pid()
        && !u32::try_from(id.as_raw()).is_ok_and(|id| awaited.contains(&id))
        && waitid(Id::Pid(id), ended).is_ok()
    {}
}
