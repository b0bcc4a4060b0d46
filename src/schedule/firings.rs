//! From local times to instants, through clock changes.
//!
//! | | in a gap | in a repeated hour |
//! | --- | --- | --- |
//! | fixed, `run_once` | at the first valid instant after it | first pass |
//! | fixed, `skip` | skipped | first pass |
//! | fixed, `wall` | skipped | both passes |
//! | interval | does not exist | both passes |

use super::{Cron, Days};
use chrono::{
    DateTime, Days as Count, LocalResult, NaiveDate, NaiveDateTime, TimeDelta, TimeZone, Utc,
};
use chrono_tz::Tz;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What becomes of a fixed time that a clock change touches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Dst {
    /// It fires once: at the first instant after a gap, and in the first pass of a repeated hour.
    #[default]
    RunOnce,
    /// It is skipped in a gap, and fires in the first pass of a repeated hour.
    Skip,
    /// It fires as the wall clock shows it: not in a gap, and in both passes of a repeated hour.
    Wall,
}

/// A local time that a schedule names, and what becomes of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Slot {
    Fires(Firing),
    Skipped(Skipped),
}

/// One time at which a schedule fires.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Firing {
    pub at: DateTime<Tz>,
    pub note: Option<Note>,
}

/// A time that is named, does not exist that day, and is not made up for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skipped {
    pub local: NaiveDateTime,
    /// The first instant after the gap: when it is known to have been skipped.
    pub at: DateTime<Tz>,
}

/// What a clock change did to a firing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Note {
    /// Its local time does not exist that day.
    MovedFrom(NaiveDateTime),
    FirstPass,
    SecondPass,
}

/// What an expression names, in order. Ends where nothing fires for a hundred years.
#[derive(Debug)]
pub(super) struct Slots<'a> {
    cron: &'a Cron,
    zone: Tz,
    dst: Dst,
    days: &'a Days,
    after: DateTime<Utc>,
    /// The next local date to look at.
    date: NaiveDate,
    /// What has been found and not been given out. Of one instant, what is skipped comes before what fires.
    found: BTreeMap<(DateTime<Utc>, bool, NaiveDateTime), Slot>,
    /// Dates looked at since the last firing.
    idle: u32,
}

/// Longer than the longest wait there is: 29 February on a given weekday across a year like 2100.
pub(super) const DAYS_SEARCHED_MAX: u32 = 36_525;

impl<'a> Slots<'a> {
    /// Those later than `after`.
    pub(super) fn after(
        cron: &'a Cron,
        days: &'a Days,
        (zone, dst): (Tz, Dst),
        after: DateTime<Utc>,
    ) -> Slots<'a> {
        let date = after.with_timezone(&zone).date_naive();
        // A clock that is put back at midnight repeats the end of the date before.
        let date = date.checked_sub_days(Count::new(1)).unwrap_or(date);
        Slots {
            cron,
            zone,
            dst,
            days,
            after,
            date: days.from.map_or(date, |from| from.max(date)),
            found: BTreeMap::new(),
            idle: 0,
        }
    }

    /// Finds what a local date has; the last pass of a repeated hour may come after times of the next date.
    fn look(&mut self) -> Option<()> {
        let date = self.date;
        if self.days.until.is_some_and(|until| until < date) {
            return None;
        }
        self.date = date.checked_add_days(Count::new(1))?;
        self.idle += 1;
        if self.cron.names_day(date) && self.days.allow(date) {
            for time in self.cron.times() {
                self.slot(date.and_time(*time));
            }
        }
        Some(())
    }

    fn slot(&mut self, slot: NaiveDateTime) {
        match self.zone.from_local_datetime(&slot) {
            LocalResult::Single(at) => self.fires(at, None),
            LocalResult::Ambiguous(first, second) => {
                let twice = !self.cron.is_fixed() || self.dst == Dst::Wall;
                self.fires(first, Some(Note::FirstPass));
                if twice {
                    self.fires(second, Some(Note::SecondPass));
                }
            }
            LocalResult::None if self.cron.is_fixed() => {
                if let Some(at) = after_gap(slot, self.zone) {
                    match self.dst {
                        Dst::RunOnce => self.fires(at, Some(Note::MovedFrom(slot))),
                        Dst::Skip | Dst::Wall => {
                            self.add(at, slot, Slot::Skipped(Skipped { local: slot, at }));
                        }
                    }
                }
            }
            LocalResult::None => {}
        }
    }

    /// Times that land on one instant are one firing, named by the time of that instant.
    fn fires(&mut self, at: DateTime<Tz>, note: Option<Note>) {
        self.add(at, at.naive_local(), Slot::Fires(Firing { at, note }));
    }

    fn add(&mut self, at: DateTime<Tz>, local: NaiveDateTime, slot: Slot) {
        let instant = at.with_timezone(&Utc);
        if instant <= self.after {
            return;
        }
        let fires = matches!(slot, Slot::Fires(_));
        let is_plain = matches!(slot, Slot::Fires(Firing { note: None, .. }));
        let key = (instant, fires, local);
        if is_plain || !self.found.contains_key(&key) {
            self.found.insert(key, slot);
        }
    }

    /// The first that was found, if no date that was not looked at can have an earlier one.
    fn settled(&mut self) -> Option<Slot> {
        let (_, slot) = self.found.first_key_value()?;
        let next = slot.at().date_naive().checked_add_days(Count::new(1));
        if next.is_some_and(|next| next >= self.date) {
            return None;
        }
        self.pop()
    }

    fn pop(&mut self) -> Option<Slot> {
        let (_, slot) = self.found.pop_first()?;
        if matches!(slot, Slot::Fires(_)) {
            self.idle = 0;
        }
        Some(slot)
    }
}

