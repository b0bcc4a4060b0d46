//! An absolute schedule of evenly spaced starts.

use std::time::Duration;

/// When the next call is due, in nanoseconds of the boot clock. The schedule begins with the first call.
#[derive(Clone, Debug)]
pub(super) struct Pace {
    interval_ns: u64,
    /// What was missed for longer than this is not caught up.
    debt_ns: u64,
    due_ns: Option<u64>,
    last_ns: Option<u64>,
}

impl Pace {
    pub(super) fn new(interval: Duration, debt: Duration) -> Pace {
        Pace {
            interval_ns: nanoseconds(interval),
            debt_ns: nanoseconds(debt),
            due_ns: None,
            last_ns: None,
        }
    }

    pub(super) fn set_interval(&mut self, interval: Duration) {
        self.interval_ns = nanoseconds(interval);
    }

    /// Catching up never goes at more than twice the pace.
    pub(super) fn earliest(&self) -> u64 {
        let next = self.last_ns.map_or(0, |last| last + self.interval_ns / 2);
        self.due_ns.unwrap_or(0).max(next)
    }

    pub(super) fn start(&mut self, now_ns: u64) {
        let oldest = now_ns.saturating_sub(self.debt_ns);
        self.due_ns = Some(self.due_ns.map_or(now_ns, |due| due.max(oldest)) + self.interval_ns);
        self.last_ns = Some(now_ns);
    }
}

pub(super) fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX / 4)
}
