//! What only times and days together show: schedules that never fire, and parts of them that change nothing.

use super::days::{Days, Range};
use super::firings::{DAYS_SEARCHED_MAX, Slots};
use super::meant::Times;
use super::one_shot::OneShot;
use super::{Cron, Dst, Schedule, ScheduleSpec};
use crate::source::{Diagnostic, Spanned};
use chrono::{Days as Count, NaiveDate, NaiveTime, TimeDelta};

/// What is said of an expression whose day never comes.
pub const NO_SUCH_DAY: &str = "there is no such day in the next hundred years";
/// What is said of one whose times never exist.
pub const ALL_SKIPPED: &str = "every time it names falls into a gap of the clock and is skipped";

/// A search for the first firing begins here where nothing says a better time: what comes at all comes within a
/// hundred years of it.
const SEARCHED_FROM: NaiveDate =
    NaiveDate::from_ymd_opt(2000, 1, 1).expect("a new year's day exists");
/// Whether an exception covers anything is looked for no further: the longest wait for 29 February.
const EXCEPTION_DAYS: usize = 8 * 366;

impl Schedule {
    /// What only times and days together show.
    pub(super) fn check(&self, spec: &ScheduleSpec, complaints: &mut Vec<Diagnostic>) {
        match &self.times {
            Times::Cron(cron, dst) => {
                match self.never(cron, *dst, spec) {
                    Some(complaint) => complaints.push(complaint),
                    None => {
                        self.idle_exceptions(|range| self.names_day_of(range, cron), complaints);
                    }
                }
                if let Some(dst) = spec.dst.as_ref().filter(|_| !cron.is_fixed()) {
                    complaints.push(idle_dst(
                        dst,
                        "an interval simply goes on when the clock changes",
                    ));
                }
            }
            Times::At(shots) => {
                for shot in shots {
                    complaints.extend(self.left_out(shot, spec));
                }
                self.idle_exceptions(
                    |range| shots.iter().any(|shot| range.contains(shot.date)),
                    complaints,
                );
                if let Some(dst) = &spec.dst {
                    complaints.push(idle_dst(
                        dst,
                        "a time of `at` says itself which instant it means",
                    ));
                }
            }
        }
    }

    /// Why it never fires, if it does not.
    fn never(&self, cron: &Spanned<Cron>, dst: Dst, spec: &ScheduleSpec) -> Option<Diagnostic> {
        let fires = |days: &Days, dst| {
            let first = days.from.or(days
                .until
                .and_then(|until| until.checked_sub_days(Count::new(DAYS_SEARCHED_MAX.into()))));
            // A day earlier, because local days begin before those of UTC.
            let after = first
                .unwrap_or(SEARCHED_FROM)
                .and_time(NaiveTime::MIN)
                .and_utc()
                - TimeDelta::days(2);
            Slots::after(&cron.value, days, (self.zone, dst), after)
                .any(|slot| slot.firing().is_some())
        };
        if fires(&self.days, dst) {
            return None;
        }
        let error = |message: &str| Diagnostic::error("never-fires", &cron.span, message);
        if !fires(&Days::default(), Dst::RunOnce) {
            return Some(error(NO_SUCH_DAY).help("choose a day that the month has"));
        }
        if fires(&self.days, Dst::RunOnce) {
            let diagnostic = error(ALL_SKIPPED);
            return Some(diagnostic.help("write `dst: run_once`, or another time"));
        }
        let diagnostic = error("it never fires on the days that are left")
            .help("change the expression, or `from`, `until` and `except`");
        let end = spec
            .until
            .as_ref()
            .map(|until| (&until.span, "the last day is here"));
        let other = end.or_else(|| {
            Some((
                &self.days.exceptions.first()?.span,
                "days are excepted here",
            ))
        });
        Some(match other {
            Some((span, text)) => diagnostic.also(span, text),
            None => diagnostic,
        })
    }

    fn names_day_of(&self, range: Range, cron: &Cron) -> bool {
        let days = range.first.iter_days().take_while(|day| *day <= range.last);
        let mut searched = 0;
        for day in days.skip_while(|day| self.days.from.is_some_and(|from| *day < from)) {
            searched += 1;
            if searched > EXCEPTION_DAYS || (self.days.covers(day) && cron.names_day(day)) {
                return true;
            }
        }
        false
    }

    fn idle_exceptions(&self, covers: impl Fn(Range) -> bool, complaints: &mut Vec<Diagnostic>) {
        let idle = self
            .days
            .exceptions
            .iter()
            .filter(|range| !covers(range.value));
        complaints.extend(idle.map(|range| {
            Diagnostic::warning(
                "idle-exception",
                &range.span,
                "nothing would fire on these days anyway",
            )
            .help("delete it, or write the days you mean")
        }));
    }

    /// A single time that the days leave out: the file says two things, and only its author knows which is meant.
    fn left_out(&self, shot: &OneShot, spec: &ScheduleSpec) -> Option<Diagnostic> {
        let error = |message: &str| Diagnostic::error("left-out", &shot.span, message);
        if let Some(exception) = self.days.exception(shot.date) {
            let diagnostic =
                error("this time is on a day that is excepted").also(exception, "excepted here");
            return Some(diagnostic.help("delete one of the two"));
        }
        if self.days.covers(shot.date) {
            return None;
        }
        let is_early = self.days.from.is_some_and(|from| shot.date < from);
        let (message, bound, text) = if is_early {
            (
                "this time is before the first day",
                &spec.from,
                "the first day is here",
            )
        } else {
            (
                "this time is after the last day",
                &spec.until,
                "the last day is here",
            )
        };
        let diagnostic = error(message).help("delete it, or move the day");
        Some(match bound {
            Some(bound) => diagnostic.also(&bound.span, text),
            None => diagnostic,
        })
    }
}

fn idle_dst(dst: &Spanned<Dst>, why: &str) -> Diagnostic {
    Diagnostic::warning(
        "idle-dst",
        &dst.span,
        format!("`dst` changes nothing here: {why}"),
    )
    .help("delete it")
}
