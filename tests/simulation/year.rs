//! A year of the example repository, looked at as the daemon does: the ledger of its occurrences is the table below.

use campanile::workbench::{
    AgendaStanding, Catalog, CatalogEntry, Civil, Hours, Repository, Schedule, Settings, Source,
    decide,
};
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use std::collections::BTreeSet;
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

/// What is sent of a schedule in a year, each at its time, looking only when there is something to decide.
fn sent(entry: &CatalogEntry, schedule: &Schedule) -> Vec<(String, DateTime<Utc>)> {
    let zone = schedule.zone();
    let hours = entry.window.map(|window| Hours { window, zone });
    let (mut now, end) = (at("2025-12-31T12:00:00Z"), at("2026-12-31T15:59:00Z"));
    let (mut settled, mut sent) = (now, Vec::new());
    let mut taken = BTreeSet::new();
    while now <= end {
        let standing = AgendaStanding {
            campaign: &entry.name,
            schedule,
            hours,
            settled,
            taken: &taken,
            paused: None,
            stale: None,
            open: None,
            queued: None,
        };
        let agenda = decide(&standing, now);
        assert!(
            agenda.decided.is_empty(),
            "{}: {:?}",
            entry.name,
            agenda.decided
        );
        if let Some(start) = agenda.start {
            assert!(taken.insert(Civil::of(&start)), "{} twice", entry.name);
            assert_eq!(start.at.to_utc(), now, "{} is late", entry.name);
            sent.push((start.at.format("%Y-%m-%dT%H:%M").to_string(), now));
        }
        settled = now;
        now = agenda.wake.unwrap_or(end + TimeDelta::days(1));
    }
    sent
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
