//! What an onlooker may know of a run under way.

use crate::channel::{Answer, Channel};
use crate::delivery::Counts;
use crate::identity::Moment;
use crate::settings::Reopening;

/// Seconds between the first acceptance and the last: of less nobody can tell a rate.
const TOLD_OF: f64 = 1.0;

/// Counts move when they are durable, not before.
#[derive(Clone, Debug, Default)]
pub struct Progress {
    pub counts: Counts,
    pub in_flight: usize,
    /// Accepted by this process.
    pub accepted_here: u64,
    /// When this process saw its first and its latest acceptance.
    pub first_accepted: Option<Moment>,
    pub last_accepted: Option<Moment>,
    pub draining: bool,
    /// Runs of other processes that are sent beside it.
    pub others: usize,
    /// The reason why first attempts wait, if they do.
    pub waiting: Option<WaitReason>,
    /// The answer to the last call, if it proved neither acceptance nor refusal.
    pub trouble: Option<(Channel, Answer)>,
}

/// Why the first attempts of a run wait.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WaitReason {
    /// The journal cannot be written, for this reason.
    Journal(String),
    /// There will be none; what is unresolved of the cancelled run is settled.
    Cancelled,
    /// The window of its deliveries is closed.
    Window(Reopening),
}

impl Progress {
    pub(super) fn accepted(&mut self, now: Moment) {
        self.accepted_here += 1;
        self.first_accepted.get_or_insert(now);
        self.last_accepted = Some(now);
    }

    /// Acceptances a second so far, between the first and the last.
    pub fn rate_per_s(&self) -> Option<f64> {
        let span = self
            .last_accepted?
            .age_of(self.first_accepted?)?
            .as_secs_f64();
        #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
        let intervals = self.accepted_here.saturating_sub(1) as f64;
        (span >= TOLD_OF).then(|| intervals / span)
    }
}
