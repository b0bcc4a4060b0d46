//! The fold, what is to be done next, and the search, against everything that may happen.

mod fold;
mod next;
mod retry;
mod run;
mod search;

use super::{End, EndReason, Entry, Finding, Patience, Policy, Unclear};
use crate::channel::{Answer, Cause, Failure, Outcome, Receipt, Scope};
use crate::identity::{Moment, Random};
use crate::settings::OnUnknown;
use std::time::Duration;

const START: Moment = Moment {
    wall_ms: 1_800_000_000_000,
    boot_ns: 1_000_000_000_000,
    boot_id: 1,
};

const PATIENCE: Patience = Patience {
    after: Duration::from_mins(2),
    again: Duration::from_secs(30),
};
const ABSENT: Finding = Finding::Absent(PATIENCE);

fn at(seconds: u64) -> Moment {
    START.plus(Duration::from_secs(seconds))
}

fn started(attempt: u32, generation: u32, at: Moment) -> Entry {
    Entry::Started {
        attempt,
        generation,
        random: Random(100 + generation),
        at,
    }
}

fn finished(attempt: u32, outcome: Outcome, at: Moment) -> Entry {
    Entry::Finished {
        attempt,
        outcome,
        at,
    }
}

fn looked_up(finding: Finding, at: Moment) -> Entry {
    Entry::LookedUp { finding, at }
}

fn ended(end: End, at: Moment) -> Entry {
    let reason = EndReason::TooLate;
    Entry::Ended { end, reason, at }
}

fn unknown() -> Outcome {
    Outcome::Unknown(silence())
}

fn silence() -> Answer {
    Answer::none("no answer in time")
}

fn refused() -> Outcome {
    Outcome::Refused(muted())
}

fn muted() -> Answer {
    Answer::new(10_017, "muted")
}

fn throttled() -> Outcome {
    Outcome::Throttled(Scope::Group, Answer::because(Cause::Dropped))
}

fn not_sent() -> Outcome {
    Outcome::Failed(Failure::NotSent, Answer::because(Cause::TakenBack))
}

fn receipt() -> Receipt {
    Receipt {
        msg_seq: Some(7),
        msg_time: Some(1_800_000_001),
    }
}

fn unclear() -> Finding {
    Finding::Unclear(Unclear::HistoryGap)
}

/// A group message that may be looked for.
fn policy(on_unknown: OnUnknown) -> Policy {
    Policy {
        attempts: 3,
        timeout: Duration::from_secs(10),
        resend_within: Duration::from_mins(4),
        deduplicates: true,
        on_unknown,
        can_look_up: true,
        patience: PATIENCE,
    }
}

fn notification(on_unknown: OnUnknown) -> Policy {
    Policy {
        resend_within: Duration::ZERO,
        deduplicates: false,
        can_look_up: false,
        ..policy(on_unknown)
    }
}
