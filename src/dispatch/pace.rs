//! An absolute schedule of evenly spaced starts.

use std::time::Duration;

/// When the next call is due, in nanoseconds of the boot clock. The schedule begins with the first call.
#[derive(Clone, Debug)]
pub(super) struct Pace {
    /// All in nanoseconds.
    interval: u64,
    /// What was missed for longer than this is not caught up.
    debt: u64,
    due: Option<u64>,
    last: Option<u64>,
}

impl Pace {
    pub(super) fn new(interval: Duration, debt: Duration) -> Pace {
        Pace {
            interval: nanoseconds(interval),
            debt: nanoseconds(debt),
            due: None,
            last: None,
        }
    }

    pub(super) fn set_interval(&mut self, interval: Duration) {
        self.interval = nanoseconds(interval);
    }

    pub(super) fn interval(&self) -> u64 {
        self.interval
    }

    /// Catching up never goes at more than twice the pace.
    pub(super) fn earliest(&self) -> u64 {
        let next = self.last.map_or(0, |last| last + self.interval / 2);
        self.due.unwrap_or(0).max(next)
    }

    /// What was missed up to then is not caught up.
    pub(super) fn forgive(&mut self, until_ns: u64) {
        self.due = self.due.map(|due| due.max(until_ns));
    }

    pub(super) fn start(&mut self, now_ns: u64) {
        let oldest = now_ns.saturating_sub(self.debt);
        self.due = Some(self.due.map_or(now_ns, |due| due.max(oldest)) + self.interval);
        self.last = Some(now_ns);
    }
}

pub(super) fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX / 4)
}
