//! Schedules over a year, looked at as a daemon does that sleeps, is killed and comes back.

use super::{Civil, Disposition, PausedBy, Standing, Waiting, decide};
use crate::identity::CampaignName;
use crate::schedule::{Cron, Dst, Occurrence, Overlap, Schedule, Slot, parse_zone};
use crate::settings::Hours;
use crate::source::{Source, Span, Spanned};
use chrono::{DateTime, TimeDelta, Utc};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

fn schedule(expression: &str, zone: &str, dst: Dst) -> Schedule {
    let source = Source::new("news.yaml", expression);
    let span = Span::new(&source, 0..expression.len());
    let cron = Cron::parse(expression).unwrap();
    Schedule::of_cron(
        Spanned { value: cron, span },
        parse_zone(zone).unwrap(),
        dst,
    )
}

fn at(text: &str) -> DateTime<Utc> {
    DateTime::parse_from_rfc3339(text).unwrap().to_utc()
}

/// A campaign, everything that is written down of it, and a run that takes its time.
struct World {
    schedule: Schedule,
    hours: Option<Hours>,
    takes: TimeDelta,
    settled: DateTime<Utc>,
    states: BTreeMap<Civil, Vec<&'static str>>,
    reasons: BTreeMap<Civil, String>,
    starts: Vec<(DateTime<Utc>, DateTime<Utc>)>,
    open_until: Option<DateTime<Utc>>,
    queued: Option<Waiting>,
    paused: Option<PausedBy>,
    stale: Option<&'static str>,
    wake: Option<DateTime<Utc>>,
}

impl World {
    fn new(schedule: Schedule, from: DateTime<Utc>) -> World {
        World {
            schedule,
            hours: None,
            takes: TimeDelta::minutes(1),
            settled: from,
            states: BTreeMap::new(),
            reasons: BTreeMap::new(),
            starts: Vec::new(),
            open_until: None,
            queued: None,
            paused: None,
            stale: None,
            wake: None,
        }
    }

    fn look(&mut self, now: DateTime<Utc>) {
        if let Some(end) = self.open_until.filter(|end| *end <= now) {
            self.open_until = None;
            if let Some(queued) = &mut self.queued {
                queued.free = Some(end);
            }
        }
        let near = self.settled.naive_utc() - TimeDelta::days(2);
        let later = Civil {
            local: near,
            fold: 0,
        };
        let taken: BTreeSet<Civil> = self
            .states
            .range(later..)
            .map(|(civil, _)| *civil)
            .collect();
        let campaign = CampaignName::try_from("news").unwrap();
        let before = "news@2026-01-01T00:00".parse().unwrap();
        let agenda = decide(
            &Standing {
                campaign: &campaign,
                schedule: &self.schedule,
                hours: self.hours,
                settled: self.settled,
                taken: &taken,
                paused: self.paused,
                stale: self.stale,
                open: self.open_until.map(|_| &before),
                queued: self.queued.as_ref(),
            },
            now,
        );
        for each in agenda.decided {
            let was_queued = self.queued.as_ref();
            if was_queued.is_some_and(|waiting| Civil::of(&waiting.occurrence) == each.civil) {
                self.queued = None;
                self.states.remove(&each.civil);
            }
            if each.disposition == Disposition::Queued {
                let occurrence = Occurrence {
                    at: each.at,
                    fold: each.civil.fold,
                };
                self.queued = Some(Waiting {
                    occurrence,
                    free: None,
                });
            }
            self.states
                .entry(each.civil)
                .or_default()
                .push(each.disposition.name());
            self.reasons.insert(each.civil, each.grounds.to_string());
        }
        if let Some(start) = agenda.start {
            let civil = Civil::of(&start);
            if self.queued.take().is_some() {
                self.states.remove(&civil);
            }
            self.states.entry(civil).or_default().push("sent");
            self.starts.push((start.at.to_utc(), now));
            self.open_until = Some(now + self.takes);
        }
        self.settled = now;
        self.wake = agenda.wake;
    }

