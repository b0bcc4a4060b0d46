//! A part of the day.

use crate::identity::Moment;
use chrono::{DateTime, Days, NaiveTime, TimeZone};
use chrono_tz::Tz;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;
use thiserror::Error;

/// From one time of day up to, and without, another; it spans midnight where the second is the earlier one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    start: NaiveTime,
    end: NaiveTime,
}

/// Why a text is no window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum InvalidWindow {
    #[error("a window is two times of day with `-` between them")]
    Shape,
    #[error("a window that ends when it begins has no times in it, or all of them")]
    Equal,
}

impl Window {
    pub fn contains(&self, time: NaiveTime) -> bool {
        if self.start < self.end {
            (self.start..self.end).contains(&time)
        } else {
            time >= self.start || time < self.end
        }
    }
}

/// A window in a zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hours {
    pub window: Window,
    pub zone: Tz,
}

impl Hours {
    /// How long it stays closed; `None` while it is open.
    pub fn opens_in(&self, now: Moment) -> Option<Duration> {
        let now = DateTime::from_timestamp_millis(now.wall_ms)?.with_timezone(&self.zone);
        if self.window.contains(now.time()) {
            return None;
        }
        let starts = (0..DAYS_SEARCHED).filter_map(|days| {
            let day = now.date_naive().checked_add_days(Days::new(days))?;
            let start = day.and_time(self.window.start);
            self.zone.from_local_datetime(&start).earliest()
        });
        let next = starts.into_iter().find(|start| *start > now);
        let wait = next.and_then(|next| (next - now).to_std().ok());
        Some(wait.unwrap_or(LOOKED_AGAIN))
    }

    /// Returns what a run waits for that has nothing else to do; `None` while the window is open.
    pub fn waiting(&self, now: Moment) -> Option<Reopening> {
        const MINUTE_MS: i64 = 60_000;
        let opens_ms = now.wall_ms.checked_add(ms(self.opens_in(now)?))?;
        // A window is given in minutes, and clocks in less: what is asked in every moment must not differ each time.
        let opens_ms = (opens_ms + MINUTE_MS / 2).div_euclid(MINUTE_MS) * MINUTE_MS;
        let opens = DateTime::from_timestamp_millis(opens_ms)?.with_timezone(&self.zone);
        let window = self.window;
        Some(Reopening { window, opens })
    }
}

/// The next time at which a closed window opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reopening {
    window: Window,
    opens: DateTime<Tz>,
}

impl fmt::Display for Reopening {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Reopening { window, opens } = self;
        let (zone, opens) = (opens.timezone(), opens.format("%Y-%m-%d %H:%M"));
        write!(formatter, "waiting until {opens} {zone} (window {window})")
    }
}

impl Hours {
    /// When work that takes so long and rests while it is closed begins, and when it is done.
    pub fn stretch(&self, from_ms: i64, takes: Duration) -> (i64, i64) {
        let (mut at_ms, mut left) = (from_ms, takes);
        let mut begins_ms = None;
        for _ in 0..STRETCHES_MAX {
            let now = Moment {
                wall_ms: at_ms,
                boot_ns: 0,
                boot_id: 0,
            };
            if let Some(closed) = self.opens_in(now) {
                at_ms += ms(closed);
                continue;
            }
            begins_ms.get_or_insert(at_ms);
            let open = self.closes_in(now).unwrap_or(left);
            if left <= open {
                return (begins_ms.unwrap_or(from_ms), at_ms + ms(left));
            }
            left -= open;
            at_ms += ms(open);
        }
        (begins_ms.unwrap_or(from_ms), at_ms + ms(left))
    }

    /// How long it stays open.
    fn closes_in(&self, now: Moment) -> Option<Duration> {
        let now = DateTime::from_timestamp_millis(now.wall_ms)?.with_timezone(&self.zone);
        let ends = (0..DAYS_SEARCHED).filter_map(|days| {
            let day = now.date_naive().checked_add_days(Days::new(days))?;
            let end = day.and_time(self.window.end);
            self.zone.from_local_datetime(&end).latest()
        });
        let next = ends.into_iter().find(|end| *end > now);
        next.and_then(|next| (next - now).to_std().ok())
    }
}

fn ms(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}

/// Nobody waits for what takes years of days.
const STRETCHES_MAX: u32 = 10_000;
/// A clock change may move the start of one day, not of all.
const DAYS_SEARCHED: u64 = 3;
/// Where the start of the window is not known, it is asked again.
const LOOKED_AGAIN: Duration = Duration::from_mins(1);

impl FromStr for Window {
    type Err = InvalidWindow;

