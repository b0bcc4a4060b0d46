//! Waits for answers, each with a deadline.

use super::EffectId;
use crate::identity::Moment;
use crate::seeded_bug::SeededBug;
use std::time::Duration;

/// How long an effect on the journal may take before it is cancelled.
pub(super) const JOURNAL_DEADLINE: Duration = Duration::from_secs(30);
/// How long the planner may be silent about a plan before the plan is cancelled.
pub(super) const PLAN_DEADLINE: Duration = Duration::from_mins(1);
const RETRY_MIN: Duration = Duration::from_secs(1);
const RETRY_MAX: Duration = Duration::from_secs(30);

/// A wait for the answer to one effect.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wait {
    pub(super) id: EffectId,
    length: Duration,
    until_ns: u64,
    /// The effect was cancelled; only its end is awaited.
    pub(super) is_cancelled: bool,
}

impl Wait {
    pub(super) fn begin(id: EffectId, length: Duration, now: Moment) -> Wait {
        Wait {
            id,
            length,
            until_ns: now.plus(length).boot_ns,
            is_cancelled: false,
        }
    }

    /// Moves the deadline: the effect is known to be under way.
    pub(super) fn renew(&mut self, now: Moment) {
        self.until_ns = now.plus(self.length).boot_ns;
    }

    /// Returns the effect if it is to be cancelled now, once more after each further deadline.
    pub(super) fn expire(&mut self, now: Moment) -> Option<EffectId> {
        let is_over = now.boot_ns >= self.until_ns
            && !SeededBug::WaitWithoutDeadline.is_active()
            && !SeededBug::PlanReplacedByNext.is_active();
        if is_over {
            self.cancel(now);
        }
        is_over.then_some(self.id)
    }

    pub(super) fn cancel(&mut self, now: Moment) {
        self.is_cancelled = true;
        self.renew(now);
    }

    pub(super) fn until_ns(&self) -> u64 {
        self.until_ns
    }
}

/// Exponential backoff after failures of the machine.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Retry {
    failures: u32,
    at_ns: u64,
}

impl Retry {
    pub(super) fn failed(&mut self, now: Moment) {
        let pause = RETRY_MIN * 2_u32.saturating_pow(self.failures.min(16));
        self.failures += 1;
        self.at_ns = now.plus(pause.min(RETRY_MAX)).boot_ns;
    }

    pub(super) fn is_due(&self, now: Moment) -> bool {
        now.boot_ns >= self.at_ns
    }

    pub(super) fn at_ns(&self) -> u64 {
        self.at_ns
    }
}
