//! An absolute schedule of evenly spaced starts.

use std::time::Duration;

/// When the next call is due, in nanoseconds of the boot clock.
#[derive(Clone, Debug)]
pub struct Pace {
    interval_ns: u64,
    due_ns: u64,
    last_ns: Option<u64>,
}

impl Pace {
    /// What was missed for longer than this is not caught up.
    const DEBT_MAX: Duration = Duration::from_millis(250);

    pub fn new(interval: Duration, from_ns: u64) -> Pace {
        Pace {
            interval_ns: nanoseconds(interval),
            due_ns: from_ns,
            last_ns: None,
        }
    }

    pub fn set_interval(&mut self, interval: Duration) {
        self.interval_ns = nanoseconds(interval);
    }

    /// Catching up never goes at more than twice the pace.
    pub fn earliest(&self) -> u64 {
        match self.last_ns {
            Some(last) => self.due_ns.max(last + self.interval_ns / 2),
            None => self.due_ns,
        }
    }

    pub fn start(&mut self, now_ns: u64) {
        let oldest = now_ns.saturating_sub(nanoseconds(Self::DEBT_MAX));
        self.due_ns = self.due_ns.max(oldest) + self.interval_ns;
        self.last_ns = Some(now_ns);
    }
}

pub(super) fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX / 4)
}
