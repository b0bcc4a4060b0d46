//! What the kernel tells of folders in which something changes.

use rustix::fs::inotify::{CreateFlags, ReadFlags, Reader, WatchFlags, add_watch, init};
use rustix::io::Errno;
use std::ffi::{OsStr, OsString};
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use tokio::io::unix::AsyncFd;

/// Folders that are watched, each by a number.
#[derive(Debug)]
pub struct Notices {
    descriptor: AsyncFd<OwnedFd>,
}

/// That something changed.
#[derive(Debug)]
pub struct Notice {
    /// The number of the folder.
    pub folder: i32,
    /// What changed in it; without a name the folder itself.
    pub name: Option<OsString>,
    pub is_folder: bool,
    /// More changed than the kernel could tell.
    pub is_overflow: bool,
}

/// Bytes that are read at once.
const BUFFER: usize = 16 << 10;

impl Notices {
    /// Must be called within the runtime that will wait.
    pub fn new() -> io::Result<Notices> {
        let descriptor = init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC)?;
        #[expect(deprecated, reason = "its successor is unsafe")]
        let descriptor = AsyncFd::new(descriptor)?;
        Ok(Notices { descriptor })
    }

    /// Watches a folder, but not those in it. One that is watched already keeps its number.
    pub fn watch(&self, folder: &Path) -> io::Result<i32> {
        let flags = WatchFlags::CREATE
            | WatchFlags::MODIFY
            | WatchFlags::CLOSE_WRITE
            | WatchFlags::MOVED_FROM
            | WatchFlags::MOVED_TO
            | WatchFlags::DELETE
            | WatchFlags::DELETE_SELF
            | WatchFlags::MOVE_SELF
            | WatchFlags::ONLYDIR;
        Ok(add_watch(self.descriptor.get_ref(), folder, flags)?)
    }

    /// Waits until something changed. Dropping the future loses nothing.
    pub async fn next(&self) -> io::Result<Vec<Notice>> {
        loop {
            let mut ready = self.descriptor.readable().await?;
            let read = ready.try_io(|descriptor| read(descriptor.get_ref()));
            match read {
                Ok(notices) => return notices,
                Err(_not_yet) => {}
            }
        }
    }
}

/// What there is to read at once, or that there is nothing.
fn read(descriptor: &OwnedFd) -> io::Result<Vec<Notice>> {
    let mut buffer = [MaybeUninit::uninit(); BUFFER];
    let mut reader = Reader::new(descriptor, &mut buffer);
    let mut notices = Vec::new();
    loop {
        match reader.next() {
            Ok(event) => notices.push(Notice {
                folder: event.wd(),
                name: event
                    .file_name()
                    .map(|name| OsStr::from_bytes(name.to_bytes()).to_owned()),
                is_folder: event.events().contains(ReadFlags::ISDIR),
                is_overflow: event.events().contains(ReadFlags::QUEUE_OVERFLOW),
            }),
            Err(Errno::AGAIN) if !notices.is_empty() => return Ok(notices),
            Err(error) => return Err(error.into()),
        }
        if reader.is_buffer_empty() {
            return Ok(notices);
        }
    }
}
