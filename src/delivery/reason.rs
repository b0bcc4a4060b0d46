//! Reasons why a delivery ended as it did. Their words for users are made in `report`.

use crate::channel::Answer;

/// Why a delivery ended as it did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeliveryReason {
    /// The vendor refused it.
    Refused(Answer),
    /// A look-up found it in the group's history.
    FoundInHistory,
    /// This program ended it.
    Ended(EndReason),
}

/// Why this program ends a delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EndReason {
    /// As many attempts as the campaign allows came back undelivered.
    AttemptsUsedUp {
        attempts: u32,
        last: Answer,
    },
    /// A repetition was refused while an earlier attempt was unresolved.
    RepetitionRefused,
    /// Look-ups proved it undelivered, and the campaign leaves the rest to the operator.
    NotInHistory,
    /// The vendor would take a repetition for a new message.
    NotDeduplicated,
    /// The vendor's deduplication does not cover it any longer.
    DeduplicationOver,
    /// Look-ups cannot tell whether it was delivered.
    Unclear(Unclear),
    Cancelled,
    /// Its run was cancelled while an attempt was unresolved.
    CancelledUnresolved,
    /// The time of `finish_within` was over.
    TooLate,
    /// The plan has no member of the group left to send it to.
    NoMembers,
}

/// Why look-ups cannot tell whether a message was delivered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unclear {
    /// The group keeps no history.
    NoHistory,
    /// The group is gone, and its history with it.
    GroupGone,
    /// This program does not know the group's type.
    GroupTypeUnknown,
    /// The group does not tell the number of its newest message.
    NewestUnknown,
    /// The history does not hold the group's newest message yet.
    HistoryLags,
    /// The history lacks a message.
    HistoryGap,
    /// The history ends after the first attempt.
    HistoryCutOff,
    /// The history is longer than a search reads.
    HistoryTooLong,
    /// A message that was taken out of the history may be the one.
    MessageHidden,
    /// The history holds the `Random` from another sender or another time.
    RandomElsewhere,
    /// This machine's clock was wrong.
    ClockWrong,
    /// The vendor does not answer with a history.
    Unreadable(Answer),
}

impl DeliveryReason {
    /// Returns the code that programs know it by, unless it is the vendor's refusal, which has a code.
    pub fn code(&self) -> Option<&'static str> {
        match self {
            DeliveryReason::Refused(_) => None,
            DeliveryReason::FoundInHistory => Some("found_in_history"),
            DeliveryReason::Ended(reason) => Some(reason.code()),
        }
    }
}

impl EndReason {
    /// Returns the code that a journal keeps and programs know it by. It never changes.
    pub fn code(&self) -> &'static str {
        match self {
            EndReason::AttemptsUsedUp { .. } => "attempts_used_up",
            EndReason::RepetitionRefused => "repetition_refused",
            EndReason::NotInHistory => "not_in_history",
            EndReason::NotDeduplicated => "not_deduplicated",
            EndReason::DeduplicationOver => "deduplication_over",
            EndReason::Unclear(unclear) => unclear.code(),
            EndReason::Cancelled => "cancelled",
            EndReason::CancelledUnresolved => "cancelled_unresolved",
            EndReason::TooLate => "too_late",
            EndReason::NoMembers => "no_members",
        }
    }

    /// Returns the reason of a code. `attempts` and `answer` are what was kept with it.
    pub fn from_code(code: &str, attempts: Option<u32>, answer: Answer) -> Option<EndReason> {
        if let Some(unclear) = Unclear::from_code(code, answer.clone()) {
            return Some(EndReason::Unclear(unclear));
        }
        let last = answer;
        let used_up = attempts.map(|attempts| EndReason::AttemptsUsedUp { attempts, last });
        [
            EndReason::RepetitionRefused,
            EndReason::NotInHistory,
            EndReason::NotDeduplicated,
            EndReason::DeduplicationOver,
            EndReason::Cancelled,
            EndReason::CancelledUnresolved,
            EndReason::TooLate,
            EndReason::NoMembers,
        ]
        .into_iter()
        .chain(used_up)
        .find(|reason| reason.code() == code)
    }

    /// Returns the answer that belongs to it.
    pub fn answer(&self) -> Option<&Answer> {
        match self {
            EndReason::AttemptsUsedUp { last, .. } => Some(last),
            EndReason::Unclear(unclear) => unclear.answer(),
            EndReason::RepetitionRefused
            | EndReason::NotInHistory
            | EndReason::NotDeduplicated
            | EndReason::DeduplicationOver
            | EndReason::Cancelled
            | EndReason::CancelledUnresolved
            | EndReason::TooLate
            | EndReason::NoMembers => None,
        }
    }
}

impl Unclear {
    /// Returns the code that a journal keeps and programs know it by. It never changes.
    pub fn code(&self) -> &'static str {
        match self {
            Unclear::NoHistory => "no_history",
            Unclear::GroupGone => "group_gone",
            Unclear::GroupTypeUnknown => "group_type_unknown",
            Unclear::NewestUnknown => "newest_unknown",
            Unclear::HistoryLags => "history_lags",
            Unclear::HistoryGap => "history_gap",
            Unclear::HistoryCutOff => "history_cut_off",
            Unclear::HistoryTooLong => "history_too_long",
            Unclear::MessageHidden => "message_hidden",
            Unclear::RandomElsewhere => "random_elsewhere",
            Unclear::ClockWrong => "clock_wrong",
            Unclear::Unreadable(_) => "history_unreadable",
        }
    }

    /// Returns the cause of a code. `answer` is what was kept with it.
    pub fn from_code(code: &str, answer: Answer) -> Option<Unclear> {
        [
            Unclear::NoHistory,
            Unclear::GroupGone,
            Unclear::GroupTypeUnknown,
            Unclear::NewestUnknown,
            Unclear::HistoryLags,
            Unclear::HistoryGap,
            Unclear::HistoryCutOff,
            Unclear::HistoryTooLong,
            Unclear::MessageHidden,
            Unclear::RandomElsewhere,
            Unclear::ClockWrong,
            Unclear::Unreadable(answer),
        ]
        .into_iter()
        .find(|unclear| unclear.code() == code)
    }

    /// Returns the answer that belongs to it.
    pub fn answer(&self) -> Option<&Answer> {
        match self {
            Unclear::Unreadable(answer) => Some(answer),
            Unclear::NoHistory
            | Unclear::GroupGone
            | Unclear::GroupTypeUnknown
            | Unclear::NewestUnknown
            | Unclear::HistoryLags
            | Unclear::HistoryGap
            | Unclear::HistoryCutOff
            | Unclear::HistoryTooLong
            | Unclear::MessageHidden
            | Unclear::RandomElsewhere
            | Unclear::ClockWrong => None,
        }
    }
}
