//! What was written down about a run as a whole, and its fold.

use super::{Counts, State};
use crate::identity::Moment;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunEntry {
    pub at: Moment,
    pub event: RunEvent,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RunEvent {
    /// Only `resume` continues it.
    Paused { reason: String },
    /// No call would fare better until somebody mends something.
    Stopped { reason: String },
    Resumed {
        /// Counted from the run's beginning, so many deliveries are begun; then it pauses.
        until: Option<u64>,
    },
    /// A person says that the journal knows all that was sent, though it looks as if it did not.
    Trusted,
    /// What is not begun never will be; what is open is settled, and then it is finished.
    Cancelled { reason: String },
    /// Every delivery has ended.
    Finished(Counts),
    /// Deliveries that ended so are about to be wanted again. Until all of them are, nothing is sent.
    Retried { state: State },
}

/// How a run stands or ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RunState {
    /// Being sent, or cut off in the middle.
    Open,
    Paused {
        reason: String,
    },
    Stopped {
        reason: String,
    },
    /// Nothing of it is sent any more, and it is not settled yet.
    Cancelling {
        reason: String,
    },
    Done,
    /// Sent in part: some failed, or it was cancelled, which then is the reason.
    Partial {
        reason: Option<String>,
    },
    Failed,
    /// Nothing of it was sent.
    Skipped {
        reason: String,
    },
}

impl RunState {
    pub fn fold<'a>(entries: impl IntoIterator<Item = &'a RunEntry>) -> RunState {
        entries.into_iter().fold(RunState::Open, |state, entry| {
            match (state, &entry.event) {
                (RunState::Cancelling { reason }, RunEvent::Finished(counts)) => {
                    RunState::of_cancelled(counts, reason)
                }
                // Nobody takes a cancel back.
                (state, RunEvent::Trusted) | (state @ RunState::Cancelling { .. }, _) => state,
                (_, RunEvent::Resumed { .. }) => RunState::Open,
                (_, RunEvent::Paused { reason }) => RunState::Paused {
                    reason: reason.clone(),
                },
                (_, RunEvent::Stopped { reason }) => RunState::Stopped {
                    reason: reason.clone(),
                },
                (_, RunEvent::Cancelled { reason }) => RunState::Cancelling {
                    reason: reason.clone(),
                },
                (_, RunEvent::Finished(counts)) => RunState::of_finished(counts),
                (_, RunEvent::Retried { state }) => RunState::Paused {
                    reason: format!("retry of {} deliveries", state.name()),
                },
            }
        })
    }

    fn of_finished(counts: &Counts) -> RunState {
        match (counts.accepted, bad(counts)) {
            (_, 0) => RunState::Done,
            (0, _) => RunState::Failed,
            _ => RunState::Partial { reason: None },
        }
    }

    fn of_cancelled(counts: &Counts, reason: String) -> RunState {
        match (counts.accepted + bad(counts), counts.skipped) {
            // All was out by then.
            (_, 0) => RunState::of_finished(counts),
            (0, _) => RunState::Skipped { reason },
            _ => RunState::Partial {
                reason: Some(reason),
            },
        }
    }

    pub fn name(&self) -> &'static str {
        match self {
            RunState::Open => "open",
            RunState::Paused { .. } => "paused",
            RunState::Stopped { .. } => "stopped",
            RunState::Cancelling { .. } => "cancelling",
            RunState::Done => "done",
            RunState::Partial { .. } => "partial",
            RunState::Failed => "failed",
            RunState::Skipped { .. } => "skipped",
        }
    }

    /// Why it stands there, where that was written down.
    pub fn reason(&self) -> Option<&str> {
        match self {
            RunState::Paused { reason }
            | RunState::Stopped { reason }
            | RunState::Cancelling { reason }
            | RunState::Skipped { reason } => Some(reason),
            RunState::Partial { reason } => reason.as_deref(),
            RunState::Open | RunState::Done | RunState::Failed => None,
        }
    }

    pub fn is_finished(&self) -> bool {
        match self {
            RunState::Done
            | RunState::Partial { .. }
            | RunState::Failed
            | RunState::Skipped { .. } => true,
            RunState::Open
            | RunState::Paused { .. }
            | RunState::Stopped { .. }
            | RunState::Cancelling { .. } => false,
        }
    }
}

fn bad(counts: &Counts) -> u64 {
    counts.refused + counts.failed + counts.unknown
}
