//! What becomes of an occurrence that has no run.

use super::{Grounds, Reason};
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

/// State of an occurrence that has no run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Disposition {
    /// It could not start in time.
    Missed,
    /// It was not to be sent.
    Skipped,
    /// It waits for the operator.
    Held,
    /// It waits for an earlier one.
    Queued,
    /// It waited for the operator, who let it go on.
    Released,
}

impl Disposition {
    pub const ALL: [Disposition; 5] = [
        Disposition::Missed,
        Disposition::Skipped,
        Disposition::Held,
        Disposition::Queued,
        Disposition::Released,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Disposition::Missed => "missed",
            Disposition::Skipped => "skipped",
            Disposition::Held => "held",
            Disposition::Queued => "queued",
            Disposition::Released => "released",
        }
    }

    pub fn from_name(name: &str) -> Option<Disposition> {
        Disposition::ALL
            .into_iter()
            .find(|each| each.name() == name)
    }
}

/// An occurrence, what becomes of it, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decided {
    pub civil: Civil,
    /// The instant at which it was due.
    pub at: DateTime<Tz>,
    pub disposition: Disposition,
    pub grounds: Grounds,
}

impl Decided {
    pub fn of(occurrence: &Occurrence, disposition: Disposition, reason: Reason) -> Decided {
        Decided {
            civil: Civil::of(occurrence),
            at: occurrence.at,
            disposition,
            grounds: reason.into(),
        }
    }
}
