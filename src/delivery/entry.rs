//! What the journal says about a delivery, line by line.

use super::{EndReason, Patience, Unclear};
use crate::channel::{Outcome, Receipt};
use crate::identity::{Moment, Random};

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry {
    /// Durable before a request's first byte may leave.
    Started {
        /// From 1, without gaps.
        attempt: u32,
        /// From 1. Attempts of one generation share `random`.
        generation: u32,
        random: Random,
        at: Moment,
    },
    /// Durable before the delivery counts.
    Finished {
        attempt: u32,
        outcome: Outcome,
        at: Moment,
    },
    /// The group's history was searched for an attempt that came back without proof.
    LookedUp { finding: Finding, at: Moment },
    /// The proof that is lacking is done without: the campaign says that it may double.
    Waived { at: Moment },
    /// Settled by a decision of ours rather than by an answer.
    Ended {
        end: End,
        reason: EndReason,
        at: Moment,
    },
    /// A person wants it sent again, though it had ended.
    Retried { at: Moment },
}

/// What a search came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    /// It was delivered, even if it was taken back since.
    Found(Receipt),
    /// The history is whole, and it is not there. Two of these prove that it never will be, if they lie far enough apart:
    /// how far is kept with them, so that what was proved once stays proved.
    Absent(Patience),
    /// It cannot be told whether it is there.
    Unclear(Unclear),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Proved undelivered, attempts used up.
    Failed,
    /// Never to be sent.
    Skipped,
    /// Perhaps delivered; nobody can tell.
    Unknown,
}