impl Iterator for Slots<'_> {
    type Item = Slot;

    fn next(&mut self) -> Option<Slot> {
        while self.idle < DAYS_SEARCHED_MAX {
            let settled = self.settled();
            if settled.is_some() {
                return settled;
            }
            if self.look().is_none() {
                return self.pop();
            }
        }
        None
    }
}

impl Slot {
    /// When it is settled what becomes of it.
    pub fn at(&self) -> DateTime<Tz> {
        match self {
            Slot::Fires(firing) => firing.at,
            Slot::Skipped(skipped) => skipped.at,
        }
    }

    pub fn firing(self) -> Option<Firing> {
        match self {
            Slot::Fires(firing) => Some(firing),
            Slot::Skipped(_) => None,
        }
    }
}

/// The instant at which the clock jumps over `slot`.
pub(super) fn after_gap(slot: NaiveDateTime, zone: Tz) -> Option<DateTime<Tz>> {
    // No zone is further than this from UTC, and no clock changes twice within that.
    let reach = TimeDelta::hours(26);
    let mut before = slot.checked_sub_signed(reach)?.and_utc().timestamp();
    let mut behind = slot.checked_add_signed(reach)?.and_utc().timestamp();
    let local = |second: i64| Some(DateTime::from_timestamp(second, 0)?.with_timezone(&zone));
    while behind - before > 1 {
        let middle = before + (behind - before) / 2;
        if local(middle)?.naive_local() < slot {
            before = middle;
        } else {
            behind = middle;
        }
    }
    local(behind)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn firings(expression: &str, zone: &str, dst: Dst, after: &str, count: usize) -> Vec<String> {
        let cron = Cron::parse(expression).unwrap();
        let after = DateTime::parse_from_rfc3339(after)
            .unwrap()
            .with_timezone(&Utc);
        let days = Days::default();
        Slots::after(&cron, &days, (zone.parse().unwrap(), dst), after)
            .filter_map(Slot::firing)
            .take(count)
            .map(|firing| firing.at.to_rfc3339())
            .collect()
    }

    #[test]
    fn a_fixed_time_in_a_gap_fires_when_the_gap_is_over() {
        let gap = |dst| {
            firings(
                "30 2 * * *",
                "Europe/Berlin",
                dst,
                "2026-03-28T12:00:00Z",
                2,
            )
        };
        assert_eq!(
            gap(Dst::RunOnce),
            ["2026-03-29T03:00:00+02:00", "2026-03-30T02:30:00+02:00"]
        );
        assert_eq!(
            gap(Dst::Skip),
            ["2026-03-30T02:30:00+02:00", "2026-03-31T02:30:00+02:00"]
        );
        assert_eq!(gap(Dst::Wall), gap(Dst::Skip));
    }

    #[test]
    fn times_that_land_on_one_instant_are_one() {
        let both = firings(
            "0 2,3 * * *",
            "Europe/Berlin",
            Dst::RunOnce,
            "2026-03-28T12:00:00Z",
            2,
        );
        assert_eq!(
            both,
            ["2026-03-29T03:00:00+02:00", "2026-03-30T02:00:00+02:00"]
        );
    }

    #[test]
    fn a_repeated_hour_fires_once_for_fixed_times_and_twice_for_intervals() {
        let repeated = |dst| {
            firings(
                "30 2 * * *",
                "Europe/Berlin",
                dst,
                "2026-10-24T12:00:00Z",
                2,
            )
        };
        assert_eq!(
            repeated(Dst::RunOnce),
            ["2026-10-25T02:30:00+02:00", "2026-10-26T02:30:00+01:00"]
        );
        assert_eq!(
            repeated(Dst::Wall),
            ["2026-10-25T02:30:00+02:00", "2026-10-25T02:30:00+01:00"]
        );
        let interval = firings(
            "*/30 2 * * *",
            "Europe/Berlin",
            Dst::RunOnce,
            "2026-10-24T12:00:00Z",
            4,
        );
        assert_eq!(
            interval[1..3],
            ["2026-10-25T02:30:00+02:00", "2026-10-25T02:00:00+01:00"]
        );
    }

    #[test]
    fn a_clock_that_is_put_back_over_midnight_repeats_the_evening_before() {
        // At 00:01 it became 23:01.
        let after = "2010-11-07T02:29:30Z";
        assert_eq!(
            firings("* * * * *", "America/St_Johns", Dst::RunOnce, after, 2),
            ["2010-11-07T00:00:00-02:30", "2010-11-06T23:01:00-03:30"]
        );
        let after = "2010-11-07T02:30:30Z";
        assert_eq!(
            firings("* * * * *", "America/St_Johns", Dst::RunOnce, after, 1),
            ["2010-11-06T23:01:00-03:30"]
        );
    }

    #[test]
    fn the_last_day_and_weekdays_stand_in_one_list() {
        // 31 October 2026 is a Saturday, so the last weekday is the 30th; the 15th is a Thursday.
        for (days, expected) in [
            ("L,LW", ["2026-10-30", "2026-10-31"]),
            ("L,15W", ["2026-10-15", "2026-10-31"]),
        ] {
            let expression = format!("0 0 {days} * *");
            let found = firings(&expression, "UTC", Dst::RunOnce, "2026-10-01T00:00:00Z", 2);
            assert_eq!(
                found,
                expected.map(|date| format!("{date}T00:00:00+00:00")),
                "{days}"
            );
        }
    }

    #[test]
    fn what_never_comes_ends_the_search() {
        assert!(firings("0 0 30 2 *", "UTC", Dst::RunOnce, "2026-01-01T00:00:00Z", 1).is_empty());
        assert_eq!(
            firings("0 0 29 2 *", "UTC", Dst::RunOnce, "2096-03-01T00:00:00Z", 1),
            ["2104-02-29T00:00:00+00:00"]
        );
    }

    #[test]
    fn what_nobody_can_mean_is_refused_at_its_place() {
        for (expression, place) in [
            (", * * * *", ","),
            ("* * MON * *", "MON"),
            ("*/60 * * * *", "*/60"),
            ("0 9 * * FRI-MON", "FRI-MON"),
            ("0 24 * * *", "24"),
            ("0 9 0 * *", "0"),
            ("0 0 9 * * *", "0 0 9 * * *"),
            ("@reboot", "@reboot"),
            ("0 9 * * 1#6", "1#6"),
            ("1-2-3 * * * *", "1-2-3"),
        ] {
            let fault = Cron::parse(expression).unwrap_err();
            assert_eq!(&expression[fault.range], place, "{expression}");
        }
    }
}
