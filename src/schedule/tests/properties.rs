//! What holds for every schedule, tried on many.

use super::super::{Cron, Dst, Note, Schedule, Slot, parse_zone};
use super::schedule;
use crate::source::{Source, Span, Spanned};
use chrono::{DateTime, Datelike, NaiveDate, TimeDelta, Timelike, Utc};
use chrono_tz::Tz;
use proptest::prelude::*;
use proptest::sample::select;
use std::collections::BTreeSet;

const ZONES: [&str; 8] = [
    "Europe/Berlin",
    "America/New_York",
    "America/St_Johns",
    "Australia/Lord_Howe",
    "Asia/Beirut",
    "America/Santiago",
    "Asia/Shanghai",
    "UTC",
];
/// So many slots of each are looked at.
const LOOKED_AT: usize = 200;

fn zone() -> impl Strategy<Value = Tz> {
    select(ZONES.as_slice()).prop_map(|name| parse_zone(name).unwrap())
}

/// An instant of 2026 or 2027, in which every zone changes its clock that does so at all.
fn instant() -> impl Strategy<Value = DateTime<Utc>> {
    (0..2 * 365 * 86_400_i64).prop_map(|second| {
        let start = NaiveDate::from_ymd_opt(2026, 1, 1).unwrap();
        start.and_hms_opt(0, 0, 0).unwrap().and_utc() + TimeDelta::seconds(second)
    })
}

/// Times in the night, when clocks change.
fn fixed() -> impl Strategy<Value = String> {
    let minutes = select(["0", "30", "0,30", "15-45/15"].as_slice());
    let hours = select(["0", "1", "2", "0-3", "2,3", "23", "1-4"].as_slice());
    let days = select(
        [
            "* * *",
            "* * SUN",
            "1-20 * *",
            "* 3,10,11 *",
            "*/2 * MON-SAT",
        ]
        .as_slice(),
    );
    (minutes, hours, days).prop_map(|(minutes, hours, days)| format!("{minutes} {hours} {days}"))
}

fn interval() -> impl Strategy<Value = String> {
    select(
        [
            "*/30 * * * *",
            "0 * * * *",
            "*/20 1-3 * * *",
            "* 2 * * SUN",
            "15 */2 * * *",
        ]
        .as_slice(),
    )
    .prop_map(str::to_owned)
}

fn of_cron(expression: &str, zone: Tz, dst: Dst) -> Schedule {
    let source = Source::new("a.yaml", expression);
    let cron = Spanned {
        value: Cron::parse(expression).unwrap(),
        span: Span::beginning(&source),
    };
    Schedule::of_cron(cron, zone, dst)
}

fn firings(schedule: &Schedule, after: DateTime<Utc>, until: DateTime<Utc>) -> Vec<DateTime<Utc>> {
    let firings = schedule.slots(after).filter_map(Slot::firing);
    firings
        .map(|firing| firing.at.with_timezone(&Utc))
        .take_while(|at| *at <= until)
        .collect()
}

