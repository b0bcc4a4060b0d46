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
    Paused {
        reason: String,
    },
    /// No call would fare better until somebody mends something.
    Stopped {
        reason: String,
    },
    Resumed,
    /// Every delivery has ended.
    Finished(Counts),
    /// Deliveries that ended so are about to be wanted again. Until all of them are, nothing is sent.
    Retried {
        state: State,
    },
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
    Done,
    Partial,
    Failed,
}

impl RunState {
    pub fn fold<'a>(entries: impl IntoIterator<Item = &'a RunEntry>) -> RunState {
        entries
            .into_iter()
            .fold(RunState::Open, |_, entry| match &entry.event {
                RunEvent::Resumed => RunState::Open,
                RunEvent::Paused { reason } => RunState::Paused {
                    reason: reason.clone(),
                },
                RunEvent::Stopped { reason } => RunState::Stopped {
                    reason: reason.clone(),
                },
                RunEvent::Finished(counts) => RunState::of_finished(counts),
                RunEvent::Retried { state } => RunState::Paused {
                    reason: format!("retry of {} deliveries", state.name()),
                },
            })
    }

    fn of_finished(counts: &Counts) -> RunState {
        match (
            counts.accepted,
            counts.refused + counts.failed + counts.unknown,
        ) {
            (_, 0) => RunState::Done,
            (0, _) => RunState::Failed,
            _ => RunState::Partial,
        }
    }

    pub fn name(&self) -> &'static str {
        match self {
            RunState::Open => "open",
            RunState::Paused { .. } => "paused",
            RunState::Stopped { .. } => "stopped",
            RunState::Done => "done",
            RunState::Partial => "partial",
            RunState::Failed => "failed",
        }
    }

    pub fn is_finished(&self) -> bool {
        matches!(self, RunState::Done | RunState::Partial | RunState::Failed)
    }
}
