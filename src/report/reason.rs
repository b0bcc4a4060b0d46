//! Words for the reasons why runs and deliveries stand as they do.

use crate::channel::Channel;
use crate::delivery::{
    DeliveryReason, EndReason, Interruption, PauseReason, RunState, Search, StopReason, Unclear,
};
use crate::source::plural;

/// Returns why a run stands as it does, where there is a reason.
pub fn state_reason(state: &RunState) -> Option<String> {
    match state {
        RunState::Paused { reason, stopped } => {
            let stopped = stopped.as_ref().map(stop_text);
            let stopped = stopped.map(|stopped| format!("; it had stopped: {stopped}"));
            Some(pause_text(*reason) + &stopped.unwrap_or_default())
        }
        RunState::Stopped { reason } => Some(stop_text(reason)),
        RunState::Cancelling | RunState::Skipped | RunState::Partial { is_cancelled: true } => {
            Some("cancelled by hand".to_owned())
        }
        RunState::Open
        | RunState::Done
        | RunState::Failed
        | RunState::Partial {
            is_cancelled: false,
        } => None,
    }
}

fn pause_text(reason: PauseReason) -> String {
    let text = match reason {
        PauseReason::PauseAfter => "the calls of `pause_after` are out",
        PauseReason::StopAfter => "the calls of `--stop-after` are out",
        PauseReason::Operator => "by hand",
        PauseReason::Interrupted(interruption) => interruption_text(interruption),
        PauseReason::CampaignDisabled => "it is not enabled any more",
        PauseReason::CampaignGone => "its file is gone",
        PauseReason::Retry(state) => return format!("retry of {} deliveries", state.name()),
    };
    text.to_owned()
}

pub fn interruption_text(interruption: Interruption) -> &'static str {
    match interruption {
        Interruption::CtrlC => "Ctrl-C",
        Interruption::Sigterm => "SIGTERM",
        Interruption::Error => "an error",
    }
}

pub fn stop_text(reason: &StopReason) -> String {
    match reason {
        StopReason::Answered { channel, answer } => answer.summary(*channel),
        StopReason::JournalRolledBack { group } => format!(
            "the journal is older than what was sent: `{group}` has its message already, of which the journal knows \
             nothing; it seems that this machine was restored from an earlier state"
        ),
    }
}

/// Returns why a delivery ended as it did.
pub(super) fn reason_text(reason: &DeliveryReason, channel: Channel) -> String {
    match reason {
        DeliveryReason::Refused(answer) => answer.words(channel),
        DeliveryReason::FoundInHistory => "found in the group's history".to_owned(),
        DeliveryReason::Ended(reason) => end_text(reason, channel),
    }
}

pub(super) fn end_text(reason: &EndReason, channel: Channel) -> String {
    let text = match reason {
        EndReason::AttemptsUsedUp { attempts, last } => {
            let last = last.summary(channel);
            let attempts = plural((*attempts).into(), "attempt");
            return format!("{attempts} used up; the last: {last}");
        }
        EndReason::Unclear(unclear) => return format!("no answer, and {}", unclear_text(unclear)),
        EndReason::RepetitionRefused => {
            "a repetition was refused, but an earlier attempt may have been delivered"
        }
        EndReason::NotInHistory => "no answer, and the group's history does not hold it",
        EndReason::NotDeduplicated => {
            "no answer, and the vendor would not tell a repetition from a new message"
        }
        EndReason::DeduplicationOver => "no answer while the vendor could still tell a repetition",
        EndReason::Cancelled => "cancelled",
        EndReason::CancelledUnresolved => "cancelled, but an attempt may have been delivered",
        EndReason::TooLate => "too late: the time of `finish_within` was over",
        EndReason::NoMembers => "no members",
    };
    text.to_owned()
}

fn unclear_text(unclear: &Unclear) -> String {
    let text = match unclear {
        Unclear::NoHistory => "the group keeps no history",
        Unclear::GroupGone => "the group is gone, and its history with it",
        Unclear::GroupTypeUnknown => "it is not known whether this type of group keeps a history",
        Unclear::NewestUnknown => "the group does not tell the number of its newest message",
        Unclear::HistoryLags => "the group's history lags behind the group",
        Unclear::HistoryGap => "the group's history has a gap",
        Unclear::HistoryCutOff => "the group's history does not reach back to the first attempt",
        Unclear::HistoryTooLong => {
            let pages = plural(Search::PAGES_MAX.into(), "page");
            return format!("the group's history was not read further back than {pages}");
        }
        Unclear::MessageHidden => {
            "a message that was taken out of the group's history may have been it"
        }
        Unclear::RandomElsewhere => {
            "the group's history holds its `Random` from another sender or another time"
        }
        Unclear::ClockWrong => {
            "this machine's clock was wrong, so that it is not known where in the history to look"
        }
        Unclear::Unreadable(answer) => {
            // Look-ups are for group messages alone.
            let answer = answer.summary(Channel::GroupMessage);
            return format!("the group's history cannot be read: {answer}");
        }
    };
    text.to_owned()
}
