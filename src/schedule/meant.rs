//! The schedule as meant.

use super::days::{Days, Range};
use super::firings::{Dst, Slot, Slots};
use super::one_shot::OneShot;
use super::{Cron, Overlap, ScheduleSpec};
use crate::source::{Diagnostic, Span, Spanned, Text};
use chrono::{DateTime, Days as Count, NaiveDate, NaiveTime, TimeDelta, Utc};
use chrono_tz::Tz;
use std::collections::BTreeMap;
use std::time::Duration;

#[derive(Clone, Debug)]
pub struct Schedule {
    /// How late an occurrence may start.
    pub start_within: Duration,
    /// How long after its time deliveries may start.
    pub finish_within: Option<Duration>,
    pub overlap: Overlap,
    times: Times,
    days: Days,
    zone: Tz,
}

#[derive(Clone, Debug)]
enum Times {
    Cron(Box<Spanned<Cron>>, Dst),
    /// In order.
    At(Vec<OneShot>),
}

const START_WITHIN: Duration = Duration::from_mins(15);
/// An occurrence of last week is no news.
const START_WITHIN_MAX: Duration = Duration::from_hours(7 * 24);
const FINISH_WITHIN_MAX: Duration = Duration::from_hours(31 * 24);
/// A search for the first firing begins here where nothing says a better time: what comes at all comes within a
/// hundred years of it.
const SEARCHED_FROM: NaiveDate =
    NaiveDate::from_ymd_opt(2000, 1, 1).expect("a new year's day exists");
const SEARCHED_DAYS: u64 = 36_525;
/// Whether an exception covers anything is looked for no further: the longest wait for 29 February.
const EXCEPTION_DAYS: usize = 8 * 366;

impl Schedule {
    /// Every complaint at once. `place` stands for the whole schedule, `zone` is that of the campaign.
    pub fn lower(
        spec: &ScheduleSpec,
        place: &Span,
        zone: Tz,
        complaints: &mut Vec<Diagnostic>,
    ) -> Option<Schedule> {
        let times = times(spec, place, zone, complaints);
        let days = Days::lower(spec, complaints);
        let limits = limits(spec, complaints);
        let (start_within, finish_within) = limits?;
        let schedule = Schedule {
            start_within,
            finish_within,
            overlap: spec.overlap.unwrap_or_default(),
            times: times?,
            days: days?,
            zone,
        };
        schedule.check(spec, complaints);
        Some(schedule)
    }

    /// An expression alone.
    pub fn of_cron(cron: Spanned<Cron>, zone: Tz, dst: Dst) -> Schedule {
        Schedule {
            start_within: START_WITHIN,
            finish_within: None,
            overlap: Overlap::default(),
            times: Times::Cron(Box::new(cron), dst),
            days: Days::default(),
            zone,
        }
    }

    pub fn zone(&self) -> Tz {
        self.zone
    }

    /// What it names after an instant, in order: what fires and what a clock change skips.
    pub fn slots(&self, after: DateTime<Utc>) -> impl Iterator<Item = Slot> + use<'_> {
        let (slots, singles) = match &self.times {
            Times::Cron(cron, dst) => {
                let slots = Slots::after(&cron.value, &self.days, (self.zone, *dst), after);
                (Some(slots), [].as_slice())
            }
            Times::At(singles) => (None, singles.as_slice()),
        };
        let singles = singles
            .iter()
            .map(|single| Slot::Fires(single.firing.clone()));
        let singles = singles.filter(move |slot| slot.at() > after);
        slots.into_iter().flatten().chain(singles)
    }

    /// The local times of day that are fixed, each with its place: of a fixed expression and of single times. An
    /// interval has none.
    pub fn fixed_times(&self) -> Vec<Spanned<NaiveTime>> {
        match &self.times {
            Times::Cron(cron, _) if cron.is_fixed() => {
                let spanned = |time: &NaiveTime| Spanned {
                    value: *time,
                    span: cron.span.clone(),
                };
                cron.times().iter().map(spanned).collect()
            }
            Times::Cron(..) => Vec::new(),
            Times::At(shots) => shots
                .iter()
                .map(|shot| Spanned {
                    value: shot.firing.at.time(),
                    span: shot.span.clone(),
                })
                .collect(),
        }
    }

    /// What only times and days together show.
    fn check(&self, spec: &ScheduleSpec, complaints: &mut Vec<Diagnostic>) {
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
                .and_then(|until| until.checked_sub_days(Count::new(SEARCHED_DAYS))));
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
            let diagnostic =
                error("every time it names falls into a gap of the clock and is skipped");
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

/// What is said of an expression whose day never comes.
pub const NO_SUCH_DAY: &str = "there is no such day in the next hundred years";

