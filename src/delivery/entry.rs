//! What the journal says about a delivery, line by line.

use crate::channel::Outcome;
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
    /// Settled by a decision of ours rather than by an answer.
    Ended {
        end: End,
        reason: String,
        at: Moment,
    },
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