proptest! {
    #[test]
    fn slots_come_in_order_and_later_than_asked(
        expression in prop_oneof![fixed(), interval()],
        zone in zone(),
        dst in select([Dst::RunOnce, Dst::Skip, Dst::Wall].as_slice()),
        after in instant(),
    ) {
        let schedule = of_cron(&expression, zone, dst);
        let slots: Vec<Slot> = schedule.slots(after).take(LOOKED_AT).collect();
        prop_assert!(slots.iter().all(|slot| slot.at() > after));
        prop_assert!(slots.is_sorted_by_key(Slot::at));
        let fired: Vec<_> = slots.into_iter().filter_map(Slot::firing).collect();
        prop_assert!(fired.is_sorted_by(|one, next| one.at < next.at), "{:?}", fired);
    }

    #[test]
    fn a_later_start_leaves_out_what_is_over_and_nothing_else(
        expression in prop_oneof![fixed(), interval()],
        zone in zone(),
        dst in select([Dst::RunOnce, Dst::Skip, Dst::Wall].as_slice()),
        after in instant(),
        skipped in 0..20_usize,
    ) {
        let schedule = of_cron(&expression, zone, dst);
        let all: Vec<Slot> = schedule.slots(after).take(LOOKED_AT).collect();
        let start = all[skipped].at().with_timezone(&Utc);
        let later: Vec<Slot> = schedule.slots(start).take(20).collect();
        let expected: Vec<Slot> = all.into_iter().filter(|slot| slot.at() > start).take(20).collect();
        prop_assert_eq!(later, expected);
    }

    #[test]
    fn an_interval_fires_whenever_the_wall_clock_shows_its_time(
        expression in interval(),
        zone in zone(),
        after in instant(),
    ) {
        let schedule = of_cron(&expression, zone, Dst::RunOnce);
        let cron = Cron::parse(&expression).unwrap();
        let after = after - TimeDelta::seconds(after.timestamp() % 60);
        let minutes = (1..=3 * 1_440).map(|minute| after + TimeDelta::minutes(minute));
        let shown: Vec<_> = minutes
            .filter(|at| {
                let local = at.with_timezone(&zone).naive_local();
                cron.names_day(local.date()) && cron.times().contains(&local.time().with_second(0).unwrap())
            })
            .collect();
        prop_assert_eq!(firings(&schedule, after, after + TimeDelta::days(3)), shown);
    }

    #[test]
    fn policies_differ_only_where_a_clock_changes(expression in fixed(), zone in zone(), after in instant()) {
        let slots = |dst| -> Vec<Slot> { of_cron(&expression, zone, dst).slots(after).take(LOOKED_AT).collect() };
        let until = |slots: &[Slot]| slots.last().map(|slot| slot.at().with_timezone(&Utc)).unwrap();
        let (once, skip, wall) = (slots(Dst::RunOnce), slots(Dst::Skip), slots(Dst::Wall));
        let end = until(&once).min(until(&skip)).min(until(&wall));
        let plain = |slots: Vec<Slot>| -> BTreeSet<_> {
            let fired = slots.into_iter().filter_map(Slot::firing);
            let plain = fired.filter(|firing| matches!(firing.note, None | Some(Note::FirstPass)));
            plain.map(|firing| firing.at.with_timezone(&Utc)).filter(|at| *at < end).collect()
        };
        let once = plain(once);
        prop_assert_eq!(&once, &plain(skip));
        prop_assert_eq!(&once, &plain(wall));
    }

    #[test]
    fn days_only_take_away(
        expression in fixed(),
        zone in zone(),
        first in 0..400_u64,
        length in 20..200_u64,
        excepted in prop::collection::vec((0..200_u64, 0..9_u64), 0..5),
    ) {
        let day = |number: u64| NaiveDate::from_ymd_opt(2026, 1, 1).unwrap() + chrono::Days::new(number);
        let (from, until) = (day(first), day(first + length));
        let ranges: Vec<_> = excepted.iter().map(|(start, length)| (day(first + start), day(first + start + length))).collect();
        let written: Vec<_> = ranges.iter().map(|(start, end)| format!("{start}/{end}")).collect();
        let text = format!("cron: \"{expression}\"\nfrom: {from}\nuntil: {until}\nexcept: [{}]\ndst: skip\n", written.join(", "));
        let (limited, complaints) = super::lower(&text, zone.name());
        // With these days nothing may be left, which is a complaint and no occurrence.
        prop_assume!(complaints.iter().all(|complaint| complaint.code != "never-fires"));
        let start = (from - chrono::Days::new(2)).and_hms_opt(0, 0, 0).unwrap().and_utc();
        let is_left = |date: NaiveDate| {
            from <= date && date <= until && !ranges.iter().any(|(start, end)| *start <= date && date <= *end)
        };
        let named = |slot: &Slot| match slot {
            Slot::Fires(firing) => firing.at.date_naive(),
            Slot::Skipped(skipped) => skipped.local.date(),
        };
        let whole = of_cron(&expression, zone, Dst::Skip);
        let expected: Vec<Slot> = whole
            .slots(start)
            .take_while(|slot| slot.at().date_naive() <= until + chrono::Days::new(3))
            .filter(|slot| is_left(named(slot)))
            .collect();
        let found: Vec<Slot> = limited.unwrap().slots(start).collect();
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn nothing_that_is_typed_breaks_it(text in "[0-9TZ:+/ -]{0,25}") {
        for key in ["from", "until", "start_within", "finish_within"] {
            let _ = super::lower(&format!("cron: 0 9 * * *\n{key}: \"{text}\"\n"), "Europe/Berlin");
        }
        for key in ["at", "except"] {
            let _ = super::lower(&format!("cron: 0 9 * * *\n{key}: [\"{text}\"]\n"), "Europe/Berlin");
        }
    }

    #[test]
    fn a_single_time_reads_back_as_it_is_written(second in 0..i64::from(i32::MAX), zone in zone()) {
        let at = DateTime::from_timestamp(second, 0).unwrap().with_timezone(&zone);
        prop_assume!(at.year() >= 1990);
        let text = format!("at: [{}]\n", at.format("%Y-%m-%dT%H:%M:%S%:z"));
        let found: Vec<Slot> = schedule(&text, zone.name()).slots(DateTime::UNIX_EPOCH).collect();
        prop_assert_eq!(found.len(), 1);
        prop_assert_eq!(found[0].at(), at);
    }
}
