//! Schedules as they are written, and what they come to.

mod complaints;
mod lowered;
mod properties;
mod traps;

use super::{Schedule, ScheduleSpec, Slot, parse_zone};
use crate::identity::civil_text;
use crate::source::{Diagnostic, Read, Schema, Source, Span, read};
use chrono::{DateTime, SecondsFormat, Utc};

/// Reads a whole schedule in a zone.
fn lower(text: &str, zone: &str) -> (Option<Schedule>, Vec<Diagnostic>) {
    let source = Source::new("a.yaml", text);
    let Read {
        spec,
        mut complaints,
        ..
    } = read::<ScheduleSpec>(&Schema::of::<ScheduleSpec>(), &source);
    let place = Span::beginning(&source);
    let zone = parse_zone(zone).unwrap();
    let schedule = Schedule::lower(&spec.unwrap(), &place, zone, &mut complaints);
    (schedule, complaints)
}

/// One about which there is nothing to say.
#[track_caller]
pub(super) fn schedule(text: &str, zone: &str) -> Schedule {
    let (schedule, complaints) = lower(text, zone);
    assert!(complaints.is_empty(), "{complaints:?}");
    schedule.unwrap()
}

fn instant(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

/// What it names: instants, and local times that are skipped.
fn told(schedule: &Schedule, after: &str, count: usize) -> Vec<String> {
    let told = |slot: Slot| match slot {
        Slot::Fires(firing) => firing.at.to_rfc3339_opts(SecondsFormat::Secs, true),
        Slot::Skipped(skipped) => format!("skipped {}", civil_text(skipped.local)),
    };
    schedule
        .slots(instant(after))
        .take(count)
        .map(told)
        .collect()
}
