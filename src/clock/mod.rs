//! The only caller of the system clocks.
//!
//! Knows what time it is and how to wait for an instant. Must never know what the time is asked for.

mod timer;

pub use crate::identity::Moment;
pub use timer::Timer;

use rustix::time::{ClockId, clock_gettime};
use sha2::{Digest, Sha256};
use std::sync::OnceLock;

/// The present instant on both clocks.
pub fn now() -> Moment {
    let wall = clock_gettime(ClockId::Realtime);
    let boot = clock_gettime(ClockId::Boottime);
    Moment {
        wall_ms: wall.tv_sec * 1_000 + wall.tv_nsec / 1_000_000,
        boot_ns: u64::try_from(boot.tv_sec * 1_000_000_000 + boot.tv_nsec).unwrap_or(0),
        boot_id: boot_id(),
    }
}

/// A short digest of the kernel's name for this start of this machine.
fn boot_id() -> u32 {
    static BOOT_ID: OnceLock<u32> = OnceLock::new();
    *BOOT_ID.get_or_init(|| {
        #[expect(
            clippy::disallowed_methods,
            reason = "the kernel's own name for this boot, no file of a user's"
        )]
        let text = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
        let digest = Sha256::digest(text.trim());
        u32::from_be_bytes([digest[0], digest[1], digest[2], digest[3]])
    })
}
