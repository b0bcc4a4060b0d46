//! A year of the example repository, as the scheduler decides it: the ledger of its occurrences is the table below.

use campanile::workbench::{
    Catalog, CatalogEntry, Civil, Definition, Digest, Effect, Hours, Moment, OpenResult,
    Repository, Schedule, ScheduleKey, Scheduler, SchedulerEvent as Event, SdkAppId, Settings,
    Source, VendorApp,
};
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt::Write;
use std::path::Path;
use std::sync::Arc;

/// Each campaign with its occurrences of 2026: how many, the first and the last; then those around the changes of the clock
/// in Europe, on 29 March and 25 October.
const YEAR: &str = "\
duty-notice: 365 sent, 2026-01-01T07:45 to 2026-12-31T07:45
new-year-greeting: 1 sent, 2026-01-01T09:00 to 2026-01-01T09:00
red-packet: 52 sent, 2026-01-02T10:00 to 2026-12-25T10:00
shop-members-day: 12 sent, 2026-01-08T10:30 to 2026-12-08T10:30
singles-day-countdown: 0 sent
weekly-digest: 51 sent, 2026-01-05T09:00 to 2026-12-21T09:00
red-packet 2026-03-27T10:00 at 2026-03-27T02:00:00Z
red-packet 2026-04-03T10:00 at 2026-04-03T02:00:00Z
red-packet 2026-10-23T10:00 at 2026-10-23T02:00:00Z
red-packet 2026-10-30T10:00 at 2026-10-30T02:00:00Z
weekly-digest 2026-03-23T09:00 at 2026-03-23T09:00:00Z
weekly-digest 2026-03-30T09:00 at 2026-03-30T08:00:00Z
weekly-digest 2026-10-19T09:00 at 2026-10-19T08:00:00Z
weekly-digest 2026-10-26T09:00 at 2026-10-26T09:00:00Z
";

fn at(text: &str) -> DateTime<Utc> {
    DateTime::parse_from_rfc3339(text).unwrap().to_utc()
}

fn catalog() -> Catalog {
    let text = std::fs::read_to_string("campanile.yaml").unwrap();
    let settings = Settings::read(&Source::new("campanile.yaml", text), &[]).unwrap();
    let repository = Repository::at(Path::new(".")).unwrap();
    let mut catalog = Catalog::new(Arc::new(settings), repository);
    let long_after_all_was_written = at("2100-01-01T00:00:00Z").timestamp_millis();
    catalog.refresh(long_after_all_was_written).unwrap();
    catalog
}

/// What is sent of a schedule in a year, each at its time: the scheduler's effects are carried out at once.
fn sent(entry: &CatalogEntry, schedule: &Arc<Schedule>) -> Vec<(String, DateTime<Utc>)> {
    let (mut now, end) = (at("2025-12-31T12:00:00Z"), at("2026-12-31T15:59:00Z"));
    let mut scheduler = Scheduler::default();
    let zone = schedule.zone();
    let definition = Definition {
        key: ScheduleKey {
            app: VendorApp {
                sdk_app_id: SdkAppId(1),
                host: "h".to_owned(),
            },
            campaign: entry.name.clone(),
        },
        schedule: Arc::clone(schedule),
        hours: entry.window.map(|window| Hours { window, zone }),
        invalid: None,
        version: Digest::of("version", []),
    };
    let mut events = VecDeque::from([
        Event::Journal(Box::default()),
        Event::Defined {
            definition: Box::new(definition),
            cursor: None,
        },
    ]);
    let mut sent = BTreeMap::new();
    while now <= end {
        let event = events.pop_front().unwrap_or(Event::Time);
        for (id, effect) in scheduler.handle(event, moment(now)) {
            events.extend(match effect {
                Effect::Look { .. } => Some(Event::Looked {
                    id,
                    taken: sent.keys().copied().collect(),
                    open: Vec::new(),
                }),
                Effect::Plan { .. } => Some(Event::PlanReady { id, planned: 1 }),
                Effect::Open { occurrence, .. } => {
                    assert_eq!(occurrence.at.to_utc(), now, "{} is late", entry.name);
                    let civil = Civil::of(&occurrence);
                    let local = occurrence.at.format("%Y-%m-%dT%H:%M").to_string();
                    let before = sent.insert(civil, (local, now));
                    assert!(before.is_none(), "{} twice", entry.name);
                    // Its run has ended when it is looked at next.
                    let result = OpenResult::AlreadyOpened;
                    Some(Event::Opened { id, result })
                }
                Effect::Record { decided, .. } => {
                    assert!(decided.is_empty(), "{}: {decided:?}", entry.name);
                    let refused = BTreeSet::new();
                    Some(Event::Recorded { id, refused })
                }
                _ => None,
            });
        }
        if events.is_empty() {
            let wait = scheduler.wakes_in(moment(now));
            let wait = wait.and_then(|wait| TimeDelta::from_std(wait).ok());
            now += wait.unwrap_or(TimeDelta::days(366));
        }
    }
    sent.into_values().collect()
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

#[test]
fn a_year_of_the_examples_is_what_the_table_says() {
    let catalog = catalog();
    let (mut summary, mut around) = (String::new(), String::new());
    for entry in catalog.entries() {
        let Some(schedule) = &entry.schedule else {
            continue;
        };
        let sent = sent(entry, schedule);
        write!(summary, "{}: {} sent", entry.name, sent.len()).unwrap();
        if let (Some((first, _)), Some((last, _))) = (sent.first(), sent.last()) {
            write!(summary, ", {first} to {last}").unwrap();
        }
        summary.push('\n');
        for (local, instant) in &sent {
            let is_near = |change: &str| (*instant - at(change)).abs() < TimeDelta::days(7);
            let is_weekly = [51, 52].contains(&sent.len());
            if is_weekly && (is_near("2026-03-29T01:00:00Z") || is_near("2026-10-25T01:00:00Z")) {
                let instant = instant.to_rfc3339_opts(SecondsFormat::Secs, true);
                writeln!(around, "{} {local} at {instant}", entry.name).unwrap();
            }
        }
    }
    assert_eq!(format!("{summary}{around}"), YEAR);
}
