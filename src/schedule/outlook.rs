//! What becomes of a schedule from a given instant on, as far as its author should hear of it.

use super::meant::Times;
use super::{Note, Schedule, Slot};
use crate::identity::civil_text;
use crate::source::Diagnostic;
use chrono::{DateTime, Offset, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;

/// No two changes of one clock are nearer to each other.
const WEEK: TimeDelta = TimeDelta::days(7);
/// Both changes of a year are met, wherever in it one begins.
const WEEKS_AHEAD: i32 = 57;

impl Schedule {
    /// What is worth a word at this instant: nothing comes any more, or a clock change moves what comes.
    pub fn outlook(&self, now: DateTime<Utc>) -> Option<Diagnostic> {
        self.over(now).or_else(|| self.clock_change(now))
    }

    /// An occurrence may still start a little late.
    fn over(&self, now: DateTime<Utc>) -> Option<Diagnostic> {
        let late = TimeDelta::from_std(self.start_within).ok()?;
        let (span, message) = match &self.times {
            Times::Cron(..) => (self.until.as_ref()?, "its last day is over"),
            Times::At(shots) if shots.len() == 1 => (&shots.last()?.span, "its only time is over"),
            Times::At(shots) => (&shots.last()?.span, "its last time is over"),
        };
        let after = now.checked_sub_signed(late)?;
        if self.slots(after).any(|slot| slot.firing().is_some()) {
            return None;
        }
        let message = format!("{message}: nothing will be sent any more");
        let help = "write a time to come; or, if it is done, `enabled: false`, or delete the file";
        Some(Diagnostic::warning("all-past", span, message).help(help))
    }

    /// The next time that a clock change touches, unless somebody has said what is to become of it.
    fn clock_change(&self, now: DateTime<Utc>) -> Option<Diagnostic> {
        let Times::Cron(cron, _) = &self.times else {
            return None;
        };
        if self.is_dst_chosen || !cron.is_fixed() {
            return None;
        }
        let mut changes = self.changes(now).into_iter();
        let (at, note) = changes.find_map(|change| self.touched(change))?;
        let zone = self.zone;
        let message = match note {
            Note::MovedFrom(local) => format!(
                "{} does not exist in {zone}, because the clock is put forward: it fires at {} then",
                civil_text(local),
                at.format("%H:%M"),
            ),
            Note::FirstPass | Note::SecondPass => format!(
                "{} comes twice in {zone}, because the clock is put back: it fires the first time",
                civil_text(at.naive_local()),
            ),
        };
        let help = "choose a time that no clock change touches, or write `dst: run_once` to say that it is meant so";
        Some(Diagnostic::warning("clock-change", &cron.span, message).help(help))
    }

    /// Weeks in which the clock of the zone is changed, by their beginnings.
    fn changes(&self, now: DateTime<Utc>) -> Vec<DateTime<Utc>> {
        let weeks = (0..WEEKS_AHEAD).filter_map(|count| now.checked_add_signed(WEEK * count));
        let offset = |at: DateTime<Utc>| self.zone.offset_from_utc_datetime(&at.naive_utc()).fix();
        let behind = |at: DateTime<Utc>| at.checked_add_signed(WEEK);
        weeks
            .filter(|at| behind(*at).is_some_and(|behind| offset(*at) != offset(behind)))
            .collect()
    }

    /// The first firing of that week that is not simply at its time.
    fn touched(&self, week: DateTime<Utc>) -> Option<(DateTime<Tz>, Note)> {
        let end = week.checked_add_signed(WEEK)?;
        let firings = self.slots(week).filter_map(Slot::firing);
        let mut near = firings.take_while(|firing| firing.at <= end);
        near.find_map(|firing| Some((firing.at, firing.note?)))
    }
}
