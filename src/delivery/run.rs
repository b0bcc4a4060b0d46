//! What was written down about a run as a whole, and its fold.

use super::{Counts, State};
use crate::channel::{Answer, Channel};
use crate::identity::{GroupId, Moment};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunEntry {
    pub at: Moment,
    pub event: RunEvent,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RunEvent {
    /// Only `resume` continues it.
    Paused { reason: PauseReason },
    /// No call would fare better until the operator fixes the cause.
    Stopped { reason: StopReason },
    Resumed {
        /// Counted from the run's beginning, so many deliveries are begun; then it pauses.
        until: Option<u64>,
    },
    /// The operator says that the journal knows all that was sent, though it looks as if it did not.
    Trusted,
    /// What is not begun never will be; what is open is settled, and then it is finished.
    Cancelled,
    /// Every delivery has ended.
    Finished(Counts),
    /// Deliveries that ended so are about to be wanted again. Until all of them are, nothing is sent.
    Retried { state: State },
}

/// Why a run is paused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PauseReason {
    /// The calls of `pause_after` are out.
    PauseAfter,
    /// The calls of `--stop-after` are out.
    StopAfter,
    /// The operator paused it, or the schedule of its campaign.
    Operator,
    /// The process that sent it ended before the run did.
    Interrupted(Interruption),
    /// The daemon found its campaign with `enabled: false`.
    CampaignDisabled,
    /// The daemon found the file of its campaign gone.
    CampaignGone,
    /// A retry of deliveries of this state has begun and is not complete.
    Retry(State),
}

/// Why a process drains.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interruption {
    CtrlC,
    Sigterm,
    /// It met an error that it cannot go on with.
    Error,
}

/// Why a run is stopped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StopReason {
    /// No call would be answered better.
    Answered { channel: Channel, answer: Answer },
    /// The journal is older than what was sent: it does not know of a message that the group has.
    JournalRolledBack { group: GroupId },
}

impl PauseReason {
    /// Those that a journal keeps: a retry has an event of its own.
    pub const KEPT: [PauseReason; 8] = [
        PauseReason::PauseAfter,
        PauseReason::StopAfter,
        PauseReason::Operator,
        PauseReason::Interrupted(Interruption::CtrlC),
        PauseReason::Interrupted(Interruption::Sigterm),
        PauseReason::Interrupted(Interruption::Error),
        PauseReason::CampaignDisabled,
        PauseReason::CampaignGone,
    ];

    /// Returns the code that a journal keeps and programs know it by. It never changes.
    pub fn code(self) -> &'static str {
        match self {
            PauseReason::PauseAfter => "pause_after",
            PauseReason::StopAfter => "stop_after",
            PauseReason::Operator => "operator",
            PauseReason::Interrupted(Interruption::CtrlC) => "ctrl_c",
            PauseReason::Interrupted(Interruption::Sigterm) => "sigterm",
            PauseReason::Interrupted(Interruption::Error) => "error",
            PauseReason::CampaignDisabled => "campaign_disabled",
            PauseReason::CampaignGone => "campaign_gone",
            PauseReason::Retry(_) => "retry",
        }
    }

    pub fn from_code(code: &str) -> Option<PauseReason> {
        PauseReason::KEPT
            .into_iter()
            .find(|reason| reason.code() == code)
    }
}

impl StopReason {
    /// Returns the code that a journal keeps and programs know it by. It never changes.
    pub fn code(&self) -> &'static str {
        match self {
            StopReason::Answered { .. } => "answered",
            StopReason::JournalRolledBack { .. } => "journal_rolled_back",
        }
    }
}

/// How a run stands or ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RunState {
    /// Being sent, or cut off in the middle.
    Open,
    Paused {
        reason: PauseReason,
        /// Why it had been stopped when it was paused.
        stopped: Option<StopReason>,
    },
    Stopped {
        reason: StopReason,
    },
    /// Nothing of it is sent any more, and it is not settled yet.
    Cancelling,
    Done,
    /// Sent in part: some failed, or it was cancelled.
    Partial {
        is_cancelled: bool,
    },
    Failed,
    /// Cancelled before anything of it was sent.
    Skipped,
}

