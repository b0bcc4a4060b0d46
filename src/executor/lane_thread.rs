//! The thread of a lane.

use crate::process::has_few_descriptors;
use std::io;
use std::thread;
use tokio::runtime::{Builder, Handle};

/// Drives a lane on a thread of its own: on a busy machine every further thread that a call has to pass makes it late. Its
/// runtime is its own as well, unless the descriptors are missing for it: then it is that of the rest of the program.
pub(super) fn spawn(
    lane: impl Future<Output = ()> + Send + 'static,
    beside: Handle,
) -> io::Result<()> {
    let thread = thread::Builder::new().name("lane".to_owned());
    if has_few_descriptors() {
        thread.spawn(move || beside.block_on(lane))?;
    } else {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        thread.spawn(move || runtime.block_on(lane))?;
    }
    Ok(())
}
