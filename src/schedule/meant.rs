//! The schedule as meant.

use super::days::Days;
use super::firings::{Dst, Slot, Slots};
use super::limits::{START_WITHIN, limits};
use super::one_shot::OneShot;
use super::traps::traps;
use super::{Cron, Overlap, ScheduleSpec};
use crate::identity::Digest;
use crate::source::{Diagnostic, Span, Spanned, Text, plural};
use chrono::{DateTime, NaiveTime, Utc};
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
    pub(super) times: Times,
    pub(super) days: Days,
    pub(super) zone: Tz,
    /// Where its last day is written.
    pub(super) until: Option<Span>,
    /// Somebody has said what a clock change does to it.
    pub(super) is_dst_chosen: bool,
}

#[derive(Clone, Debug)]
pub(super) enum Times {
    Cron(Box<Spanned<Cron>>, Dst),
    /// In order.
    At(Vec<OneShot>),
}

/// More single times than this are a schedule of another kind.
const SINGLES_MAX: usize = 1_000;

impl Schedule {
    /// Every complaint at once; only without an error among them it is what was meant. `place` stands for the whole schedule, `zone` is that of the campaign.
    pub fn lower(
        spec: &ScheduleSpec,
        place: &Span,
        zone: Tz,
        complaints: &mut Vec<Diagnostic>,
    ) -> Option<Schedule> {
        let times = times(spec, place, zone, complaints);
        let days = Days::lower(spec, complaints);
        let limits = limits(spec, complaints);
        // What cannot be read has been told of, and the rest is looked through without it.
        let (start_within, finish_within) = limits.unwrap_or((START_WITHIN, None));
        let are_days_known = days.is_some();
        let schedule = Schedule {
            start_within,
            finish_within,
            overlap: spec.overlap.unwrap_or_default(),
            times: times?,
            days: days.unwrap_or_default(),
            zone,
            until: spec.until.as_ref().map(|until| until.span.clone()),
            is_dst_chosen: spec.dst.is_some(),
        };
        if are_days_known {
            schedule.check(spec, complaints);
        }
        Some(schedule)
    }

    /// Looks through defaults, which have no times: those belong to a campaign.
    pub fn check_defaults(spec: &ScheduleSpec, complaints: &mut Vec<Diagnostic>) {
        let cron = spec.cron.as_ref().map(|cron| ("cron", &cron.span));
        let singles = spec.at.as_ref().map(|list| ("at", &list.span));
        for (name, span) in [cron, singles].into_iter().flatten() {
            let message = format!("`{name}` belongs to a campaign, not to the defaults");
            let complaint = Diagnostic::error("default-times", span, message);
            complaints.push(complaint.help("write it in each campaign that is to be sent then"));
        }
        Days::lower(spec, complaints);
        limits(spec, complaints);
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
            until: None,
            is_dst_chosen: true,
        }
    }

    pub fn zone(&self) -> Tz {
        self.zone
    }

    /// Tells it from schedules that name other times.
    pub fn digest(&self) -> Digest {
        let times = match &self.times {
            Times::Cron(cron, dst) => format!("{} {dst:?}", cron.value.text()),
            Times::At(shots) => {
                let instants = shots.iter().map(|shot| shot.firing.at.to_rfc3339());
                instants.collect::<Vec<_>>().join(" ")
            }
        };
        let parts = [times, self.zone.name().to_owned(), self.days.to_string()];
        Digest::of("schedule", parts.iter().map(String::as_bytes))
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
}

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
    let cron = cron.ok()?;
    complaints.extend(traps(text, &cron));
    Some(Spanned {
        value: cron,
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
    if let Some(beyond) = list.get(SINGLES_MAX) {
        let count = plural(list.len() as u64, "time");
        let message = format!("`at` names {count}, and 1,000 are the most");
        let help = "write what they have in common as `cron`, or divide them among campaigns";
        complaints.push(Diagnostic::error("too-many-times", &beyond.span, message).help(help));
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