    /// Looks whenever there is something to decide.
    fn live(&mut self, until: DateTime<Utc>) {
        self.look(self.settled);
        loop {
            let next = [self.wake, self.open_until].into_iter().flatten().min();
            let Some(next) = next.filter(|next| *next <= until) else {
                break;
            };
            self.look(next);
        }
        self.settled = until.max(self.settled);
    }

    fn count(&self, state: &str) -> usize {
        let is_it = |states: &&Vec<&str>| states.as_slice() == [state];
        self.states.values().filter(is_it).count()
    }

    fn state(&self, local: &str) -> String {
        let mut found = Vec::new();
        for (civil, states) in &self.states {
            if civil.local.format("%Y-%m-%dT%H:%M").to_string() == local {
                found.push(format!(
                    "{}{}",
                    states.join("+"),
                    "'".repeat(civil.fold.into())
                ));
            }
        }
        found.join(" ")
    }
}

/// How many a year comes to are sent and skipped, and what becomes of the days on which the clock of New York changes.
type Row = (
    &'static str,
    Dst,
    usize,
    usize,
    [&'static str; 2],
    [&'static str; 2],
);

#[rustfmt::skip]
const YEAR: [Row; 7] = [
    ("30 2 * * *", Dst::RunOnce, 365, 0, ["2026-03-08T03:00", "sent"], ["2026-11-01T02:30", "sent"]),
    ("30 2 * * *", Dst::Skip, 364, 1, ["2026-03-08T02:30", "skipped"], ["2026-11-01T02:30", "sent"]),
    ("30 1 * * *", Dst::RunOnce, 365, 0, ["2026-03-08T01:30", "sent"], ["2026-11-01T01:30", "sent"]),
    ("30 1 * * *", Dst::Wall, 366, 0, ["2026-03-08T01:30", "sent"], ["2026-11-01T01:30", "sent sent'"]),
    ("0 2,3 * * *", Dst::RunOnce, 729, 0, ["2026-03-08T03:00", "sent"], ["2026-11-01T02:00", "sent"]),
    ("0 * * * *", Dst::RunOnce, 8_760, 0, ["2026-03-08T02:00", ""], ["2026-11-01T01:00", "sent sent'"]),
    ("0 9 * * MON-FRI", Dst::RunOnce, 261, 0, ["2026-03-09T09:00", "sent"], ["2026-11-02T09:00", "sent"]),
];

#[test]
fn a_year_with_two_clock_changes_comes_out_as_the_table_says() {
    for (expression, dst, sent, skipped, spring, autumn) in YEAR {
        let schedule = schedule(expression, "America/New_York", dst);
        let mut world = World::new(schedule, at("2025-12-31T23:59:00-05:00"));
        world.live(at("2026-12-31T23:59:00-05:00"));
        let found = (world.count("sent"), world.count("skipped"));
        assert_eq!(found, (sent, skipped), "{expression} {dst:?}");
        for [local, state] in [spring, autumn] {
            assert_eq!(world.state(local), state, "{expression} {dst:?} {local}");
        }
        assert!(world.starts.iter().all(|(slot, started)| slot == started));
    }
}

#[test]
fn who_was_away_sends_the_latest_in_time_and_misses_the_others() {
    let mut schedule = schedule("*/10 * * * *", "UTC", Dst::RunOnce);
    schedule.start_within = Duration::from_mins(15);
    let mut world = World::new(schedule, at("2026-05-01T08:59:00Z"));
    world.look(at("2026-05-01T09:31:00Z"));
    assert_eq!(world.state("2026-05-01T09:00"), "missed");
    assert_eq!(world.state("2026-05-01T09:10"), "missed");
    assert_eq!(world.state("2026-05-01T09:20"), "missed");
    assert_eq!(world.state("2026-05-01T09:30"), "sent");
    let reasons: Vec<&String> = world.reasons.values().collect();
    assert_eq!(
        reasons,
        [
            "it would have started 31m late, and may start 15m late at most",
            "it would have started 21m late, and may start 15m late at most",
            "it was due together with that of 2026-05-01T09:30, which is later",
        ]
    );
}

#[test]
fn what_was_never_seen_before_its_time_is_not_due() {
    let schedule = schedule("0 9 * * *", "UTC", Dst::RunOnce);
    let mut world = World::new(schedule, at("2026-05-01T09:00:00Z"));
    world.look(at("2026-05-01T09:00:01Z"));
    assert!(world.states.is_empty(), "first seen at its very time");
    world.look(at("2026-05-02T09:00:00Z"));
    assert_eq!(world.state("2026-05-02T09:00"), "sent");
}

#[test]
fn while_a_run_is_open_the_next_is_skipped_or_waits() {
    for (overlap, second, third) in [
        (Overlap::Skip, "skipped", "skipped"),
        (Overlap::Queue, "sent", "skipped"),
    ] {
        let mut schedule = schedule("0 * * * *", "UTC", Dst::RunOnce);
        schedule.overlap = overlap;
        let mut world = World::new(schedule, at("2026-05-01T08:30:00Z"));
        world.takes = TimeDelta::minutes(150);
        world.live(at("2026-05-01T11:45:00Z"));
        let found = (
            world.state("2026-05-01T10:00"),
            world.state("2026-05-01T11:00"),
        );
        assert_eq!(found, (second.to_owned(), third.to_owned()), "{overlap:?}");
        assert_eq!(world.state("2026-05-01T09:00"), "sent");
    }
}

/// Its lateness counts from the end of the run that it waited for.
#[test]
fn what_waited_starts_when_that_has_ended_unless_nobody_was_there() {
    for (looked, state) in [("11:44", "sent"), ("11:46", "missed")] {
        let mut schedule = schedule("0 * * * *", "UTC", Dst::RunOnce);
        schedule.overlap = Overlap::Queue;
        let mut world = World::new(schedule, at("2026-05-01T08:30:00Z"));
        world.takes = TimeDelta::minutes(150);
        world.look(at("2026-05-01T09:00:00Z"));
        world.look(at("2026-05-01T10:00:00Z"));
        assert_eq!(world.state("2026-05-01T10:00"), "queued");
        world.look(at(&format!("2026-05-01T{looked}:00Z")));
        assert_eq!(world.state("2026-05-01T10:00"), state, "{looked}");
    }
}

#[test]
fn what_is_paused_or_invalid_or_outside_its_window_says_so() {
    let mut world = World::new(
        schedule("0 */6 * * *", "UTC", Dst::RunOnce),
        at("2026-05-01T01:00:00Z"),
    );
    let window = "08:00-22:00".parse().unwrap();
    world.hours = Some(Hours {
        window,
        zone: parse_zone("UTC").unwrap(),
    });
    world.look(at("2026-05-01T06:00:00Z"));
    world.paused = Some(PausedBy::Operator);
    world.look(at("2026-05-01T12:00:00Z"));
    world.paused = None;
    world.stale = Some("news.yaml:1: no");
    world.look(at("2026-05-01T18:00:00Z"));
    let reasons: Vec<&String> = world.reasons.values().collect();
    assert_eq!(
        reasons,
        [
            "it is outside the window 08:00-22:00",
            "the campaign was paused (by hand)",
            "its file is invalid: news.yaml:1: no",
        ]
    );
    assert_eq!(world.state("2026-05-01T06:00"), "skipped");
    assert_eq!(world.state("2026-05-01T12:00"), "skipped");
    assert_eq!(world.state("2026-05-01T18:00"), "held");
}

#[test]
fn who_was_away_for_long_is_told_how_much_and_not_of_each() {
    let mut world = World::new(
        schedule("* * * * *", "UTC", Dst::RunOnce),
        at("2025-05-01T00:00:00Z"),
    );
    world.look(at("2026-05-01T00:00:00Z"));
    assert_eq!(world.states.len(), 10_000);
    let first = world.reasons.values().next().unwrap();
    assert!(
        first.ends_with("; 34,640 occurrences before it as well"),
        "{first}"
    );
    assert_eq!(world.state("2026-05-01T00:00"), "sent");
}

/// An occurrence that was sent ahead of time, or by a clock that was set back since, has its state.
#[test]
fn what_has_its_state_gets_no_other() {
    let mut world = World::new(
        schedule("0 9 * * *", "UTC", Dst::RunOnce),
        at("2026-05-01T08:00:00Z"),
    );
    world.look(at("2026-05-01T09:00:00Z"));
    world.settled = at("2026-05-01T08:00:00Z");
    world.look(at("2026-05-01T09:05:00Z"));
    assert_eq!(world.state("2026-05-01T09:00"), "sent");
}

const EXPRESSIONS: [&str; 6] = [
    "0 9 * * *",
    "30 2 * * *",
    "*/7 * * * *",
    "0 1,2,3 * * *",
    "15 */2 * * *",
    "59 23 L * *",
];
const ZONES: [&str; 4] = [
    "America/New_York",
    "Asia/Shanghai",
    "Europe/Berlin",
    "Australia/Lord_Howe",
];

fn dst() -> impl Strategy<Value = Dst> {
    prop_oneof![Just(Dst::RunOnce), Just(Dst::Skip), Just(Dst::Wall)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// However seldom and irregularly it is looked, every slot of the time has exactly one state, none is sent before its
    /// time or later than it may be, and none twice.
    #[test]
    fn every_occurrence_has_exactly_one_state(
        expression in proptest::sample::select(EXPRESSIONS.as_slice()),
        zone in proptest::sample::select(ZONES.as_slice()),
        dst in dst(),
        queue in any::<bool>(),
        takes in 1_i64..400,
        start_within in 1_u64..120,
        naps in proptest::collection::vec((0_i64..900, any::<bool>(), 0_u8..8), 1..60),
    ) {
        let mut schedule = schedule(expression, zone, dst);
        schedule.start_within = Duration::from_mins(start_within);
        schedule.overlap = if queue { Overlap::Queue } else { Overlap::Skip };
        let from = at("2026-03-07T00:00:00Z");
        let mut world = World::new(schedule.clone(), from);
        world.takes = TimeDelta::minutes(takes);
        let mut now = from;
        for (minutes, is_awake, what) in naps {
            world.paused = (what == 1).then_some(PausedBy::Operator);
            world.stale = (what == 2).then_some("news.yaml:1: no");
            now += TimeDelta::minutes(minutes);
            if is_awake {
                world.live(now);
            } else {
                world.look(now);
            }
        }
        let slots = schedule.slots(from).take_while(|slot| slot.at().to_utc() <= now);
        let expected: BTreeSet<Civil> = slots.map(|slot| match slot {
            Slot::Fires(firing) => Civil::of(&Occurrence::of(&firing)),
            Slot::Skipped(skipped) => Civil { local: skipped.local, fold: 0 },
        }).collect();
        let found: BTreeSet<Civil> = world.states.keys().copied().collect();
        prop_assert_eq!(found, expected);
        for states in world.states.values() {
            prop_assert_eq!(states.len(), 1, "{:?}", states);
        }
        let within = TimeDelta::minutes(i64::try_from(start_within).unwrap());
        let queued = if queue { TimeDelta::minutes(takes) * 2 } else { TimeDelta::zero() };
        for (slot, started) in &world.starts {
            prop_assert!(started >= slot, "{slot} {started}");
            prop_assert!(*started - *slot <= within + queued, "{slot} {started}");
        }
    }
}