impl RunState {
    pub fn fold<'a>(entries: impl IntoIterator<Item = &'a RunEntry>) -> RunState {
        entries.into_iter().fold(RunState::Open, |state, entry| {
            match (state, &entry.event) {
                (RunState::Cancelling, RunEvent::Finished(counts)) => {
                    RunState::of_cancelled(counts)
                }
                // No event takes a cancel back.
                (state, RunEvent::Trusted) | (state @ RunState::Cancelling, _) => state,
                (_, RunEvent::Resumed { .. }) => RunState::Open,
                (state, &RunEvent::Paused { reason }) => RunState::Paused {
                    reason,
                    stopped: state.stopped(),
                },
                (_, RunEvent::Stopped { reason }) => RunState::Stopped {
                    reason: reason.clone(),
                },
                (_, RunEvent::Cancelled) => RunState::Cancelling,
                (_, RunEvent::Finished(counts)) => RunState::of_finished(counts),
                (_, &RunEvent::Retried { state }) => RunState::Paused {
                    reason: PauseReason::Retry(state),
                    stopped: None,
                },
            }
        })
    }

    /// Returns why it was stopped, as long as nothing went on since.
    fn stopped(self) -> Option<StopReason> {
        match self {
            RunState::Stopped { reason } => Some(reason),
            RunState::Paused { stopped, .. } => stopped,
            RunState::Open
            | RunState::Cancelling
            | RunState::Done
            | RunState::Partial { .. }
            | RunState::Failed
            | RunState::Skipped => None,
        }
    }

    fn of_finished(counts: &Counts) -> RunState {
        match (counts.accepted, bad(counts)) {
            (_, 0) => RunState::Done,
            (0, _) => RunState::Failed,
            _ => RunState::Partial {
                is_cancelled: false,
            },
        }
    }

    fn of_cancelled(counts: &Counts) -> RunState {
        match (counts.accepted + bad(counts), counts.skipped) {
            // All was out by then.
            (_, 0) => RunState::of_finished(counts),
            (0, _) => RunState::Skipped,
            _ => RunState::Partial { is_cancelled: true },
        }
    }

    pub fn name(&self) -> &'static str {
        match self {
            RunState::Open => "open",
            RunState::Paused { .. } => "paused",
            RunState::Stopped { .. } => "stopped",
            RunState::Cancelling => "cancelling",
            RunState::Done => "done",
            RunState::Partial { .. } => "partial",
            RunState::Failed => "failed",
            RunState::Skipped => "skipped",
        }
    }

    /// Returns the code that programs know the reason by, where there is one.
    pub fn reason_code(&self) -> Option<&'static str> {
        match self {
            RunState::Paused { reason, .. } => Some(reason.code()),
            RunState::Stopped { reason } => Some(reason.code()),
            RunState::Cancelling | RunState::Skipped | RunState::Partial { is_cancelled: true } => {
                Some("cancelled")
            }
            RunState::Open
            | RunState::Done
            | RunState::Failed
            | RunState::Partial {
                is_cancelled: false,
            } => None,
        }
    }

    /// Decides whether it ended because the operator cancelled it.
    pub fn is_cut_short(&self) -> bool {
        matches!(
            self,
            RunState::Skipped | RunState::Partial { is_cancelled: true }
        )
    }

    pub fn is_finished(&self) -> bool {
        match self {
            RunState::Done | RunState::Partial { .. } | RunState::Failed | RunState::Skipped => {
                true
            }
            RunState::Open
            | RunState::Paused { .. }
            | RunState::Stopped { .. }
            | RunState::Cancelling => false,
        }
    }
}

fn bad(counts: &Counts) -> u64 {
    counts.refused + counts.failed + counts.unknown
}
