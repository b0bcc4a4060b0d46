//! A timer finer than a millisecond.
//!
//! The runtime's own timer counts whole milliseconds, and a fifth of a 5 ms interval is too coarse for exact pacing;
//! the kernel's is good to some fifty microseconds.

use super::Moment;
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
    timerfd_settime,
};
use std::io;
use std::os::fd::OwnedFd;
use tokio::io::unix::AsyncFd;

/// Waits for one instant of the boot clock at a time.
#[derive(Debug)]
pub struct Timer {
    descriptor: AsyncFd<OwnedFd>,
}

impl Timer {
    /// Must be called within the runtime that will wait.
    pub fn new() -> io::Result<Timer> {
        let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
        let descriptor = timerfd_create(TimerfdClockId::Boottime, flags)?;
        #[expect(deprecated, reason = "its successor is unsafe")]
        let descriptor = AsyncFd::new(descriptor)?;
        Ok(Timer { descriptor })
    }

    /// Returns at `until`, at once if that is past. Dropping the future forgets the wait.
    pub async fn sleep_until(&mut self, until: Moment) -> io::Result<()> {
        const NS: u64 = 1_000_000_000;
        // A zero instant would disarm the timer instead of firing it at once.
        let at_ns = until.boot_ns.max(1);
        let at = Itimerspec {
            it_interval: Timespec {
                tv_sec: 0,
                tv_nsec: 0,
            },
            it_value: Timespec {
                tv_sec: i64::try_from(at_ns / NS).unwrap_or(i64::MAX),
                tv_nsec: i64::try_from(at_ns % NS).unwrap_or(0),
            },
        };
        timerfd_settime(self.descriptor.get_ref(), TimerfdTimerFlags::ABSTIME, &at)?;
        loop {
            let mut ready = self.descriptor.readable().await?;
            let fired = ready
                .try_io(|descriptor| Ok(rustix::io::read(descriptor.get_ref(), &mut [0_u8; 8])?));
            match fired {
                Ok(outcome) => return outcome.map(drop),
                Err(_not_yet) => {}
            }
        }
    }
}
