//! The reasons of decisions.
use super::Departure;
use super::Reason;
use crate::schedule::{Occurrence, Schedule};
use chrono::{DateTime, Utc};
use std::time::Duration;

/// Returns how much later `now` is.
pub(super) fn lateness(at: DateTime<Utc>, now: DateTime<Utc>) -> Duration {
    (now - at).to_std().unwrap_or_default()
}

pub(super) fn too_late(occurrence: &Occurrence, schedule: &Schedule, now: DateTime<Utc>) -> Reason {
    Reason::TooLate {
        late_ms: ms(lateness(occurrence.at.to_utc(), now)),
        allowed_ms: ms(schedule.start_within),
    }
}

pub(super) fn queued_too_long(late: Duration, schedule: &Schedule) -> Reason {
    Reason::QueuedTooLong {
        late_ms: ms(late),
        allowed_ms: ms(schedule.start_within),
    }
}

pub(super) fn not_opened(fault: Option<&str>) -> Reason {
    fault.map_or(Reason::PlanNotReady, |why| Reason::NotOpened {
        why: why.to_owned(),
    })
}

pub(super) fn departed(departure: Departure) -> Reason {
    match departure {
        Departure::FileRemoved => Reason::FileGone,
        Departure::Disabled => Reason::NotEnabled,
        Departure::Unscheduled => Reason::Unscheduled,
        Departure::AppChanged => Reason::AppChanged,
    }
}

fn ms(length: Duration) -> u64 {
    u64::try_from(length.as_millis()).unwrap_or(u64::MAX)
}
