//! One firing, as people and as clocks see it.

use super::firings::Firing;
use super::one_shot::OneShot;
use crate::identity::Moment;
use crate::source::{Diagnostic, Source, Span, Spanned};
use chrono::{DateTime, Datelike, NaiveDateTime, TimeZone, Timelike, Utc, Weekday};
use chrono_tz::Tz;

/// An instant with the civil time that names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Occurrence {
    pub at: DateTime<Tz>,
    /// 1 in the second pass of a repeated hour, else 0.
    pub fold: u8,
}

impl Occurrence {
    /// An occurrence by hand: now, to the second.
    pub fn at_moment(moment: Moment, zone: Tz) -> Occurrence {
        let utc = DateTime::from_timestamp(moment.wall_ms.div_euclid(1_000), 0)
            .unwrap_or(DateTime::<Utc>::MIN_UTC);
        Occurrence::at(utc.with_timezone(&zone))
    }

    /// The one that somebody names as in `at:`; `place` is where.
    pub fn named(text: &str, place: &str, zone: Tz) -> Result<Occurrence, Diagnostic> {
        let source = Source::new(place, text);
        let written = Spanned {
            value: text.to_owned(),
            span: Span::new(&source, 0..text.len()),
        };
        let mut complaints = Vec::new();
        let shot = OneShot::lower(&written, zone, &mut complaints);
        let found = shot.map(|shot| Occurrence::at(shot.firing.at));
        found.ok_or_else(|| {
            let unread = || Diagnostic::error("one-shot", &written.span, "this is no time");
            complaints.pop().unwrap_or_else(unread)
        })
    }

    /// The one that a schedule names.
    pub fn of(firing: &Firing) -> Occurrence {
        Occurrence::at(firing.at)
    }

    fn at(at: DateTime<Tz>) -> Occurrence {
        let zone = at.timezone();
        let first = zone.from_local_datetime(&at.naive_local()).earliest();
        let fold = u8::from(first.is_some_and(|first| first != at));
        Occurrence { at, fold }
    }

    pub fn local(&self) -> NaiveDateTime {
        let local = self.at.naive_local();
        local.with_nanosecond(0).unwrap_or(local)
    }

    pub fn zone(&self) -> Tz {
        self.at.timezone()
    }

    /// `2026-11-11`
    pub fn date(&self) -> String {
        self.at.format("%Y-%m-%d").to_string()
    }

    /// `09:00`
    pub fn time(&self) -> String {
        self.at.format("%H:%M").to_string()
    }

    /// `Wednesday`
    pub fn weekday(&self) -> &'static str {
        match self.at.weekday() {
            Weekday::Mon => "Monday",
            Weekday::Tue => "Tuesday",
            Weekday::Wed => "Wednesday",
            Weekday::Thu => "Thursday",
            Weekday::Fri => "Friday",
            Weekday::Sat => "Saturday",
            Weekday::Sun => "Sunday",
        }
    }
}

/// An IANA zone by its name.
pub fn parse_zone(name: &str) -> Option<Tz> {
    name.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_pass_of_a_repeated_hour_is_told_from_the_first() {
        let zone = parse_zone("America/New_York").unwrap();
        // 2026-11-01 01:30 EDT, and an hour later 01:30 EST.
        let first = Moment {
            wall_ms: 1_793_511_000_000,
            boot_ns: 0,
            boot_id: 0,
        };
        let second = Moment {
            wall_ms: first.wall_ms + 3_600_000,
            ..first
        };
        let (first, second) = (
            Occurrence::at_moment(first, zone),
            Occurrence::at_moment(second, zone),
        );
        assert_eq!(first.local(), second.local());
        assert_eq!((first.fold, second.fold), (0, 1));
        assert_eq!(
            (first.date().as_str(), first.time().as_str()),
            ("2026-11-01", "01:30")
        );
    }
}
