//! Causes that this program knows, where the vendor's words do not say what became of a call.

/// A cause of an attempt or look-up that came to nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// The dispatcher took it back before it was sent, for its run was halted or its lane held.
    TakenBack,
    /// The dispatcher took it back when the vendor's deduplication no longer covered it.
    TakenBackUndeduplicated,
    /// The dispatcher took it back when the time of `finish_within` was over.
    TakenBackTooLate,
    /// The dispatcher took it back when the delivery's window had closed.
    TakenBackWindowClosed,
    /// The process that made it ended before the answer came.
    ProcessEnded,
    /// Its signature expired, and later calls have another one.
    SignatureExpired,
    /// The answer was longer than this program reads.
    TooLong,
    /// The answer was no JSON of the vendor's.
    NotJson,
    /// The answer had code 0 and a status other than `OK`, which is the text.
    StatusNotOk,
    /// The vendor dropped the message for the reason that is the text.
    Dropped,
    /// The answer said nothing of the group.
    GroupMissing,
    /// The answer was about another group.
    GroupDiffers,
    /// The messages of a page of the history were not in order.
    PageOutOfOrder,
    /// A message of a page had a placeholder that this program does not know.
    PlaceholderUnknown,
    /// A message of a page had no number.
    NumberMissing,
}

impl Cause {
    pub const ALL: [Cause; 15] = [
        Cause::TakenBack,
        Cause::TakenBackUndeduplicated,
        Cause::TakenBackTooLate,
        Cause::TakenBackWindowClosed,
        Cause::ProcessEnded,
        Cause::SignatureExpired,
        Cause::TooLong,
        Cause::NotJson,
        Cause::StatusNotOk,
        Cause::Dropped,
        Cause::GroupMissing,
        Cause::GroupDiffers,
        Cause::PageOutOfOrder,
        Cause::PlaceholderUnknown,
        Cause::NumberMissing,
    ];

    /// Returns the name that a journal keeps. It never changes.
    pub fn name(self) -> &'static str {
        match self {
            Cause::TakenBack => "taken_back",
            Cause::TakenBackUndeduplicated => "taken_back_undeduplicated",
            Cause::TakenBackTooLate => "taken_back_too_late",
            Cause::TakenBackWindowClosed => "taken_back_window_closed",
            Cause::ProcessEnded => "process_ended",
            Cause::SignatureExpired => "signature_expired",
            Cause::TooLong => "too_long",
            Cause::NotJson => "not_json",
            Cause::StatusNotOk => "status_not_ok",
            Cause::Dropped => "dropped",
            Cause::GroupMissing => "group_missing",
            Cause::GroupDiffers => "group_differs",
            Cause::PageOutOfOrder => "page_out_of_order",
            Cause::PlaceholderUnknown => "placeholder_unknown",
            Cause::NumberMissing => "number_missing",
        }
    }

    pub fn from_name(name: &str) -> Option<Cause> {
        Cause::ALL.into_iter().find(|cause| cause.name() == name)
    }

    /// Returns the words for users. `text` is what came with it.
    pub(super) fn words(self, text: &str) -> String {
        let words = match self {
            Cause::TakenBack => "taken back before it was sent",
            Cause::TakenBackUndeduplicated => {
                "taken back: it waited until the vendor could not tell it from a new message"
            }
            Cause::TakenBackTooLate => "taken back: the time of `finish_within` was over",
            Cause::TakenBackWindowClosed => {
                "taken back: it waited until the window of the delivery closed"
            }
            Cause::ProcessEnded => "the process ended before the answer came",
            Cause::SignatureExpired => "the UserSig expired; calls are signed anew by now",
            Cause::TooLong => "the answer is longer than 1 MiB",
            Cause::NotJson => "the answer is not the vendor's JSON",
            Cause::StatusNotOk => return format!("code 0, but status `{text}`"),
            Cause::Dropped => return format!("dropped: {text}"),
            Cause::GroupMissing => "the answer says nothing of the group",
            Cause::GroupDiffers => "the answer is about another group",
            Cause::PageOutOfOrder => "the messages of a page are not in order",
            Cause::PlaceholderUnknown => "a placeholder of no known kind",
            Cause::NumberMissing => "a message without a number",
        };
        words.to_owned()
    }
}
