//! Schedules over a year, driven by a daemon that sleeps, is killed and comes back.

use super::super::{
    Civil, Cursor, Definition, Disposition, Effect, EffectId, Event, JournalView, OpenResult,
    OpenRun, PausedBy, ScheduleKey, Scheduler, Waiting,
};
use crate::identity::{Digest, Moment, RunName, SdkAppId, VendorApp};
use crate::schedule::{Cron, Dst, Occurrence, Overlap, Schedule, Slot, parse_zone};
use crate::settings::Hours;
use crate::source::{Source, Span, Spanned};
use chrono::{DateTime, TimeDelta, Utc};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
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

/// An instant on clocks that are never set.
fn moment(at: DateTime<Utc>) -> Moment {
    let wall_ms = at.timestamp_millis();
    Moment {
        wall_ms,
        boot_ns: u64::try_from(wall_ms).unwrap() * 1_000_000,
        boot_id: 1,
    }
}

fn key() -> ScheduleKey {
    ScheduleKey {
        app: VendorApp {
            sdk_app_id: SdkAppId(1),
            host: "h".to_owned(),
        },
        campaign: "news".try_into().unwrap(),
    }
}

/// A campaign, everything that the journal has of it, and a run that takes its time.
struct World {
    scheduler: Scheduler,
    definition: Definition,
    takes: TimeDelta,
    now: DateTime<Utc>,
    states: BTreeMap<Civil, Vec<&'static str>>,
    reasons: BTreeMap<Civil, String>,
    starts: Vec<(DateTime<Utc>, DateTime<Utc>)>,
    open: Option<(RunName, DateTime<Utc>)>,
    ended: Option<DateTime<Utc>>,
    waiting: Option<(Occurrence, Disposition)>,
    paused: Option<PausedBy>,
    /// What was held is in nobody's way any more, which the scheduler does not know yet.
    is_skipped: bool,
}

impl World {
    fn new(schedule: Schedule, from: DateTime<Utc>) -> World {
        let mut world = World {
            scheduler: Scheduler::default(),
            definition: Definition {
                key: key(),
                schedule: Arc::new(schedule),
                hours: None,
                invalid: None,
                version: Digest::of("version", []),
            },
            takes: TimeDelta::minutes(1),
            now: from,
            states: BTreeMap::new(),
            reasons: BTreeMap::new(),
            starts: Vec::new(),
            open: None,
            ended: None,
            waiting: None,
            paused: None,
            is_skipped: false,
        };
        world.define(None);
        world
    }

    fn define(&mut self, cursor: Option<Cursor>) {
        let definition = Box::new(self.definition.clone());
        self.handle(Event::Defined { definition, cursor });
    }

    /// A daemon starts whose journal has decided everything up to `decided`.
    fn restart(&mut self, decided: DateTime<Utc>) {
        self.scheduler = Scheduler::default();
        let decided_ms = decided.timestamp_millis();
        self.define(Some(Cursor {
            seen_ms: decided_ms,
            decided_ms,
            gap_ms: None,
        }));
    }

    fn set_invalid(&mut self, why: Option<&str>) {
        self.definition.invalid = why.map(str::to_owned);
        self.define(None);
    }

    fn handle(&mut self, event: Event) {
        let mut events = VecDeque::from([event]);
        while let Some(event) = events.pop_front() {
            for (id, effect) in self.scheduler.handle(event, moment(self.now)) {
                events.extend(self.perform(id, effect));
            }
        }
        if std::mem::take(&mut self.is_skipped) {
            self.look(self.now);
        }
    }