fn times(
    spec: &ScheduleSpec,
    place: &Span,
    zone: Tz,
    complaints: &mut Vec<Diagnostic>,
) -> Option<Times> {
    // Both are looked through, even if only one may stay.
    let cron = spec.cron.as_ref().map(|text| expression(text, complaints));
    let singles = spec
        .at
        .as_ref()
        .map(|list| one_shots(list, zone, complaints));
    match (&spec.cron, &spec.at) {
        (Some(cron), Some(list)) => {
            complaints.push(
                Diagnostic::error(
                    "two-schedules",
                    &list.span,
                    "the schedule has both `cron` and `at`",
                )
                .also(&cron.span, "the expression is here")
                .help("keep one of them; a second campaign can have the other"),
            );
            return None;
        }
        (None, None) => complaints.push(
            Diagnostic::error(
                "no-times",
                place,
                "the schedule has neither `cron` nor `at`",
            )
            .help("write `cron: \"0 9 * * MON-FRI\"` or `at: [2026-11-11T09:00]`"),
        ),
        _ => {}
    }
    let dst = spec.dst.as_ref().map(|dst| dst.value).unwrap_or_default();
    let cron = cron.flatten().map(|cron| Times::Cron(Box::new(cron), dst));
    cron.or(singles.flatten().map(Times::At))
}

fn expression(text: &Text, complaints: &mut Vec<Diagnostic>) -> Option<Spanned<Cron>> {
    let parsed = Cron::parse(text);
    let cron = parsed.map_err(|fault| {
        let span = text.span_of(fault.range);
        complaints.push(Diagnostic::error("cron", &span, fault.message).help(fault.help));
    });
    Some(Spanned {
        value: cron.ok()?,
        span: text.span.clone(),
    })
}

/// All of them, or none if one is wrong.
fn one_shots(
    list: &Spanned<Vec<Spanned<String>>>,
    zone: Tz,
    complaints: &mut Vec<Diagnostic>,
) -> Option<Vec<OneShot>> {
    if list.is_empty() {
        let diagnostic = Diagnostic::error("never-fires", &list.span, "`at` names no time");
        complaints.push(
            diagnostic
                .help("write `at: [2026-11-11T09:00]`, or leave `schedule` out to run it by hand"),
        );
        return None;
    }
    let before = complaints.len();
    let mut shots: BTreeMap<DateTime<Utc>, OneShot> = BTreeMap::new();
    for written in &list.value {
        let Some(shot) = OneShot::lower(written, zone, complaints) else {
            continue;
        };
        let instant = shot.firing.at.with_timezone(&Utc);
        if let Some(first) = shots.get(&instant) {
            complaints.push(
                Diagnostic::error(
                    "same-time",
                    &shot.span,
                    "this is the same time as one before",
                )
                .also(&first.span, "it is here first")
                .help("delete one of the two"),
            );
            continue;
        }
        shots.insert(instant, shot);
    }
    (complaints.len() == before).then(|| shots.into_values().collect())
}

fn idle_dst(dst: &Spanned<Dst>, why: &str) -> Diagnostic {
    Diagnostic::warning(
        "idle-dst",
        &dst.span,
        format!("`dst` changes nothing here: {why}"),
    )
    .help("delete it")
}

/// `start_within` and `finish_within`.
fn limits(
    spec: &ScheduleSpec,
    complaints: &mut Vec<Diagnostic>,
) -> Option<(Duration, Option<Duration>)> {
    let before = complaints.len();
    let start = spec
        .start_within
        .as_ref()
        .and_then(|text| length(text, START_WITHIN_MAX, complaints));
    let finish = spec
        .finish_within
        .as_ref()
        .and_then(|text| length(text, FINISH_WITHIN_MAX, complaints));
    if let (Some(late), Some(end)) = (&spec.start_within, &spec.finish_within)
        && start
            .zip(finish)
            .is_some_and(|(start, finish)| finish < start)
    {
        complaints.push(
            Diagnostic::error(
                "start-after-finish",
                &late.span,
                "an occurrence could start when it is too late for all its deliveries",
            )
            .also(&end.span, "nothing starts later than this")
            .help(format!("write `start_within: {}` or less", end.value)),
        );
    }
    let start = start.unwrap_or(finish.map_or(START_WITHIN, |finish| START_WITHIN.min(finish)));
    (complaints.len() == before).then_some((start, finish))
}

fn length(
    written: &Spanned<String>,
    longest: Duration,
    complaints: &mut Vec<Diagnostic>,
) -> Option<Duration> {
    const SHORTEST: Duration = Duration::from_secs(1);
    let days = longest.as_secs() / 86_400;
    let text = &written.value;
    let message = match humantime::parse_duration(text) {
        Ok(length) if length < SHORTEST => format!("`{text}` is shorter than a second"),
        Ok(length) if length > longest => format!("`{text}` is longer than {days} days"),
        Ok(length) => return Some(length),
        Err(_) => format!("`{text}` is no length of time"),
    };
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let help = if is_number {
        format!("add a unit: `{text}m` for minutes, `{text}h` for hours")
    } else {
        format!("write a number and a unit, such as `15m`, `6h` or `1h 30m`, up to `{days}d`")
    };
    complaints.push(Diagnostic::error("duration", &written.span, message).help(help));
    None
}
