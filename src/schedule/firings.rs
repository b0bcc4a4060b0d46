//! From local times to instants, through clock changes.
//!
//! | | in a gap | in a repeated hour |
//! | --- | --- | --- |
//! | fixed, `run_once` | at the first valid instant after it | first pass |
//! | fixed, `skip` | skipped | first pass |
//! | fixed, `wall` | skipped | both passes |
//! | interval | does not exist | both passes |

use super::Cron;
use chrono::{DateTime, Days, LocalResult, NaiveDate, NaiveDateTime, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;
use std::collections::BTreeMap;

/// What becomes of a fixed time that a clock change touches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Dst {
    #[default]
    RunOnce,
    Skip,
    Wall,
}

/// One time at which an expression fires.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Firing {
    pub at: DateTime<Tz>,
    pub note: Option<Note>,
}

/// What a clock change did to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Note {
    /// Its local time does not exist that day.
    MovedFrom(NaiveDateTime),
    FirstPass,
    SecondPass,
}

/// The firings of an expression in order. Ends where nothing comes for a hundred years.
#[derive(Debug)]
pub struct Firings<'a> {
    cron: &'a Cron,
    zone: Tz,
    dst: Dst,
    after: DateTime<Utc>,
    /// The next local date to look at.
    date: NaiveDate,
    /// What has been found and not been given out.
    found: BTreeMap<DateTime<Utc>, Firing>,
}

/// Longer than the longest wait there is: 29 February on a given weekday across a year like 2100.
const DAYS_SEARCHED_MAX: u32 = 36_525;

impl<'a> Firings<'a> {
    /// Those later than `after`.
    pub fn after(cron: &'a Cron, zone: Tz, dst: Dst, after: DateTime<Utc>) -> Firings<'a> {
        let date = after.with_timezone(&zone).date_naive();
        // A time in a gap at midnight fires on the next local date.
        let date = date.checked_sub_days(Days::new(1)).unwrap_or(date);
        Firings {
            cron,
            zone,
            dst,
            after,
            date,
            found: BTreeMap::new(),
        }
    }

    /// Finds what a local date has; the last pass of a repeated hour may come after times of the next date.
    fn look(&mut self) -> Option<()> {
        let date = self.date;
        self.date = date.checked_add_days(Days::new(1))?;
        if self.cron.names_day(date) {
            for time in self.cron.times() {
                self.slot(date.and_time(*time));
            }
        }
        Some(())
    }

    fn slot(&mut self, slot: NaiveDateTime) {
        match self.zone.from_local_datetime(&slot) {
            LocalResult::Single(at) => self.add(at, None),
            LocalResult::Ambiguous(first, second) => {
                let twice = !self.cron.is_fixed() || self.dst == Dst::Wall;
                self.add(first, Some(Note::FirstPass));
                if twice {
                    self.add(second, Some(Note::SecondPass));
                }
            }
            LocalResult::None if self.cron.is_fixed() && self.dst == Dst::RunOnce => {
                if let Some(at) = self.first_after_gap(slot) {
                    self.add(at, Some(Note::MovedFrom(slot)));
                }
            }
            LocalResult::None => {}
        }
    }

    /// Times that land on one instant are one firing, named by the time of that instant.
    fn add(&mut self, at: DateTime<Tz>, note: Option<Note>) {
        let instant = at.with_timezone(&Utc);
        if instant > self.after {
            let known = self.found.entry(instant).or_insert(Firing { at, note });
            if note.is_none() {
                known.note = None;
            }
        }
    }

    /// The instant at which the clock jumps over `slot`.
    fn first_after_gap(&self, slot: NaiveDateTime) -> Option<DateTime<Tz>> {
        // No zone is further than this from UTC, and no clock changes twice within that.
        let reach = TimeDelta::hours(26);
        let mut before = slot.checked_sub_signed(reach)?.and_utc().timestamp();
        let mut behind = slot.checked_add_signed(reach)?.and_utc().timestamp();
        let local =
            |second: i64| Some(DateTime::from_timestamp(second, 0)?.with_timezone(&self.zone));
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
}

impl Iterator for Firings<'_> {
    type Item = Firing;

    fn next(&mut self) -> Option<Firing> {
        for _ in 0..DAYS_SEARCHED_MAX {
            if let Some((_, firing)) = self.found.first_key_value() {
                let is_settled = firing
                    .at
                    .date_naive()
                    .checked_add_days(Days::new(1))
                    .is_none_or(|next| next < self.date);
                if is_settled {
                    return self.found.pop_first().map(|(_, firing)| firing);
                }
            }
            self.look()?;
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn firings(expression: &str, zone: &str, dst: Dst, after: &str, count: usize) -> Vec<String> {
        let cron = Cron::parse(expression).unwrap();
        let after = DateTime::parse_from_rfc3339(after)
            .unwrap()
            .with_timezone(&Utc);
        let firings = Firings::after(&cron, zone.parse().unwrap(), dst, after);
        firings
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
