//! What becomes of an occurrence that has no run.

use crate::schedule::Occurrence;
use chrono::{DateTime, NaiveDateTime};
use chrono_tz::Tz;

/// What names an occurrence of a campaign, also one whose time a clock change left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Civil {
    pub local: NaiveDateTime,
    /// 1 in the second pass of a repeated hour, else 0.
    pub fold: u8,
}

impl Civil {
    pub fn of(occurrence: &Occurrence) -> Civil {
        Civil {
            local: occurrence.local(),
            fold: occurrence.fold,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It could not start in time.
    Missed,
    /// It was not to be sent.
    Skipped,
    /// It waits for a person.
    Held,
    /// It waits for an earlier one.
    Queued,
    /// It waited for a person, who let it go on.
    Released,
}

impl Verdict {
    pub const ALL: [Verdict; 5] = [
        Verdict::Missed,
        Verdict::Skipped,
        Verdict::Held,
        Verdict::Queued,
        Verdict::Released,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Verdict::Missed => "missed",
            Verdict::Skipped => "skipped",
            Verdict::Held => "held",
            Verdict::Queued => "queued",
            Verdict::Released => "released",
        }
    }

    pub fn from_name(name: &str) -> Option<Verdict> {
        Verdict::ALL.into_iter().find(|each| each.name() == name)
    }
}

/// An occurrence, what becomes of it, and why, as a person understands it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decided {
    pub civil: Civil,
    /// The instant at which it was due.
    pub at: DateTime<Tz>,
    pub verdict: Verdict,
    pub reason: String,
}

impl Decided {
    pub fn of(occurrence: &Occurrence, verdict: Verdict, reason: impl Into<String>) -> Decided {
        Decided {
            civil: Civil::of(occurrence),
            at: occurrence.at,
            verdict,
            reason: reason.into(),
        }
    }
}