    fn from_str(text: &str) -> Result<Window, InvalidWindow> {
        let (start, end) = text.split_once('-').ok_or(InvalidWindow::Shape)?;
        let start = time_of_day(start).ok_or(InvalidWindow::Shape)?;
        // The end of the day has a name of its own, and is the beginning of the next.
        let end = if end == "24:00" {
            NaiveTime::MIN
        } else {
            time_of_day(end).ok_or(InvalidWindow::Shape)?
        };
        if start == end {
            return Err(InvalidWindow::Equal);
        }
        Ok(Window { start, end })
    }
}

/// `08:00`, in full: `8:0` could be a slip.
fn time_of_day(text: &str) -> Option<NaiveTime> {
    const LENGTH: usize = "08:00".len();
    let time = NaiveTime::parse_from_str(text, "%H:%M").ok();
    time.filter(|_| text.len() == LENGTH && text.bytes().all(|byte| !byte.is_ascii_whitespace()))
}

impl fmt::Display for Window {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (start, end) = (self.start.format("%H:%M"), self.end.format("%H:%M"));
        write!(formatter, "{start}-{end}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inside(window: &str, times: &[&str]) -> Vec<bool> {
        let window: Window = window.parse().unwrap();
        let times = times.iter().map(|time| time.parse().unwrap());
        times.map(|time| window.contains(time)).collect()
    }

    #[test]
    fn the_end_is_not_inside() {
        let times = ["07:59:59", "08:00:00", "21:59:59", "22:00:00"];
        assert_eq!(inside("08:00-22:00", &times), [false, true, true, false]);
    }

    #[test]
    fn it_may_span_midnight() {
        let times = ["21:59:59", "22:00:00", "00:00:00", "05:59:59", "06:00:00"];
        assert_eq!(
            inside("22:00-06:00", &times),
            [false, true, true, true, false]
        );
        let times = ["19:59:59", "20:00:00", "23:59:59", "00:00:00"];
        assert_eq!(inside("20:00-24:00", &times), [false, true, true, false]);
        assert_eq!(inside("20:00-00:00", &times), [false, true, true, false]);
    }

    #[test]
    fn work_rests_while_it_is_closed() {
        const HOUR_MS: i64 = 3_600_000;
        let hours = Hours {
            window: "08:00-10:00".parse().unwrap(),
            zone: chrono_tz::UTC,
        };
        let stretch = |from: i64, hours_long: u64| {
            let takes = Duration::from_hours(hours_long);
            let (begins, ends) = hours.stretch(from * HOUR_MS, takes);
            (begins / HOUR_MS, ends / HOUR_MS)
        };
        assert_eq!(stretch(9, 1), (9, 10));
        assert_eq!(stretch(6, 1), (8, 9), "it waits for the morning");
        assert_eq!(stretch(9, 4), (9, 24 + 24 + 9), "over three days");
        assert_eq!(stretch(11, 2), (24 + 8, 24 + 10));
    }

    #[test]
    fn who_waits_is_told_until_when_and_always_in_the_same_words() {
        let hours = Hours {
            window: "08:00-22:00".parse().unwrap(),
            zone: chrono_tz::Asia::Shanghai,
        };
        // Three in the morning in Shanghai, and a moment before eight.
        for wall_ms in [
            1_794_682_800_000,
            1_794_682_800_001,
            1_794_682_861_999,
            1_794_700_799_999,
        ] {
            let now = Moment {
                wall_ms,
                boot_ns: 0,
                boot_id: 0,
            };
            let told = "waiting until 2026-11-15 08:00 Asia/Shanghai (window 08:00-22:00)";
            let waiting = hours.waiting(now).map(|opens| opens.to_string());
            assert_eq!(waiting.as_deref(), Some(told));
        }
        let now = Moment {
            wall_ms: 1_794_700_800_000,
            boot_ns: 0,
            boot_id: 0,
        };
        assert_eq!(hours.waiting(now), None);
    }

    #[test]
    fn what_is_no_window_is_refused() {
        for text in [
            "08:00",
            "8:00-22:00",
            "08:00-25:00",
            "08:00 - 22:00",
            "08:00-22:00:30",
            "24:00-08:00",
            "+8:00-22:00",
        ] {
            assert_eq!(text.parse::<Window>(), Err(InvalidWindow::Shape), "{text}");
        }
        for text in ["08:00-08:00", "00:00-24:00"] {
            assert_eq!(text.parse::<Window>(), Err(InvalidWindow::Equal), "{text}");
        }
        assert_eq!(
            "20:00-24:00".parse::<Window>().unwrap().to_string(),
            "20:00-00:00"
        );
    }
}
