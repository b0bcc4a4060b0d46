//! Until when calls of a run may leave.
//!
//! Whoever pauses a run is promised that no call of it starts two seconds later. A process that was stopped, or whose
//! machine slept, would go on where it was, some calls on their way already; so what the journal said holds for a while
//! only, and must be read again.

use crate::identity::Moment;
use crate::seeded_bug::SeededBug;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// So long what the journal said is believed. It is read three times as often.
const HOLDS: Duration = Duration::from_millis(1_500);
const WITHDRAWN: u64 = 0;

/// Shared with the calls, which ask for it when their first byte is about to leave.
#[derive(Debug)]
pub(super) struct Permit {
    until_ns: AtomicU64,
}

impl Permit {
    /// The journal was read at `read`, and nobody wanted the run halted.
    pub(super) fn new(read: Moment) -> Permit {
        Permit {
            until_ns: AtomicU64::new(until_ns(read)),
        }
    }

    /// The same, once more.
    pub(super) fn renew(&self, read: Moment) {
        let until_ns = until_ns(read);
        let renewed = |present: u64| (present != WITHDRAWN).then_some(present.max(until_ns));
        // One that was withdrawn stays so.
        let _ = self
            .until_ns
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, renewed);
    }

    /// No call leaves any more.
    pub(super) fn withdraw(&self) {
        self.until_ns.store(WITHDRAWN, Ordering::Release);
    }

    pub(super) fn holds(&self, now: Moment) -> bool {
        now.boot_ns <= self.until_ns.load(Ordering::Acquire)
    }

    /// It would hold, had the journal been read lately.
    pub(super) fn has_run_out(&self, now: Moment) -> bool {
        let until_ns = self.until_ns.load(Ordering::Acquire);
        until_ns != WITHDRAWN && now.boot_ns > until_ns
    }
}

fn until_ns(read: Moment) -> u64 {
    let holds = if SeededBug::LeaseWithoutEnd.is_active() {
        Duration::from_hours(1_500)
    } else {
        HOLDS
    };
    read.plus(holds).boot_ns
}

#[cfg(test)]
mod tests {
    use super::*;

    const READ: Moment = Moment {
        wall_ms: 1_700_000_000_000,
        boot_ns: 1_000,
        boot_id: 0,
    };

    #[test]
    fn a_permit_runs_out_unless_the_journal_is_read_again() {
        let later = |ms| READ.plus(Duration::from_millis(ms));
        let permit = Permit::new(READ);
        assert!(permit.holds(later(1_500)) && !permit.has_run_out(later(1_500)));
        assert!(!permit.holds(later(1_501)) && permit.has_run_out(later(1_501)));
        permit.renew(later(1_400));
        assert!(permit.holds(later(2_900)) && !permit.holds(later(2_901)));
        permit.renew(READ);
        assert!(permit.holds(later(2_900)), "an older look takes nothing");
    }

    #[test]
    fn a_permit_that_was_withdrawn_does_not_come_back() {
        let permit = Permit::new(READ);
        permit.withdraw();
        permit.renew(READ);
        assert!(!permit.holds(READ) && !permit.has_run_out(READ));
    }
}
