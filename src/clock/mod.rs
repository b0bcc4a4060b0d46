//! The only caller of the system clocks.
//!
//! Knows what time it is and how to wait for an instant. Must never know what the time is asked for.

mod timer;

pub use crate::identity::Moment;
pub use timer::Timer;

use rustix::time::{ClockId, clock_gettime};
use sha2::{Digest, Sha256};
use std::sync::OnceLock;

/// How long ago an instant of the wall clock may be and still be told on the other clock.
const LATELY_NS: u64 = 30_000_000_000;
const TOGETHER_TRIES: usize = 4;

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

/// Microseconds on the clock by which a service manager orders what it hears.
pub fn monotonic_us() -> u64 {
    let now = clock_gettime(ClockId::Monotonic);
    u64::try_from(now.tv_sec * 1_000_000 + now.tv_nsec / 1_000).unwrap_or(0)
}

/// The moment at which the wall clock showed so many nanoseconds, less than half a minute ago. For an instant that was not,
/// because the wall clock was set since, it is now.
pub fn lately(wall_ns: i64) -> Moment {
    let (now, now_wall_ns) = together();
    let age = now_wall_ns.checked_sub(wall_ns).map(u64::try_from);
    match age {
        Some(Ok(age_ns)) if age_ns < LATELY_NS => Moment {
            wall_ms: wall_ns.div_euclid(1_000_000),
            boot_ns: now.boot_ns.saturating_sub(age_ns),
            boot_id: now.boot_id,
        },
        _ => now,
    }
}

/// Both clocks, read as close together as it comes: a thread may be set aside between the two.
fn together() -> (Moment, i64) {
    let read = |_| {
        let before_ns = now().boot_ns;
        let wall = clock_gettime(ClockId::Realtime);
        let now = now();
        let wall_ns = wall.tv_sec * 1_000_000_000 + wall.tv_nsec;
        (now.boot_ns - before_ns, (now, wall_ns))
    };
    let readings = (1..TOGETHER_TRIES).map(read);
    let closest = readings.fold(
        read(0),
        |best, next| if next.0 < best.0 { next } else { best },
    );
    closest.1
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