    fn perform(&mut self, id: EffectId, effect: Effect) -> Option<Event> {
        Some(match effect {
            Effect::Look { from, .. } => {
                let from = Civil {
                    local: from,
                    fold: 0,
                };
                let taken = self.states.range(from..).map(|(civil, _)| *civil);
                let taken = taken.collect();
                let open = self.open.iter().map(|(name, _)| name.clone()).collect();
                Event::Looked { id, taken, open }
            }
            Effect::Plan { .. } => Event::PlanReady { id, planned: 1 },
            Effect::Open { occurrence, .. } => {
                let run = RunName {
                    campaign: key().campaign,
                    local: occurrence.local(),
                    ordinal: 1,
                    test: false,
                };
                self.put(Civil::of(&occurrence), "sent");
                self.starts.push((occurrence.at.to_utc(), self.now));
                self.open = Some((run.clone(), self.now + self.takes));
                let result = OpenResult::Opened { run };
                Event::Opened { id, result }
            }
            Effect::Record { decided, .. } => {
                for each in decided {
                    self.put(each.civil, each.disposition.name());
                    self.reasons.insert(each.civil, each.grounds.to_string());
                    let occurrence = Occurrence {
                        at: each.at,
                        fold: each.civil.fold,
                    };
                    match each.disposition {
                        Disposition::Queued => self.waiting = Some((occurrence, each.disposition)),
                        // The operator skips it at once.
                        Disposition::Held => self.is_skipped = true,
                        Disposition::Released | Disposition::Missed | Disposition::Skipped => {}
                    }
                }
                let refused = BTreeSet::new();
                Event::Recorded { id, refused }
            }
            Effect::Withdraw { .. } => Event::Withdrawn {
                id,
                withdrawn: Vec::new(),
            },
            Effect::Forget { .. } => Event::Forgotten { id },
            Effect::Urge { .. }
            | Effect::Drop { .. }
            | Effect::Cancel { .. }
            | Effect::Notify(_) => return None,
        })
    }

    /// Takes a state down, in the place of one that it waited in.
    fn put(&mut self, civil: Civil, state: &'static str) {
        let waits = |(occurrence, _): &(Occurrence, Disposition)| Civil::of(occurrence) == civil;
        if self.waiting.take_if(|waiting| waits(waiting)).is_some() {
            self.states.remove(&civil);
        }
        self.states.entry(civil).or_default().push(state);
    }

    /// Looks at the journal, as a daemon does that was away until `now`.
    fn look(&mut self, now: DateTime<Utc>) {
        self.now = now;
        if let Some((_, end)) = self.open.take_if(|(_, end)| *end <= now) {
            self.ended = Some(end);
        }
        let waiting = self
            .waiting
            .iter()
            .map(|(occurrence, disposition)| Waiting {
                key: key(),
                occurrence: occurrence.clone(),
                disposition: *disposition,
                free_ms: self.ended.map(|ended| ended.timestamp_millis()),
            });
        let open = self.open.iter().map(|(name, _)| OpenRun {
            key: key(),
            name: name.clone(),
        });
        let paused = self.paused.map(|by| (key().campaign, by));
        let view = JournalView {
            upto: self.scheduler.last_id(),
            waiting: waiting.collect(),
            open: open.collect(),
            paused: paused.into_iter().collect(),
        };
        self.handle(Event::Journal(Box::new(view)));
    }

    /// Looks whenever there is something to decide.
    fn live(&mut self, until: DateTime<Utc>) {
        self.look(self.now);
        loop {
            let wake = self.scheduler.wakes_in(moment(self.now));
            let wake = wake.map(|wait| self.now + TimeDelta::from_std(wait).unwrap());
            let end = self.open.as_ref().map(|(_, end)| *end);
            let next = [wake, end].into_iter().flatten().min();
            let Some(next) = next.filter(|next| *next <= until) else {
                break;
            };
            if end == Some(next) {
                self.look(next);
            } else {
                self.now = next;
                self.handle(Event::Time);
            }
        }
        self.now = until.max(self.now);
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
    world.definition.hours = Some(Hours {
        window,
        zone: parse_zone("UTC").unwrap(),
    });
    world.define(None);
    world.look(at("2026-05-01T06:00:00Z"));
    world.paused = Some(PausedBy::Operator);
    world.look(at("2026-05-01T12:00:00Z"));
    world.paused = None;
    world.look(at("2026-05-01T12:00:01Z"));
    world.set_invalid(Some("news.yaml:1: no"));
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
    world.now = at("2026-05-01T09:05:00Z");
    world.restart(at("2026-05-01T08:00:00Z"));
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
            world.set_invalid((what == 2).then_some("news.yaml:1: no"));
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
